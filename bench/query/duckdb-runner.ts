/**
 * DuckDB alone, in a separate process: tables in the first line of stdin ({tables: [[name, pattern]…], threads}),
 * then one query per line ({sql, answer}). Replies to each with a line that has the seconds taken, the number of rows
 * and, if requested, the answer itself.
 */
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';
import { identifier } from '../../query/plan/tree.js';
import { literal } from '../../query/session/tables.js';
import { toAnswer } from './values.js';

export interface RunnerSetup {
  readonly tables: readonly (readonly [name: string, pattern: string])[];
  readonly threads: number;
}

export interface RunnerAnswer {
  readonly seconds: number;
  readonly rows: number;
  readonly answer?: ReturnType<typeof toAnswer>;
}

async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const setup = JSON.parse((await lines.next()).value as string) as RunnerSetup;
  const connection = await (await DuckDBInstance.create(':memory:', { threads: String(setup.threads) })).connect();
  for (const [name, pattern] of setup.tables)
    await connection.run(`CREATE VIEW ${identifier(name)} AS SELECT * FROM read_parquet(${literal(pattern)})`);
  say({ version: (await connection.runAndReadAll('SELECT version()')).getRows()[0]![0] });
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const { sql, answer } = JSON.parse(line.value) as { sql: string; answer?: boolean };
    const started = performance.now();
    const reader = await connection.runAndReadAll(sql);
    const seconds = (performance.now() - started) / 1000;
    say({
      seconds,
      rows: reader.currentRowCount,
      ...(answer === true && { answer: toAnswer(reader.getRows()) }),
    } satisfies RunnerAnswer);
  }
}

await main();
