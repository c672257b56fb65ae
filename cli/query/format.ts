/** An answer as a table, as CSV or as JSON. */
import type { DuckDBResultReader, DuckDBValueConverter, Json } from '@duckdb/node-api';
import { duckdb } from '../../query/duckdb.js';
import { framed } from '../framed-table.js';
import type { Answer } from './answer.js';

/** Of each row and column; NULL is null. */
export type Texts = readonly (readonly (string | null)[])[];

/** Digits that tell every FLOAT from the next. */
const FLOAT_DIGITS = 9;

export function answerOf(reader: DuckDBResultReader): Answer {
  const { DuckDBTypeId, JsonDuckDBValueConverter } = duckdb();
  const types = reader.columnTypes();
  const converter: DuckDBValueConverter<Json> = (value, type, inner) =>
    type.typeId === DuckDBTypeId.FLOAT && typeof value === 'number' && Number.isFinite(value)
      ? shortest(value)
      : JsonDuckDBValueConverter(value, type, inner);
  return {
    columns: reader.columnNames().map((name, i) => ({ name, type: types[i]!.toString() })),
    rows: reader.convertRows(converter),
  };
}

/** The number with the fewest digits that is the same FLOAT. */
function shortest(value: number): number {
  if (value === 0) return value;
  for (let digits = 1; digits < FLOAT_DIGITS; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(rounded), value)) return rounded;
  }
  return Number(value.toPrecision(FLOAT_DIGITS));
}

/** Lines of a table with a frame. */
export function tableLines(reader: DuckDBResultReader, texts: Texts): string[] {
  const types = reader.columnTypes();
  return framed(
    reader.columnNames().map((name, i) => ({ name, type: types[i]!.toString() })),
    texts.map((row) => row.map((text) => text ?? 'NULL')),
  );
}

/** RFC 4180, with the names of the columns; NULL is an empty field, and an empty text is "". */
export function csvLines(reader: DuckDBResultReader, texts: Texts): string[] {
  const quoted = (cell: string | null): string => {
    if (cell === null) return '';
    return cell === '' || /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  };
  return [reader.columnNames().map(quoted).join(','), ...texts.map((row) => row.map(quoted).join(','))];
}
