/**
 * Queries through the switch compared with PySpark in local mode and DuckDB alone, on the same files and cores, in
 * turns: data and plot for docs/queries.md.
 *
 *     npm run bench:query -- [--scale 1] [--workers 2] [--rounds 3] [--queries top,sum,…] [--data FOLDER] [--out bench/data]
 *
 * Each system runs each query once before timing starts: the answers are compared, and caches, compilers and Spark's
 * session are warm. Then the rounds follow. Writes query.json, and query.svg from it, and prints the
 * tables; `npm run bench:query:docs` puts them into docs/queries.md.
 *
 * Needs Python with pyspark, pyarrow, pandas and tpchgen-cli: FPISA_BENCH_PYTHON names its interpreter (default
 * python3). PySpark needs Java 17. Generated tables are kept in --data (default: fpisa-bench in the folder for
 * temporary files).
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { environment } from '../net/environment.js';
import { difference } from './query/answers.js';
import { prepareData } from './query/data.js';
import { numberBetween, outputFolder, runAsCommand, wholeNumber } from '../scripts/arguments.js';
import { describeMachine } from './machine.js';
import { QUERIES, type BenchQuery, type DataSet } from './query/queries.js';
import { plotOf, rowOf, tables, type QueryReport, type QueryRow, type SwitchCost } from './query/report.js';
import { Alone, WithSwitch, type Run, type SwitchRun } from './query/systems.js';
import { median } from './median.js';

export interface QueryBenchOptions {
  readonly scale: number;
  readonly workers: number;
  readonly rounds: number;
  readonly queries: readonly string[];
  readonly folder: string;
  readonly python: string;
}

interface Systems {
  readonly spark: Alone;
  readonly duckdb: Alone;
  readonly fpisa: WithSwitch;
}

/** @throws Error if a system's answer differs from DuckDB's */
async function measureQuery(query: BenchQuery, { spark, duckdb, fpisa }: Systems, rounds: number): Promise<QueryRow> {
  const { sql } = query;
  const reference = await duckdb.run(sql, true);
  const others = {
    Spark: await spark.run(sql, true),
    'fpisa, workers combining,': await fpisa.run(sql, true, true),
    'fpisa, every row in the switch,': await fpisa.run(sql, false, true),
  };
  for (const [name, { answer }] of Object.entries(others)) {
    const differs = difference(answer.answer!, reference.answer.answer!);
    if (differs !== undefined) throw new Error(`${query.title}: ${name} and DuckDB do not agree: ${differs}`);
  }
  const runs: { spark: Run<number>[]; duckdb: Run<number>[]; combined: SwitchRun[]; everyRow: SwitchRun[] } = {
    spark: [],
    duckdb: [],
    combined: [],
    everyRow: [],
  };
  for (let round = 0; round < rounds; round++) {
    runs.spark.push(await spark.run(sql));
    runs.combined.push(await fpisa.run(sql, true));
    runs.duckdb.push(await duckdb.run(sql));
    runs.everyRow.push(await fpisa.run(sql, false));
  }
  return rowOf(query, {
    rowsScanned: runs.everyRow[0]!.answer.statistics.rowsScanned,
    rows: reference.answer.rows,
    spark: costOf(runs.spark),
    duckdb: costOf(runs.duckdb),
    combined: switchCostOf(runs.combined),
    everyRow: switchCostOf(runs.everyRow),
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function costOf(runs: readonly Run<number>[]): QueryRow['spark'] {
  return { seconds: median(runs.map(({ answer }) => answer.seconds)), cpu: mean(runs.map(({ cpu }) => cpu)) };
}

function switchCostOf(runs: readonly SwitchRun[]): SwitchCost {
  const toMaster = runs.map(({ answer }) => answer.statistics.toMaster);
  return {
    seconds: median(runs.map(({ answer }) => answer.seconds)),
    cpu: {
      workers: mean(runs.map(({ cpu }) => cpu.workers)),
      switch: mean(runs.map(({ cpu }) => cpu.switch)),
      master: mean(runs.map(({ cpu }) => cpu.master)),
    },
    rowsToMaster: Math.round(
      mean(toMaster.map(({ tuples, groups, unfit, shipped }) => tuples + groups + unfit + shipped)),
    ),
    bytesToMaster: Math.round(mean(toMaster.map(({ bytes }) => bytes))),
  };
}

export async function measure(
  { scale, workers, rounds, queries, folder, python }: QueryBenchOptions,
  progress: (text: string) => void,
): Promise<QueryReport> {
  const cores = cpus().length;
  const chosen = QUERIES.filter(({ name }) => queries.length === 0 || queries.includes(name));
  if (chosen.length < Math.max(1, queries.length))
    throw new Error(`--queries takes a list of ${QUERIES.map(({ name }) => name).join(', ')}`);
  const rows: QueryRow[] = [];
  let versions: Record<string, string> = { node: process.versions.node };
  for (const kind of new Set<DataSet>(chosen.map(({ data }) => data))) {
    progress(`generating or finding the ${kind} tables at scale ${scale}\n`);
    const patterns = await prepareData(kind, scale, folder, python);
    const closing: (() => Promise<void>)[] = [];
    const open = async <T extends { close(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
      const system = await starting;
      closing.push(() => system.close());
      return system;
    };
    try {
      const spark = await open(Alone.spark(python, patterns, cores));
      const duckdb = await open(Alone.duckdb(patterns, cores));
      const fpisa = await open(WithSwitch.start(patterns, workers, cores));
      versions = {
        ...versions,
        spark: spark.versions['version']!,
        java: spark.versions['java']!,
        duckdb: duckdb.versions['version']!,
      };
      for (const query of chosen.filter(({ data }) => data === kind)) {
        rows.push(await measureQuery(query, { spark, duckdb, fpisa }, rounds));
        progress(`${JSON.stringify(rows.at(-1))}\n`);
      }
    } finally {
      for (const close of closing.reverse()) await close();
    }
  }
  return {
    machine: describeMachine(),
    versions,
    date: new Date().toISOString().slice(0, 10),
    scale,
    workers,
    cores,
    rounds,
    queries: rows,
  };
}

/** @throws Error that names what the Python environment lacks */
function checkPython(python: string): void {
  try {
    execFileSync(python, ['-c', 'import pyspark, pyarrow, pandas'], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: Buffer };
    const why = code === 'ENOENT' ? 'no such command' : (stderr?.toString().trim().split('\n').at(-1) ?? '');
    throw new Error(
      `bench:query needs PySpark in ${python} (${why}): pip install pyspark pyarrow pandas tpchgen-cli in a virtual environment, and set FPISA_BENCH_PYTHON to its interpreter`,
    );
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      scale: { type: 'string', default: '1' },
      workers: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
      queries: { type: 'string', default: '' },
      data: { type: 'string', default: join(tmpdir(), 'fpisa-bench') },
      out: { type: 'string', default: 'bench/data' },
    },
  });
  const python = environment('FPISA_BENCH_PYTHON') ?? 'python3';
  checkPython(python);
  const out = outputFolder('out', values.out);
  const report = await measure(
    {
      scale: numberBetween('scale', values.scale, 0.001, 1000),
      workers: wholeNumber('workers', values.workers, 1, 64),
      rounds: wholeNumber('rounds', values.rounds, 1, 1000),
      queries: values.queries.split(',').filter(Boolean),
      folder: resolve(values.data),
      python,
    },
    (text) => process.stderr.write(text),
  );
  writeFileSync(join(out, 'query.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(out, 'query.svg'), plotOf(report));
  console.log(Object.values(tables(report)).join('\n\n'));
  return 0;
}

await runAsCommand(import.meta.url, main);
