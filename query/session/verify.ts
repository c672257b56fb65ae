/** Whether an answer is DuckDB's own: the same rows, in the order that ORDER BY asks for. */
import type { DuckDBResultReader, DuckDBValue } from '@duckdb/node-api';
import { counted } from '../../net/count.js';
import { duckdb } from '../duckdb.js';
import { identifier } from '../plan/tree.js';
import type { Rows } from './rows.js';
import { plainScan, literal, type DataTable } from './tables.js';
import { VerifiedQuery } from './verified-query.js';

/** Of floating-point values, relative (docs/queries.md, "The same answer"). */
export const TOLERANCE = { fp64: 1e-12, fp32: 1e-5 } as const;

export interface Verification {
  readonly verified: boolean;
  /** What differs first; undefined if nothing does, or if it cannot be said whether the difference is an error. */
  readonly difference: string | undefined;
  /** Why a different answer may be as right as this one: the query leaves a choice that shows in the answer. */
  readonly unverifiable: string | undefined;
  /** Milliseconds that DuckDB alone took. */
  readonly elapsedMs: number;
}

interface OrderKeys {
  /** Columns of the answer by which it is ordered, as far as they are in it, most significant first. */
  readonly columns: readonly number[];
}

/** Runs the query over all files in a DuckDB of its own, and compares. */
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
    const got = rowsOf(answer);
    const found = isSameInPlace(got, expected, tolerance)
      ? {}
      : await compareFreely(got, expected, await VerifiedQuery.of(sql, connection, tables), tolerance);
    const { difference, unverifiable } = { difference: undefined, unverifiable: undefined, ...found };
    return { verified: difference === undefined && unverifiable === undefined, difference, unverifiable, elapsedMs };
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Compares an answer that is not DuckDB's row by row: the query may leave a choice. */
async function compareFreely(
  got: Rows,
  expected: Rows,
  query: VerifiedQuery | undefined,
  tolerance: number,
): Promise<{ difference?: string; unverifiable?: string }> {
  const shape = shapeDifference(got, expected);
  if (shape?.kind === 'columns') return { difference: shape.text };
  const plain = compareAnswers(got, expected, { columns: [] }, tolerance);
  if (query === undefined)
    return plain === undefined ? {} : { unverifiable: `DuckDB does not say what the query leaves open (${plain})` };
  const choice = await query.choice();
  if (choice !== undefined) return { unverifiable: plain === undefined ? choice : `${choice} (here: ${plain})` };
  if (!query.isOrderKnown) return { unverifiable: 'DuckDB does not say by which columns it sorts the answer' };
  if (shape !== undefined) return { difference: shape.text };
  const columns = query.orderColumns(expected.names.length);
  const inOrder = orderDifference(got, expected, { columns }, tolerance);
  if (inOrder !== undefined) return { difference: inOrder };
  const ranks = query.hiddenOrder(expected.names.length);
  try {
    const ranked = ranks.length === 0 ? expected : await query.run({ ranks });
    const whole = query.leavesOut ? await query.run({ ranks, isWhole: true }) : ranked;
    const width = expected.names.length;
    // A row stands in its place if it is one of those that DuckDB's order puts there, whichever of the tied ones.
    const placed = {
      ...ranked,
      rows: got.rows.map((row, place) => [...row, ...ranked.rows[place]!.slice(width)]),
    };
    const fold = query.foldsText ? folded : (text: string): string => text;
    const difference = subsetDifference(placed, whole, tolerance, width, fold);
    return difference === undefined ? {} : { difference };
  } catch (error) {
    return { unverifiable: `DuckDB does not run the query without its LIMIT: ${(error as Error).message}` };
  }
}

/** Case and accents away: what a collation may make equal. */
function folded(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

function rowsOf(reader: DuckDBResultReader): Rows {
  return {
    rows: reader.getRows(),
    names: reader.columnNames(),
    types: reader.columnTypes().map((type) => type.toString()),
  };
}

function isSameInPlace(got: Rows, expected: Rows, tolerance: number): boolean {
  if (shapeDifference(got, expected) !== undefined) return false;
  return orderDifference(got, expected, { columns: got.names.map((_, i) => i) }, tolerance) === undefined;
}

function shapeDifference(got: Rows, expected: Rows): { kind: 'columns' | 'rows'; text: string } | undefined {
  const columns = (text: string): { kind: 'columns'; text: string } => ({ kind: 'columns', text });
  if (got.names.join('\0') !== expected.names.join('\0'))
    return columns(`columns ${got.names.join(', ')} instead of ${expected.names.join(', ')}`);
  const type = got.types.findIndex((each, i) => each !== expected.types[i]);
  if (type >= 0)
    return columns(`column ${got.names[type]} has type ${got.types[type]} instead of ${expected.types[type]}`);
  if (got.rows.length !== expected.rows.length)
    return { kind: 'rows', text: `${counted(got.rows.length, 'row')} instead of ${expected.rows.length}` };
  return undefined;
}

/** @returns what differs */
export function compareAnswers(got: Rows, expected: Rows, order: OrderKeys, tolerance: number): string | undefined {
  const shape = shapeDifference(got, expected);
  if (shape !== undefined) return shape.text;
  return orderDifference(got, expected, order, tolerance) ?? subsetDifference(got, expected, tolerance);
}

/** Rows in the same places have the same values of the columns that order them, whichever of the tied rows they are. */
function orderDifference(got: Rows, expected: Rows, { columns }: OrderKeys, tolerance: number): string | undefined {
  for (const [place, row] of got.rows.entries()) {
    const column = columns.find((index) => !isSame(row[index]!, expected.rows[place]![index]!, tolerance));
    if (column !== undefined)
      return `row ${place + 1} has ${got.names[column]} ${show(row[column]!)} instead of ${show(expected.rows[place]![column]!)}`;
  }
  return undefined;
}

/** Is every row there, as often? Rows that are equal apart from floating-point values are matched by these. */
function subsetDifference(
  got: Rows,
  expected: Rows,
  tolerance: number,
  shown = expected.names.length,
  fold = (text: string): string => text,
): string | undefined {
  const isFloat = expected.types.map((type) => /FLOAT|DOUBLE/.test(type));
  const keyOf = (row: readonly DuckDBValue[]): string =>
    JSON.stringify(
      row.map((value, i) => (isFloat[i] ? '' : typeof value === 'string' ? fold(show(value)) : show(value))),
    );
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
      const text = (values: readonly DuckDBValue[]): string => values.slice(0, shown).map(show).join(', ');
      if (nearest !== undefined && text(nearest) === text(row))
        return `row (${text(row)}) is in DuckDB's answer less often`;
      const isElsewhere = expected.rows.some((other) => text(other) === text(row));
      return isElsewhere
        ? `row (${text(row)}) is not in DuckDB's answer at this place of the order`
        : `row (${text(row)}) is not in DuckDB's answer${nearest === undefined ? '' : `, which has (${text(nearest)})`}`;
    }
    candidates.splice(found, 1);
  }
  return undefined;
}

function isSame(a: DuckDBValue, b: DuckDBValue, tolerance: number): boolean {
  if (typeof a === 'number' && typeof b === 'number') {
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
    // Of an infinity any difference would be within any share.
    if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
    return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
  }
  const [parts, others] = [partsOf(a), partsOf(b)];
  if (parts !== undefined && others !== undefined)
    return parts.length === others.length && parts.every((part, i) => isSame(part, others[i]!, tolerance));
  return show(a) === show(b);
}

/** Values within a value. */
function partsOf(value: DuckDBValue): readonly DuckDBValue[] | undefined {
  const { DuckDBListValue, DuckDBArrayValue, DuckDBStructValue, DuckDBMapValue } = duckdb();
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue) return value.items;
  if (value instanceof DuckDBStructValue) return Object.values(value.entries);
  if (value instanceof DuckDBMapValue) return value.entries.flatMap(({ key, value: of }) => [key, of]);
  return undefined;
}

function show(value: DuckDBValue): string {
  if (value === null) return 'NULL';
  if (value instanceof duckdb().DuckDBDecimalValue) return value.toString();
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
