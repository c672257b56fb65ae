/** What a command prints: lines and tables for people, or one JSON object for programs. */
import stringWidth from 'string-width';

export class Output {
  constructor(readonly json: boolean) {}

  /** A line for people; silent with --json. */
  line(text = ''): void {
    if (!this.json) process.stdout.write(`${text}\n`);
  }

  /** The command's result for programs; silent without --json. */
  object(value: unknown): void {
    if (this.json) process.stdout.write(`${jsonOf(value)}\n`);
  }

  table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
    if (this.json) return;
    const cells = [header, ...rows.map((row) => row.map(String))];
    const widths = header.map((_, column) => Math.max(...cells.map((row) => stringWidth(row[column]!))));
    const numeric = header.map(
      (_, column) =>
        rows.length > 0 &&
        rows.every((row) => typeof row[column] === 'number' || /^[\d.,]+( \S+)?$/.test(String(row[column]))),
    );
    cells.forEach((row, index) => {
      this.line(
        row
          .map((cell, column) => {
            const space = ' '.repeat(widths[column]! - stringWidth(cell));
            return numeric[column] ? space + cell : cell + space;
          })
          .join('  ')
          .trimEnd(),
      );
      if (index === 0) this.line(widths.map((width) => '-'.repeat(width)).join('  '));
    });
  }
}

/** A character that no text has a reason to contain, and JSON.stringify leaves as it is. */
const MARK = '\u{E000}-0.0';

/** JSON in which -0 keeps its sign: JSON.stringify writes 0. */
function jsonOf(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => (Object.is(part, -0) ? MARK : part));
  return text.includes(MARK) ? text.replaceAll(`"${MARK}"`, '-0.0') : text;
}
