/**
 * The tables of bench:query as Parquet files, generated once and kept: TPC-H's by tpchgen-cli, the Big Data
 * benchmark's by DuckDB.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { literal } from '../../query/session/tables.js';
import type { DataSet } from './queries.js';

/** Files per table, so that they can be divided among workers and cores. */
const PARTS = 4;
/** Rows at scale 1. */
const RANKINGS = 300_000;
const USER_VISITS = 2_500_000;

class BenchDataError extends Error {
  readonly code = 'FPISA_BENCH_DATA';
  override readonly name = 'BenchDataError';
}

/** A table's name and the pattern of its files. */
export type TablePatterns = ReadonlyMap<string, string>;

/**
 * @param folder where data sets are kept, by kind and scale
 * @param python interpreter, in whose folder tpchgen-cli may be installed
 * @throws BenchDataError
 */
export async function prepareData(
  kind: DataSet,
  scale: number,
  folder: string,
  python: string,
): Promise<TablePatterns> {
  const target = join(folder, `${kind}-${scale}`);
  if (!existsSync(target)) {
    const half = `${target}.${process.pid}`;
    mkdirSync(half, { recursive: true });
    try {
      if (kind === 'tpch') makeTpch(half, scale, python);
      else await makeBigData(half, scale);
      // Appears completely or not at all, even if another process generates it at the same time.
      renameSync(half, target);
    } finally {
      rmSync(half, { recursive: true, force: true });
    }
  }
  const tables = readdirSync(target, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return new Map(tables.map(({ name }) => [name, join(target, name, '*.parquet')]));
}

/** Path of tpchgen-cli: in the interpreter's folder, where pip installs it, or on PATH. */
function generatorOf(python: string): string {
  const beside = join(dirname(python), 'tpchgen-cli');
  return existsSync(beside) ? beside : 'tpchgen-cli';
}

function makeTpch(folder: string, scale: number, python: string): void {
  try {
    execFileSync(
      generatorOf(python),
      ['parquet', '-s', String(scale), '--parts', String(PARTS), '-o', folder, '--quiet'],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new BenchDataError('TPC-H data is made by tpchgen-cli, which is not installed: pip install tpchgen-cli');
    throw new BenchDataError(`tpchgen-cli failed: ${(error as Error).message}`);
  }
}

/**
 * Uniform in [0, 1), for row i; different salts give independent numbers. The salt is concatenated, because hashes of
 * two arguments would differ by the same bits in every row. 2^53 so that every value is a double.
 */
function uniform(salt: string): string {
  return `((hash(concat(i, ${literal(salt)})) >> 11)::DOUBLE / 9007199254740992)`;
}

function below(salt: string, count: number | string): string {
  return `(floor(${uniform(salt)} * ${count})::INTEGER)`;
}

/**
 * The tables of the Big Data benchmark (AMPLab, 2013) by our own rules with its proportions: pageRank above r has
 * the probability 1/r; sourceIP has about one prefix of 8 characters for 100 visits (the original: for 75); visits
 * are spread over the years 1970 to 2011, so that query 3A's three months hold 0.6 % of them.
 */
export function bigDataSql(scale: number): ReadonlyMap<string, { readonly rows: number; readonly select: string }> {
  const pages = Math.max(1, Math.round(RANKINGS * scale));
  const url = (page: string): string =>
    `'http://pages.example.org/' || lower(hex(hash(concat(${page}, 'url')))) || '/' || ${page}`;
  return new Map([
    [
      'rankings',
      {
        rows: pages,
        select: `SELECT ${url('i')} AS pageURL, least(floor(1 / (1 - ${uniform('rank')})), 1000000)::INTEGER AS pageRank, ${below('duration', 100)} + 1 AS avgDuration`,
      },
    ],
    [
      'uservisits',
      {
        rows: Math.max(1, Math.round(USER_VISITS * scale)),
        select: `SELECT concat_ws('.', 100 + ${below('ip1', 156)}, 100 + ${below('ip2', 156)}, ${below('ip3', 256)}, ${below('ip4', 256)}) AS sourceIP,
          ${url(below('page', pages))} AS destURL,
          (DATE '1970-01-01' + ${below('day', "(DATE '2012-01-01' - DATE '1970-01-01')")}) AS visitDate,
          ${uniform('revenue')} AS adRevenue,
          'Mozilla/5.0 (compatible; ' || ${below('agent', 2000)} || ')' AS userAgent,
          chr(65 + ${below('country1', 26)}) || chr(65 + ${below('country2', 26)}) || chr(65 + ${below('country3', 26)}) AS countryCode,
          chr(97 + ${below('language1', 26)}) || chr(97 + ${below('language2', 26)}) AS languageCode,
          'word' || ${below('word', 5000)} AS searchWord,
          ${below('seconds', 10)} + 1 AS duration`,
      },
    ],
  ]);
}

async function makeBigData(folder: string, scale: number): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    for (const [table, { rows, select }] of bigDataSql(scale)) {
      mkdirSync(join(folder, table));
      for (let part = 0; part < PARTS; part++) {
        const [from, to] = [Math.floor((rows * part) / PARTS), Math.floor((rows * (part + 1)) / PARTS)];
        const path = join(folder, table, `${table}.${part + 1}.parquet`);
        await connection.run(
          `COPY (${select} FROM range(${from}, ${to}) AS source(i)) TO ${literal(path)} (FORMAT parquet)`,
        );
      }
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
