/**
 * The master of a long-lived query session, in a separate process: the set-up in the first line of stdin, answered
 * with the port on which it waits for workers; then one query per line, as in bench/query/duckdb-runner.ts.
 */
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';
import { packageVersion } from '../../net/package-files.js';
import { QuerySwitch } from '../../query/switch/switch.js';
import { findTables, QuerySession, WorkerRegistry, type QueryStatistics } from '../../query/session/index.js';
import type { RunnerAnswer } from './duckdb-runner.js';
import { toAnswer } from './values.js';

export interface FpisaSetup {
  readonly tables: readonly (readonly [name: string, pattern: string])[];
  readonly workers: number;
  /** DuckDB's in the master. */
  readonly threads: number;
  readonly p4runtime: string;
  readonly ports: Readonly<Record<string, string>>;
  readonly serviceIp: string;
  readonly serviceMac: string;
}

export interface FpisaQuestion {
  readonly sql: string;
  readonly combine: boolean;
  readonly answer?: boolean;
}

export interface FpisaAnswer extends RunnerAnswer {
  readonly statistics: QueryStatistics;
}

async function main(): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const setup = JSON.parse((await lines.next()).value as string) as FpisaSetup;
  const { workers, p4runtime, serviceIp, serviceMac } = setup;
  const connection = await (await DuckDBInstance.create(':memory:', { threads: String(setup.threads) })).connect();
  const tables = await findTables(
    connection,
    setup.tables.map(([name, pattern]) => `${name}=${pattern}`),
  );
  const device = await QuerySwitch.connect({
    address: p4runtime,
    serviceIp,
    serviceMac,
    ports: new Map(Object.entries(setup.ports).map(([port, place]) => [Number(port), place])),
  });
  const registry = new WorkerRegistry(workers, packageVersion());
  say({ port: await registry.listen('127.0.0.1:0') });
  const session = await QuerySession.open({
    registry,
    device,
    tables,
    connection,
    portOf: (rank) => rank + 1,
    port: workers + 1,
  });
  say({});
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
    const { sql, combine, answer } = JSON.parse(line.value) as FpisaQuestion;
    try {
      const started = performance.now();
      const { reader, statistics } = await session.run(sql, { combine });
      const seconds = (performance.now() - started) / 1000;
      say({
        seconds,
        rows: reader.currentRowCount,
        statistics,
        ...(answer === true && { answer: toAnswer(reader.getRows()) }),
      } satisfies FpisaAnswer);
    } catch (error) {
      say({ error: (error as Error).message });
    }
  }
  await session.close();
  await registry.close();
  device.close();
}

await main();
