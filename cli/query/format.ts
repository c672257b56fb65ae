/** An answer as a table, as CSV or as JSON. */
import type { DuckDBResultReader, DuckDBValue } from '@duckdb/node-api';

const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/;
/** A table for people has no more rows; --csv and --json have all. */
const MOST_ROWS = 1000;
const MOST_WIDTH = 60;

export interface Answer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Integers beyond 53 bits and decimals as text, so that they are exact. */
  readonly rows: readonly (readonly unknown[])[];
}

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

/** The same of text. */
export function framed(
  columns: readonly { readonly name: string; readonly type: string }[],
  all: readonly (readonly string[])[],
): string[] {
  const [names, types] = [columns.map(({ name }) => name), columns.map(({ type }) => type)];
  const rows = all.slice(0, MOST_ROWS).map((row) => row.map(shortened));
  const cells = [names, types, ...rows];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const rule = (left: string, middle: string, right: string): string =>
    `${left}${widths.map((width) => '─'.repeat(width + 2)).join(middle)}${right}`;
  const line = (row: readonly string[], isData: boolean): string =>
    `│${row.map((cell, column) => ` ${isData && NUMERIC.test(types[column]!) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)} `).join('│')}│`;
  return [
    rule('┌', '┬', '┐'),
    line(names, false),
    line(types, false),
    rule('├', '┼', '┤'),
    ...rows.map((row) => line(row, true)),
    rule('└', '┴', '┘'),
    `${all.length} ${all.length === 1 ? 'row' : 'rows'}${all.length > MOST_ROWS ? `, ${MOST_ROWS} shown: --csv and --json print all` : ''}`,
  ];
}

function shortened(cell: string): string {
  const line = cell.replace(/\r?\n/g, '\\n');
  return line.length > MOST_WIDTH ? `${line.slice(0, MOST_WIDTH - 1)}…` : line;
}

/** RFC 4180, with the names of the columns; NULL is nothing, and an empty text is "". */
export function csvLines(reader: DuckDBResultReader): string[] {
  const quoted = (value: DuckDBValue): string => {
    if (value === null) return '';
    const cell = String(value);
    return cell === '' || /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  };
  return [reader.columnNames().map(quoted).join(','), ...reader.getRows().map((row) => row.map(quoted).join(','))];
}
