/** A worker's share of the tables, as views of its DuckDB. */
import { access, constants } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier } from '../plan/tree.js';
import { QueryShareError } from './errors.js';
import { withLocalFiles } from './local-files.js';
import type { SetupMessage } from './messages.js';
import { literal, neverNullColumns, shareSelect } from './tables.js';

interface ShareOptions {
  readonly rank: number;
  /** The worker's own files, in the form of the master's `--data`. */
  readonly data?: readonly string[];
  /** The master's, so that both read times alike. */
  readonly timeZone: string;
}

interface SharedTable {
  name: string;
  rows: number;
  neverNull: string[];
}

/** @throws QueryShareError naming the files that cannot be read, or the table with DuckDB's reason */
export async function viewShare(
  connection: DuckDBConnection,
  shares: SetupMessage['tables'],
  { rank, data = [], timeZone }: ShareOptions,
): Promise<SharedTable[]> {
  const tables = await withLocalFiles(connection, shares, data);
  const missing: string[] = [];
  for (const path of new Set(tables.flatMap(({ parts }) => parts.map((part) => part.path)))) {
    await access(path, constants.R_OK).catch(() => missing.push(path));
  }
  if (missing.length > 0)
    throw new QueryShareError(
      `worker ${rank} cannot read ${missing.join(', ')}: every worker must see its files under the same paths as the master`,
    );
  await connection.run(`SET preserve_insertion_order = true; SET TimeZone = ${literal(timeZone)}`);
  const counts: SharedTable[] = [];
  for (const table of tables) {
    const split = table.format === 'parquet' ? table.parts.filter(({ of }) => of > 1) : [];
    const rowsOf = new Map<string, number>();
    for (const { path } of split)
      rowsOf.set(
        path,
        Number(
          (
            await connection.runAndReadAll(`SELECT num_rows FROM parquet_file_metadata(${literal(path)})`)
          ).getRows()[0]![0],
        ),
      );
    try {
      await connection.run(`CREATE VIEW ${identifier(table.name)} AS ${shareSelect(table, rowsOf)}`);
      const neverNull =
        table.format === 'parquet'
          ? await neverNullColumns(
              connection,
              table.columns,
              table.parts.map(({ path }) => path),
            )
          : [];
      counts.push({
        name: table.name,
        neverNull,
        rows: Number(
          (await connection.runAndReadAll(`SELECT count(*) FROM ${identifier(table.name)}`)).getRows()[0]![0],
        ),
      });
    } catch (error) {
      throw new QueryShareError(
        `worker ${rank} cannot read its share of table ${table.name}: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }
  return counts;
}
