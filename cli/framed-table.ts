/** An answer to a query as a table with a frame, for people. */
import stringWidth from 'string-width';
import { counted } from '../net/count.js';

interface Column {
  readonly name: string;
  readonly type: string;
}

/** DuckDB types whose values are right-aligned. */
const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/;
/** More rows are only counted; `fpisa query` prints all with --csv and --json. */
const MAX_ROWS = 1000;
const MAX_WIDTH = 60;
/** Text is shortened to this before a column is left out. */
const MIN_TEXT_WIDTH = 8;
/** Around a cell: a space on either side, and a line. */
const BORDERS = 3;
const ELLIPSIS = '…';
const GRAPHEMES = new Intl.Segmenter();

/**
 * @param all the cells, as text, of every row
 * @param width of the terminal: wider lines would break its frames; text is shortened, and columns that still do not
 * fit are left out, as the last line says
 */
export function framed(
  columns: readonly Column[],
  all: readonly (readonly string[])[],
  width = process.stdout.columns || Infinity,
): string[] {
  const cells = [columns.map(({ name }) => name), columns.map(({ type }) => type), ...all.slice(0, MAX_ROWS)].map(
    (row) => row.map((cell) => shortened(inOneLine(cell), MAX_WIDTH)),
  );
  const widths = fitting(
    columns.map(({ type }, column) => ({
      wanted: Math.max(...cells.map((row) => stringWidth(row[column]!))),
      // A number that is cut is another number.
      isText: !NUMERIC.test(type),
    })),
    width,
  );
  const rule = (left: string, middle: string, right: string): string =>
    `${left}${widths.map((each) => '─'.repeat(each + BORDERS - 1)).join(middle)}${right}`;
  const line = (row: readonly string[], isData: boolean): string =>
    `│${widths.map((each, column) => ` ${padded(shortened(row[column]!, each), each, isData && NUMERIC.test(columns[column]!.type))} `).join('│')}│`;
  const [names, types, ...rows] = cells;
  return [
    rule('┌', '┬', '┐'),
    line(names!, false),
    line(types!, false),
    rule('├', '┼', '┤'),
    ...rows.map((row) => line(row, true)),
    rule('└', '┴', '┘'),
    lastLine(all.length, columns.length, widths.length),
  ];
}

/** Widths of the columns that are shown, from the left. */
function fitting(columns: readonly { readonly wanted: number; readonly isText: boolean }[], width: number): number[] {
  const room = width - 1;
  const total = (widths: readonly number[]): number => widths.reduce((sum, each) => sum + each + BORDERS, 0);
  const least = columns.map(({ wanted, isText }) => (isText ? Math.min(wanted, MIN_TEXT_WIDTH) : wanted));
  let shown = columns.length;
  while (shown > 1 && total(least.slice(0, shown)) > room) shown--;
  const widths = columns.slice(0, shown).map(({ wanted }) => wanted);
  for (let excess = total(widths) - room; excess > 0; excess--) {
    const widest = widths.reduce(
      (best, each, column) => (each > least[column]! && each > (widths[best] ?? 0) ? column : best),
      -1,
    );
    if (widest < 0) break;
    widths[widest]!--;
  }
  // One column remains in any case, whatever has to be cut.
  if (total(widths) > room) widths[0] = Math.max(1, room - BORDERS);
  return widths;
}

function lastLine(rows: number, columns: number, shown: number): string {
  const parts = [
    counted(rows, 'row'),
    ...(rows > MAX_ROWS ? [`${MAX_ROWS} shown`] : []),
    ...(shown < columns ? [`${shown} of ${columns} columns shown`] : []),
  ];
  return parts.join(', ') + (parts.length > 1 ? ': --csv and --json print all' : '');
}

/** Without characters that a terminal obeys. */
function inOneLine(cell: string): string {
  return cell.replace(/\r?\n/g, '\\n').replace(/\p{Cc}/gu, (control) => {
    if (control === '\t') return '\\t';
    return `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** Cut between characters as people count them, of which some take two columns and some none of their own. */
function shortened(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let [cut, used] = ['', 0];
  for (const { segment } of GRAPHEMES.segment(text)) {
    used += stringWidth(segment);
    if (used > width - 1) break;
    cut += segment;
  }
  return cut + ELLIPSIS;
}

function padded(text: string, width: number, toTheRight: boolean): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return toTheRight ? space + text : text + space;
}
