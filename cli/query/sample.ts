/** A small table for a first try: `sample(k, v)` in four Parquet files. */
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { literal } from '../../query/session/tables.js';

const FILES = 4;
const ROWS = 5_000;
const KEYS = 8;

/** @returns the `--data` argument */
export async function writeSample(connection: DuckDBConnection, folder: string): Promise<string> {
  for (let file = 0; file < FILES; file++) {
    const from = file * ROWS;
    // Any numbers of both signs and several magnitudes, the same on every machine.
    await connection.run(
      `COPY (SELECT 'key ' || (i * 7919 % ${KEYS}) AS k, ((i * 104729 % 20011) - 10005) / 64.0::DOUBLE AS v FROM range(${from}, ${from + ROWS}) t(i)) TO ${literal(join(folder, `sample-${file}.parquet`))}`,
    );
  }
  return `sample=${join(folder, 'sample-*.parquet')}`;
}
