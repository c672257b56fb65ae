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
    if (this.json) process.stdout.write(`${JSON.stringify(value)}\n`);
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
