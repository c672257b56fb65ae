/** An answer to a query as a table with a frame, for people. */

/** DuckDB types whose values are right-aligned. */
const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/;
/** More rows are only counted; `fpisa query` prints all with --csv and --json. */
const MAX_ROWS = 1000;
const MAX_WIDTH = 60;

/** @param all the cells, as text, of every row */
export function framed(
  columns: readonly { readonly name: string; readonly type: string }[],
  all: readonly (readonly string[])[],
): string[] {
  const [names, types] = [columns.map(({ name }) => name), columns.map(({ type }) => type)];
  const rows = all.slice(0, MAX_ROWS).map((row) => row.map(shortened));
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
    `${all.length} ${all.length === 1 ? 'row' : 'rows'}${all.length > MAX_ROWS ? `, ${MAX_ROWS} shown: --csv and --json print all` : ''}`,
  ];
}

function shortened(cell: string): string {
  const line = cell.replace(/\r?\n/g, '\\n');
  return line.length > MAX_WIDTH ? `${line.slice(0, MAX_WIDTH - 1)}…` : line;
}
