/**
 * A page of docs/ in which measured values stand among sentences that are written by hand. Only places that are there
 * are filled: a page that has lost one is an error.
 */

export class DocsPageError extends Error {
  readonly code = 'FPISA_BENCH_DOCS';
  override readonly name = 'DocsPageError';
}

export class DocsPage {
  constructor(private content: string) {}

  get text(): string {
    return this.content;
  }

  /**
   * @param what the value is, for the error
   * @param pattern its group is what stands before the value, and remains; the rest is the value
   * @throws DocsPageError if the page has no place for it
   */
  fill(what: string, pattern: RegExp, value: string): this {
    if (!pattern.test(this.content)) throw new DocsPageError(`the page has no ${what}`);
    this.content = this.content.replace(pattern, (_, before: string) => `${before}${value}`);
    return this;
  }

  /**
   * The first table below a heading.
   * @throws DocsPageError if there is none before the next heading
   */
  fillTable(heading: string, table: string): this {
    return this.fill(
      `table below "${heading}"`,
      new RegExp(`(\\n${heading}\\n(?:(?!#|\\|).*\\n)*)(?:\\|.*\\n)+`),
      `${table}\n`,
    );
  }
}
