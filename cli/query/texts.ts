/** An answer's values as DuckDB writes them. */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBResultReader } from '@duckdb/node-api';

const ANSWER = 'fpisa_answer';

/** What a reader holds, though its type keeps it private. */
interface ReaderInside {
  readonly chunks: readonly DuckDBDataChunk[];
}

/**
 * Texts of all rows; NULL is null. DuckDB itself casts: JavaScript would write 0.1 of a FLOAT with 17 digits, -0.0 as
 * 0, and lists, structs and maps in another form.
 */
export async function textsOf(
  reader: DuckDBResultReader,
  connection: DuckDBConnection,
): Promise<readonly (readonly (string | null)[])[]> {
  const types = reader.columnTypes().map((type) => type.toString());
  // No table can hold a tuple, such as (1, 2).
  if (types.some((type) => type.includes('STRUCT("" '))) return reader.getRows().map((row) => row.map(textOrNull));
  const columns = types.map((type, i) => `c${i} ${type}`);
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${ANSWER} (${columns.join(', ')})`);
  const appender = await connection.createAppender(ANSWER);
  for (const chunk of (reader as unknown as ReaderInside).chunks)
    if (chunk.rowCount > 0) appender.appendDataChunk(chunk);
  appender.closeSync();
  const casts = types.map((_, i) => `CAST(c${i} AS VARCHAR)`);
  const rows = (await connection.runAndReadAll(`SELECT ${casts.join(', ')} FROM ${ANSWER} ORDER BY rowid`)).getRows();
  await connection.run(`DROP TABLE ${ANSWER}`);
  return rows.map((row) => row.map(textOrNull));
}

function textOrNull(value: unknown): string | null {
  return value === null ? null : String(value);
}
