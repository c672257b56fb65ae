/** Random data in several DuckDBs, and the same data in one. */
import { DuckDBInstance, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import type { Catalog, CatalogColumn } from '../../../query/plan/catalog.js';
import { plan, type PlanOptions } from '../../../query/plan/planner.js';
import { isWideValueError } from '../../../query/plan/wide-values.js';
import type { QueryPlan } from '../../../query/plan/plan.js';
import { execute, SumOverflow, type Run } from './perfect-switch.js';

export class Cluster {
  private constructor(
    readonly whole: DuckDBConnection,
    readonly workers: readonly DuckDBConnection[],
    readonly catalog: Catalog,
  ) {}

  /** @param setup SQL that makes the tables with all their rows; workers get every n-th row */
  static async create(setup: readonly string[], workers = 3): Promise<Cluster> {
    const whole = await (await DuckDBInstance.create(':memory:', { threads: '2' })).connect();
    for (const sql of setup) await whole.run(sql);
    const tables = (await whole.runAndReadAll('SELECT table_name FROM duckdb_tables() ORDER BY 1'))
      .getRows()
      .map(([name]) => String(name));
    const parts: DuckDBConnection[] = [];
    for (let rank = 0; rank < workers; rank++) {
      const part = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
      parts.push(part);
    }
    const catalog: { name: string; columns: CatalogColumn[]; rows: number }[] = [];
    for (const name of tables) {
      const described = (await whole.runAndReadAll(`DESCRIBE "${name}"`)).getRows();
      const rows = Number((await whole.runAndReadAll(`SELECT count(*) FROM "${name}"`)).getRows()[0]![0]);
      const values = (
        await whole.runAndReadAll(
          `SELECT ${described.map(([column]) => `count("${String(column)}")`).join(', ')} FROM "${name}"`,
        )
      ).getRows()[0]!;
      const columns = described.map(([column, type], i): CatalogColumn => ({
        name: String(column),
        type: String(type),
        isNeverNull: Number(values[i]) === rows,
      }));
      catalog.push({ name, columns, rows });
      for (const [rank, part] of parts.entries()) {
        await part.run(
          `CREATE TABLE "${name}" (${columns.map((column) => `"${column.name}" ${column.type}`).join(', ')})`,
        );
        const chunks = await (
          await whole.run(`SELECT * FROM "${name}" WHERE rowid % ${workers} = ${rank}`)
        ).fetchAllChunks();
        const appender = await part.createAppender(name);
        for (const chunk of chunks) appender.appendDataChunk(chunk);
        appender.closeSync();
      }
    }
    return new Cluster(whole, parts, catalog);
  }

  plan(sql: string, options: PlanOptions = {}): Promise<QueryPlan> {
    return plan(sql, this.catalog, options);
  }

  /** As the engine does it: without integer sums once one has overflowed. */
  async run(sql: string, options: PlanOptions = {}, groupSlots = 64): Promise<Run & { plan: QueryPlan }> {
    const first = await this.plan(sql, options);
    try {
      return { ...(await execute(first, this.workers, { groupSlots })), plan: first };
    } catch (error) {
      if (!(error instanceof SumOverflow) && !isWideValueError(error)) throw error;
      const second = await this.plan(sql, { ...options, integerSums: false });
      return { ...(await execute(second, this.workers, { groupSlots })), plan: second };
    }
  }

  async alone(
    sql: string,
  ): Promise<{ names: readonly string[]; types: readonly string[]; rows: readonly (readonly DuckDBValue[])[] }> {
    const result = await this.whole.runAndReadAll(sql);
    return { names: result.columnNames(), types: result.columnTypes().map(String), rows: result.getRows() };
  }
}

const text = (value: DuckDBValue): string =>
  typeof value === 'number' ? (value === 0 ? '0' : value.toPrecision(7)) : value === null ? 'NULL' : `${String(value)}`;

function near(a: DuckDBValue, b: DuckDBValue, relative: number): boolean {
  if (typeof a === 'number' && typeof b === 'number') {
    if (Object.is(a, b) || a === b) return true;
    // Of an infinity any difference would be within any share.
    if (!Number.isFinite(a) || !Number.isFinite(b)) return false;
    return Math.abs(a - b) <= Math.max(relative * Math.max(Math.abs(a), Math.abs(b)), 1e-300);
  }
  return text(a) === text(b);
}

/** @returns what differs between two answers, rows in any order; undefined if nothing does */
export function difference(
  got: readonly (readonly DuckDBValue[])[],
  wanted: readonly (readonly DuckDBValue[])[],
  { relative = 1e-12, ordered = false } = {},
): string | undefined {
  if (got.length !== wanted.length) return `${got.length} rows instead of ${wanted.length}`;
  const key = (row: readonly DuckDBValue[]): string =>
    [
      ...row.filter((value) => typeof value !== 'number').map(text),
      '|',
      ...row.filter((value) => typeof value === 'number').map(text),
    ].join('\u0000');
  const inOrder = (rows: typeof got): typeof got =>
    ordered ? rows : [...rows].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  const [a, b] = [inOrder(got), inOrder(wanted)];
  for (const [i, row] of a.entries()) {
    const column = row.findIndex((value, c) => !near(value, b[i]![c]!, relative));
    if (column >= 0) return `row ${i}: ${row.map(text).join(', ')} instead of ${b[i]!.map(text).join(', ')}`;
  }
  return undefined;
}
