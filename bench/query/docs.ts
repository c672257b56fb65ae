/**
 * Writes the results of bench:query into docs/queries.md: tables, machine and versions. The sentences around them are
 * written by hand.
 *
 *     npm run bench:query:docs -- [--data bench/data] [--page docs/queries.md]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runAsCommand } from '../../scripts/arguments.js';
import { DocsPage } from '../docs-page.js';
import { readReport, tables, type QueryReport } from './report.js';

/** Headings of the page, each followed by one table. */
const SECTIONS = {
  time: '### Time',
  cpu: '### Processor time',
  traffic: '### What reaches the master',
  targets: '### Targets',
} as const;

/** @throws DocsPageError if the page has no place for one of the results */
export function filled(text: string, report: QueryReport): string {
  const page = new DocsPage(text);
  const made = tables(report);
  for (const [name, heading] of Object.entries(SECTIONS) as [keyof typeof SECTIONS, string][])
    page.fillTable(heading, made[name]);
  const { machine, versions, scale, rounds } = report;
  page.fill('machine', /(\nMachine: )[^;\n]*/, machine);
  for (const [name, version] of Object.entries({
    node: versions['node'],
    DuckDB: versions['duckdb'],
    Spark: versions['spark'],
    Java: versions['java'],
  })) {
    page.fill(
      `version of ${name}`,
      new RegExp(`(\\nMachine: .*?\\b${name} )[^\\s,;)]+`),
      (version ?? '').replace(/^v/, ''),
    );
  }
  page.fill('scale factor', /(TPC-H at scale factor )[\d.]+/, String(scale));
  page.fill('scale of the Big Data benchmark', /(benchmark's tables at scale )[\d.]+/, String(scale));
  page.fill('number of rounds', /(Times are medians of )\d+/, String(rounds));
  return page.text;
}

await runAsCommand(import.meta.url, () => {
  const { values } = parseArgs({
    options: { data: { type: 'string', default: 'bench/data' }, page: { type: 'string', default: 'docs/queries.md' } },
  });
  writeFileSync(values.page, filled(readFileSync(values.page, 'utf8'), readReport(values.data)));
  return 0;
});
