/** Whether an answer equals DuckDB's own: the same rows, in the order that ORDER BY requires. */
import type { DuckDBResultReader, DuckDBValue } from '@duckdb/node-api';
import { duckdb } from '../duckdb.js';
import { identifier } from '../plan/tree.js';
import { plainScan, literal, type DataTable } from './tables.js';

/** Of floating-point values, relative (docs/queries.md, "The same answer"). */
export const TOLERANCE = { fp64: 1e-12, fp32: 1e-5 } as const;

export interface Verification {
  readonly verified: boolean;
  /** What differs first; undefined if nothing does. */
  readonly difference: string | undefined;
  /** Milliseconds that DuckDB alone took. */
  readonly elapsedMs: number;
}

interface OrderKeys {
  /** Columns of the answer by which it is ordered, as far as they are in it, most significant first. */
  readonly columns: readonly number[];
  readonly hasOrder: boolean;
  readonly hasLimit: boolean;
}

interface Rows {
  readonly rows: readonly (readonly DuckDBValue[])[];
  readonly names: readonly string[];
  readonly types: readonly string[];
}

/** Runs the query over all files in a separate DuckDB, and compares. */
export async function verifyAnswer(
  sql: string,
  tables: readonly DataTable[],
  answer: DuckDBResultReader,
  tolerance: number,
  timeZone: string,
): Promise<Verification> {
  const instance = await duckdb().DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`SET TimeZone = ${literal(timeZone)}`);
    for (const table of tables)
      await connection.run(`CREATE VIEW ${identifier(table.name)} AS SELECT * FROM ${plainScan(table)}`);
    const started = performance.now();
    const expected = rowsOf(await connection.runAndReadAll(sql));
    const elapsedMs = performance.now() - started;
    const [[tree]] = (await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql])).getRows() as [
      [string],
    ];
    const order = orderKeys(tree, expected.names);
    const got = rowsOf(answer);
    let difference = compareAnswers(got, expected, order, tolerance);
    if (difference !== undefined && order.hasLimit) {
      // Which of several tied rows a LIMIT leaves is unspecified, but every row must be one of the query's.
      const whole = await withoutLimit(
        tree,
        async (text) => rowsOf(await connection.runAndReadAll(text)),
        async (json) =>
          String((await connection.runAndReadAll('SELECT json_deserialize_sql($1::JSON)', [json])).getRows()[0]![0]),
      );
      difference = compareLimited(got, expected, whole, order, tolerance);
    }
    return { verified: difference === undefined, difference, elapsedMs };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function rowsOf(reader: DuckDBResultReader): Rows {
  return {
    rows: reader.getRows(),
    names: reader.columnNames(),
    types: reader.columnTypes().map((type) => type.toString()),
  };
}

interface Modifier {
  readonly type: string;
  readonly orders?: readonly {
    readonly expression: {
      readonly class: string;
      readonly column_names?: readonly string[];
      readonly value?: { readonly value?: unknown };
    };
  }[];
}

/** Which columns of the answer ORDER BY names. */
export function orderKeys(tree: string, names: readonly string[]): OrderKeys {
  const { statements } = JSON.parse(tree) as {
    statements?: readonly { readonly node: { readonly modifiers?: readonly Modifier[] } }[];
  };
  const modifiers = statements?.[0]?.node.modifiers ?? [];
  const columns: number[] = [];
  const orders = modifiers.flatMap(({ orders: list }) => list ?? []);
  for (const { expression } of orders) {
    const { column_names: path, value } = expression;
    const column =
      path !== undefined
        ? names.findIndex((name) => name.toLowerCase() === path.at(-1)!.toLowerCase())
        : expression.class === 'CONSTANT' && typeof value?.value === 'number'
          ? value.value - 1
          : -1;
    // Keys after one that is not in the answer decide only between rows that look tied.
    if (column < 0 || column >= names.length) break;
    columns.push(column);
  }
  return { columns, hasOrder: orders.length > 0, hasLimit: modifiers.some(({ type }) => type.startsWith('LIMIT')) };
}

async function withoutLimit(
  tree: string,
  run: (sql: string) => Promise<Rows>,
  print: (tree: string) => Promise<string>,
): Promise<Rows> {
  const parsed = JSON.parse(tree) as { statements: { node: { modifiers: Modifier[] } }[] };
  const { node } = parsed.statements[0]!;
  node.modifiers = node.modifiers.filter(({ type }) => !type.startsWith('LIMIT'));
  return run(await print(JSON.stringify(parsed)));
}

/** @returns what differs */
export function compareAnswers(got: Rows, expected: Rows, order: OrderKeys, tolerance: number): string | undefined {
  if (got.names.join('\0') !== expected.names.join('\0'))
    return `columns ${got.names.join(', ')} instead of ${expected.names.join(', ')}`;
  const type = got.types.findIndex((each, i) => each !== expected.types[i]);
  if (type >= 0) return `column ${got.names[type]} has type ${got.types[type]} instead of ${expected.types[type]}`;
  if (got.rows.length !== expected.rows.length) return `${got.rows.length} rows instead of ${expected.rows.length}`;
  return orderDifference(got, expected, order, tolerance) ?? subsetDifference(got, expected, tolerance);
}

function compareLimited(
  got: Rows,
  expected: Rows,
  whole: Rows,
  order: OrderKeys,
  tolerance: number,
): string | undefined {
  if (got.rows.length !== expected.rows.length) return `${got.rows.length} rows instead of ${expected.rows.length}`;
  return orderDifference(got, expected, order, tolerance) ?? subsetDifference(got, whole, tolerance);
}

/** Rows in the same positions have the same values of the columns that order them, whichever of the tied rows they are. */
function orderDifference(got: Rows, expected: Rows, { columns }: OrderKeys, tolerance: number): string | undefined {
  for (const [place, row] of got.rows.entries()) {
    const column = columns.find((index) => !isSame(row[index]!, expected.rows[place]![index]!, tolerance));
    if (column !== undefined)
      return `row ${place + 1} has ${got.names[column]} ${show(row[column]!)} instead of ${show(expected.rows[place]![column]!)}`;
  }
  return undefined;
}

/** Does every row occur as often? Rows that are equal apart from floating-point values are matched by these. */
function subsetDifference(got: Rows, expected: Rows, tolerance: number): string | undefined {
  const isFloat = expected.types.map((type) => /FLOAT|DOUBLE/.test(type));
  const keyOf = (row: readonly DuckDBValue[]): string =>
    JSON.stringify(row.map((value, i) => (isFloat[i] ? '' : show(value))));
  const byKey = new Map<string, (readonly DuckDBValue[])[]>();
  for (const row of expected.rows) {
    const key = keyOf(row);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, [row]);
    else known.push(row);
  }
  for (const row of got.rows) {
    const candidates = byKey.get(keyOf(row)) ?? [];
    const found = candidates.findIndex((candidate) =>
      row.every((value, i) => !isFloat[i] || isSame(value, candidate[i]!, tolerance)),
    );
    if (found < 0) {
      const nearest = candidates[0];
      return `row (${row.map(show).join(', ')}) is not in DuckDB's answer${nearest === undefined ? '' : `, which has (${nearest.map(show).join(', ')})`}`;
    }
    candidates.splice(found, 1);
  }
  return undefined;
}

function isSame(a: DuckDBValue, b: DuckDBValue, tolerance: number): boolean {
  if (typeof a === 'number' && typeof b === 'number')
    return (
      a === b ||
      (Number.isNaN(a) && Number.isNaN(b)) ||
      Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b))
    );
  return show(a) === show(b);
}

function show(value: DuckDBValue): string {
  if (value === null) return 'NULL';
  if (value instanceof duckdb().DuckDBDecimalValue) return value.toString();
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
