/** Files that are tables: which exist, what columns they have, and which worker reads which part. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { CatalogColumn } from '../plan/catalog.js';
import { identifier } from '../plan/tree.js';
import { QueryDataError } from './errors.js';

export type TableFormat = 'parquet' | 'csv';

export interface DataFile {
  readonly path: string;
  readonly bytes: number;
}

export interface DataTable {
  readonly name: string;
  readonly format: TableFormat;
  readonly files: readonly DataFile[];
  readonly columns: readonly CatalogColumn[];
  /** Rows of all files; undefined for CSV, which would have to be read to count them. */
  readonly rows: number | undefined;
  /** Arguments of read_csv that make every worker read as DuckDB reads all files together. */
  readonly csvOptions: string;
}

/** A file, or its `part`th of `of` parts. */
interface FilePart {
  readonly path: string;
  readonly part: number;
  readonly of: number;
}

/** What one worker has of a table. */
export interface TableShare {
  readonly name: string;
  readonly format: TableFormat;
  readonly columns: readonly CatalogColumn[];
  readonly csvOptions: string;
  readonly parts: readonly FilePart[];
}

const FORMATS: readonly (readonly [RegExp, TableFormat])[] = [
  [/\.(parquet|parq|pq)$/i, 'parquet'],
  [/\.(csv|tsv|tbl)(\.gz|\.zst)?$/i, 'csv'],
];

/**
 * The name of a pattern's table: the file name up to the first `*`, digit or `.`, without the separator before it;
 * the folder's name if nothing is left of it.
 */
export function tableNameOf(pattern: string): string | undefined {
  const stem = (text: string): string => /^[^*?[{.\d]*/.exec(text)![0].replace(/[-_]+$/, '');
  return stem(basename(pattern)) || stem(basename(dirname(resolve(pattern)))) || undefined;
}

/** Reads `--data`'s form: a pattern, or a name and a pattern. @throws QueryDataError */
export function parseDataArgument(text: string): { name: string; pattern: string } {
  const named = /^([A-Za-z_][\w$]*)=(.+)$/.exec(text);
  if (named !== null) return { name: named[1]!, pattern: named[2]! };
  const name = tableNameOf(text);
  if (name === undefined) throw new QueryDataError(`no table name can be derived from "${text}"; write NAME=${text}`);
  return { name, pattern: text };
}

/** SQL text of a string. */
export function literal(text: string): string {
  return `'${text.replaceAll(`'`, `''`)}'`;
}

/** Finds the tables' files and their columns. @throws QueryDataError */
export async function findTables(connection: DuckDBConnection, data: readonly string[]): Promise<DataTable[]> {
  const patterns = new Map<string, string[]>();
  for (const argument of data) {
    const { name, pattern } = parseDataArgument(argument);
    const known = [...patterns.keys()].find((other) => other.toLowerCase() === name.toLowerCase()) ?? name;
    patterns.set(known, [...(patterns.get(known) ?? []), pattern]);
  }
  return Promise.all([...patterns].map(([name, list]) => findTable(connection, name, list)));
}

/** @param what is read from them, for the error @throws QueryDataError if there are none */
export async function filesNamed(connection: DuckDBConnection, pattern: string, what: string): Promise<string[]> {
  const rows = (
    await connection.runAndReadAll(`SELECT file FROM glob(${literal(resolve(pattern))}) ORDER BY file`)
  ).getRows();
  if (rows.length > 0) return rows.map(([path]) => String(path));
  const isFolder = await stat(pattern).then(
    (found) => found.isDirectory(),
    () => false,
  );
  throw new QueryDataError(
    isFolder
      ? `${pattern} is a folder; name the files in it from which to read ${what}, such as '${join(pattern, '*.parquet')}'`
      : `no file matches ${pattern}, from which to read ${what}`,
  );
}

async function findTable(connection: DuckDBConnection, name: string, patterns: readonly string[]): Promise<DataTable> {
  const found = new Map<string, DataFile[]>();
  for (const pattern of patterns) {
    const paths = await filesNamed(connection, pattern, `table ${name}`);
    const sized = paths.map(async (path): Promise<DataFile> => ({ path, bytes: (await stat(path)).size }));
    found.set(pattern, await Promise.all(sized));
  }
  const files = [...new Map([...found.values()].flat().map((file) => [file.path, file])).values()];
  const formats = new Set(files.map(({ path }) => formatOf(path)));
  if (formats.size > 1)
    throw new QueryDataError(
      `files of table ${name} have several formats (${[...formats].join(', ')}); make a table of each`,
    );
  const [format] = formats as Set<TableFormat>;
  await refuseOtherColumns(connection, name, format!, found);
  const csvOptions = format === 'csv' ? await sniffOptions(connection, files[0]!.path) : '';
  const known = await columnsOf(connection, `SELECT * FROM ${plainScan({ format: format!, files })}`, files);
  const neverNull =
    format === 'parquet'
      ? await neverNullColumns(
          connection,
          known,
          files.map(({ path }) => path),
        )
      : [];
  const columns = known.map((column): CatalogColumn => ({ ...column, isNeverNull: neverNull.includes(column.name) }));
  return {
    name,
    format: format!,
    files,
    columns,
    csvOptions: format === 'csv' ? `${csvOptions}, types = ${typesOf(columns)}` : '',
    rows: format === 'parquet' ? await parquetRows(connection, files) : undefined,
  };
}

/** DuckDB takes the columns of the first files, and leaves out what only later ones have. */
async function refuseOtherColumns(
  connection: DuckDBConnection,
  table: string,
  format: TableFormat,
  found: ReadonlyMap<string, readonly DataFile[]>,
): Promise<void> {
  if (found.size < 2) return;
  let first: { pattern: string; names: string[] } | undefined;
  for (const [pattern, files] of found) {
    const columns = await columnsOf(connection, `SELECT * FROM ${plainScan({ format, files })}`, files);
    const names = columns.map((column) => column.name);
    const key = (list: readonly string[]): string =>
      list
        .map((each) => each.toLowerCase())
        .sort()
        .join('\0');
    first ??= { pattern, names };
    if (key(names) !== key(first.names))
      throw new QueryDataError(
        `--data names files of other columns for one table, ${table}: ${first.pattern} has ${first.names.join(', ')}; ${pattern} has ${names.join(', ')}; give one of them another name, such as other=${pattern}`,
      );
  }
}

export function formatOf(path: string): TableFormat {
  const format = FORMATS.find(([ending]) => ending.test(path))?.[1];
  if (format === undefined)
    throw new QueryDataError(`the format of ${path} is unknown: names must end in .parquet, .csv, .tsv or .csv.gz`);
  return format;
}

/** All files, read with DuckDB's defaults: what answers are compared with. */
export function plainScan({ format, files }: Pick<DataTable, 'format' | 'files'>): string {
  return `${format === 'parquet' ? 'read_parquet' : 'read_csv'}([${files.map(({ path }) => literal(path)).join(', ')}])`;
}

async function columnsOf(
  connection: DuckDBConnection,
  sql: string,
  files: readonly DataFile[],
): Promise<CatalogColumn[]> {
  try {
    const rows = (await connection.runAndReadAll(`DESCRIBE ${sql}`)).getRows();
    return rows.map(([name, type]) => ({ name: String(name), type: String(type) }));
  } catch (error) {
    // DuckDB appends its SQL, which the user has not written.
    const reason = (error as Error).message.replace(/\s*\nLINE \d+:[\s\S]*$/, '');
    throw new QueryDataError(`${files.map(({ path }) => path).join(', ')} cannot be read: ${reason}`, { cause: error });
  }
}

async function parquetRows(connection: DuckDBConnection, files: readonly DataFile[]): Promise<number> {
  const list = files.map(({ path }) => literal(path)).join(', ');
  return Number(
    (await connection.runAndReadAll(`SELECT sum(num_rows) FROM parquet_file_metadata([${list}])`)).getRows()[0]![0],
  );
}

/**
 * Columns without NULL according to the files' statistics; DuckDB trusts them as well.
 * @param paths of Parquet files
 */
export async function neverNullColumns(
  connection: DuckDBConnection,
  columns: readonly CatalogColumn[],
  paths: readonly string[],
): Promise<string[]> {
  if (paths.length === 0) return columns.map(({ name }) => name);
  const list = `[${paths.map(literal).join(', ')}]`;
  const types = new Map(
    (await connection.runAndReadAll(`DESCRIBE SELECT * FROM read_parquet(${list})`))
      .getRows()
      .map(([name, type]) => [String(name), String(type)]),
  );
  // A file that stores a column in another way is cast, and a cast may turn another value into NULL (JSON's null).
  const rows = (
    await connection.runAndReadAll(
      `SELECT lower(path_in_schema) FROM parquet_metadata(${list}) GROUP BY 1 HAVING bool_and(coalesce(stats_null_count, 1) = 0) AND count(DISTINCT type) = 1`,
    )
  ).getRows();
  const never = new Set(rows.map(([name]) => String(name)));
  // The value of a column that folders name (h=5/t.parquet) is the folder's, whatever the files contain.
  const folders = new Set(
    paths
      .flatMap((path) => path.split(/[\\/]/).slice(0, -1))
      .flatMap((folder) => /^([^=]+)=/.exec(folder)?.[1]!.toLowerCase() ?? []),
  );
  return columns
    .filter(
      ({ name, type }) => never.has(name.toLowerCase()) && !folders.has(name.toLowerCase()) && types.get(name) === type,
    )
    .map(({ name }) => name);
}

const ISO_DATE = '%Y-%m-%d';

/** A worker sees only its share, from which it might guess differently than DuckDB does from all files. */
async function sniffOptions(connection: DuckDBConnection, path: string): Promise<string> {
  const [row] = (
    await connection.runAndReadAll(
      `SELECT Delimiter, HasHeader, DateFormat, TimestampFormat FROM sniff_csv(${literal(path)})`,
    )
  ).getRows();
  const [delimiter, header, date, timestamp] = row!;
  return [
    `delim = ${literal(String(delimiter))}`,
    `header = ${String(header)}`,
    // Where this format is given, and not found, DuckDB refuses infinities.
    ...(date === null || date === '' || date === ISO_DATE ? [] : [`dateformat = ${literal(String(date))}`]),
    ...(timestamp === null || timestamp === '' ? [] : [`timestampformat = ${literal(String(timestamp))}`]),
  ].join(', ');
}

function typesOf(columns: readonly CatalogColumn[]): string {
  return `{${columns.map(({ name, type }) => `${literal(name)}: ${literal(type)}`).join(', ')}}`;
}

/**
 * Distributes a table's files, the largest first, each to the worker that has least so far; with fewer files than
 * workers every worker gets a part of each file.
 */
export function shareOut(tables: readonly DataTable[], workers: number): readonly (readonly TableShare[])[] {
  const load = new Float64Array(workers);
  const shares = Array.from({ length: workers }, (): TableShare[] => []);
  for (const { name, format, columns, csvOptions, files } of tables) {
    const parts = Array.from({ length: workers }, (): FilePart[] => []);
    if (files.length < workers) {
      for (const { path } of files) parts.forEach((own, part) => own.push({ path, part, of: workers }));
    } else {
      for (const { path, bytes } of [...files].sort((a, b) => b.bytes - a.bytes)) {
        const rank = load.indexOf(Math.min(...load));
        // So that empty files are distributed, too.
        load[rank]! += bytes + 1;
        parts[rank]!.push({ path, part: 0, of: 1 });
      }
    }
    shares.forEach((own, rank) => own.push({ name, format, columns, csvOptions, parts: parts[rank]! }));
  }
  return shares;
}

/** SELECT of a worker's share. The casts make the types those of the whole table, where files differ. */
export function shareSelect(
  { format, columns, csvOptions, parts }: TableShare,
  rowsOf: ReadonlyMap<string, number>,
): string {
  const items = columns
    .map(({ name, type }) => `CAST(${identifier(name)} AS ${type}) AS ${identifier(name)}`)
    .join(', ');
  if (parts.length === 0)
    return `SELECT ${columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${identifier(name)}`).join(', ')} WHERE false`;
  const whole = parts.filter(({ of }) => of === 1).map(({ path }) => literal(path));
  const read = (files: string, more = ''): string =>
    format === 'parquet' ? `read_parquet([${files}]${more})` : `read_csv([${files}], ${csvOptions})`;
  const selects = whole.length === 0 ? [] : [`SELECT ${items} FROM ${read(whole.join(', '))}`];
  for (const { path, part, of } of parts.filter(({ of }) => of > 1)) {
    const rows = rowsOf.get(path);
    // Rows of a CSV file have no numbers, and counting them means reading it; so these are distributed one by one.
    const hasNumbers =
      format === 'parquet' &&
      rows !== undefined &&
      !columns.some(({ name }) => name.toLowerCase() === 'file_row_number');
    selects.push(
      hasNumbers
        ? `SELECT ${items} FROM ${read(literal(path), ', file_row_number = true')} WHERE file_row_number >= ${Math.floor((rows * part) / of)} AND file_row_number < ${Math.floor((rows * (part + 1)) / of)}`
        : `SELECT ${items} FROM (SELECT *, row_number() OVER () AS fpisa_row_number FROM ${read(literal(path))}) WHERE fpisa_row_number % ${of} = ${part}`,
    );
  }
  return selects.join(' UNION ALL ');
}
