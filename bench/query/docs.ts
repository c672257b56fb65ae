/**
 * Writes the results of bench:query into docs/queries.md: tables, machine and versions. The sentences around them are
 * written by hand.
 *
 *     npm run bench:query:docs -- [--data bench/data] [--page docs/queries.md]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runAsCommand } from '../../scripts/arguments.js';
import { readReport, tables, type QueryReport } from './report.js';

/** Headings of the page, each followed by one table. */
const SECTIONS = {
  time: '### Time',
  cpu: '### Processor time',
  traffic: '### What reaches the master',
  targets: '### Targets',
} as const;

export class DocsPageError extends Error {
  readonly code = 'FPISA_BENCH_DOCS';
  override readonly name = 'DocsPageError';
}

/** @throws DocsPageError if the page has no place for one of the results */
export function filled(page: string, report: QueryReport): string {
  let text = page;
  const replace = (what: string, pattern: RegExp, by: string): void => {
    if (!pattern.test(text)) throw new DocsPageError(`the page has no ${what}`);
    text = text.replace(pattern, (_, before: string) => `${before}${by}`);
  };
  const made = tables(report);
  for (const [name, heading] of Object.entries(SECTIONS) as [keyof typeof SECTIONS, string][]) {
    // Up to the first table, but not past another heading.
    replace(
      `table below "${heading}"`,
      new RegExp(`(\\n${heading}\\n(?:(?!#|\\|).*\\n)*)(?:\\|.*\\n)+`),
      `${made[name]}\n`,
    );
  }
  const { machine, versions, scale, rounds } = report;
  replace('machine', /(\nMachine: )[^;\n]*/, machine);
  for (const [name, version] of Object.entries({
    node: versions['node'],
    DuckDB: versions['duckdb'],
    Spark: versions['spark'],
    Java: versions['java'],
  })) {
    replace(
      `version of ${name}`,
      new RegExp(`(\\nMachine: .*?\\b${name} )[^\\s,;)]+`),
      (version ?? '').replace(/^v/, ''),
    );
  }
  replace('scale factor', /(TPC-H at scale factor )[\d.]+/, String(scale));
  replace('scale of the Big Data benchmark', /(benchmark's tables at scale )[\d.]+/, String(scale));
  replace('number of rounds', /(Times are medians of )\d+/, String(rounds));
  return text;
}

await runAsCommand(import.meta.url, () => {
  const { values } = parseArgs({
    options: { data: { type: 'string', default: 'bench/data' }, page: { type: 'string', default: 'docs/queries.md' } },
  });
  writeFileSync(values.page, filled(readFileSync(values.page, 'utf8'), readReport(values.data)));
  return 0;
});
