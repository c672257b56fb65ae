/** An answer as a table, as CSV or as JSON. */
import type { DuckDBResultReader, DuckDBValue } from '@duckdb/node-api';
import { framed } from '../framed-table.js';
import type { Answer } from './answer.js';

export function answerOf(reader: DuckDBResultReader): Answer {
  const types = reader.columnTypes();
  return {
    columns: reader.columnNames().map((name, i) => ({ name, type: types[i]!.toString() })),
    rows: reader.getRowsJson(),
  };
}

function text(value: DuckDBValue): string {
  return value === null ? 'NULL' : String(value);
}

/** Lines of a table with a frame. */
export function tableLines(reader: DuckDBResultReader): string[] {
  const types = reader.columnTypes();
  return framed(
    reader.columnNames().map((name, i) => ({ name, type: types[i]!.toString() })),
    reader.getRows().map((row) => row.map(text)),
  );
}

/** RFC 4180, with the names of the columns; NULL is an empty field, and an empty text is "". */
export function csvLines(reader: DuckDBResultReader): string[] {
  const quoted = (value: DuckDBValue): string => {
    if (value === null) return '';
    const cell = String(value);
    return cell === '' || /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  };
  return [reader.columnNames().map(quoted).join(','), ...reader.getRows().map((row) => row.map(quoted).join(','))];
}
