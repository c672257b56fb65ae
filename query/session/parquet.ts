/** Rows on their way from a worker's DuckDB to the master's, as Parquet files in pieces. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier } from '../plan/tree.js';
import { literal } from './tables.js';

const PIECE_BYTES = 256 * 1024;
/** Types that DuckDB would write to Parquet with a loss of information. */
const AS_TEXT = /HUGEINT|BIGNUM|INTERVAL|\bBIT\b|TIME WITH TIME ZONE|TIME_NS|UNION\(|ENUM\(|TIMESTAMP_S/;

/**
 * @param send is given the file's bytes, piece by piece
 * @returns the number of rows
 */
export async function exportRows(
  connection: DuckDBConnection,
  select: string,
  columns: readonly { readonly name: string; readonly type: string }[],
  send: (piece: Uint8Array) => Promise<void>,
): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'fpisa-query-'));
  try {
    const path = join(folder, 'rows.parquet');
    const items = columns.map(({ name, type }) =>
      AS_TEXT.test(type) ? `CAST(${identifier(name)} AS VARCHAR) AS ${identifier(name)}` : identifier(name),
    );
    const rows = (
      await connection.runAndReadAll(
        `COPY (SELECT ${items.join(', ')} FROM (${select})) TO ${literal(path)} (FORMAT parquet)`,
      )
    ).getRows();
    const file = await open(path);
    try {
      for (;;) {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES);
        if (bytesRead === 0) return Number(rows[0]![0]);
        await send(buffer.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** SELECT of the rows in files that {@link exportRows} wrote, with their original types. */
export function importSelect(
  paths: readonly string[],
  columns: readonly { readonly name: string; readonly type: string }[],
): string {
  const items = columns.map(({ name, type }) => `CAST(${identifier(name)} AS ${type}) AS ${identifier(name)}`);
  return `SELECT ${items.join(', ')} FROM read_parquet([${paths.map(literal).join(', ')}], hive_partitioning = false)`;
}
