/**
 * Writes the results of study:accuracy into docs/accuracy.md, and the plots beside the data. The sentences around them
 * are written by hand.
 *
 *     npm run study:accuracy:docs -- [--data bench/data] [--page docs/accuracy.md]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runAsCommand } from '../../scripts/arguments.js';
import { DocsPage, DocsPageError } from '../docs-page.js';
import { plotOf, tables, type AccuracyReport, type Tables } from './page.js';

/** Headings of the page, each followed by one table. */
const SECTIONS: Readonly<Record<keyof Tables, string>> = {
  early: '### Early in training',
  late: '### Late in training',
  tails: '### Largest error',
  relative: '### Relative error',
  events: '### Overwrites and saturated additions',
  search: '## What loses least where a stored mantissa cannot move',
  synthetic: '## Synthetic spreads',
  formats: '## Other formats',
  spread: '## Spread among workers',
};

/** @throws DocsPageError if the page has no place for one of the results, or a result is missing */
export function filled(text: string, report: AccuracyReport): string {
  const page = new DocsPage(text);
  const made = tables(report);
  for (const [name, heading] of Object.entries(SECTIONS) as [keyof Tables, string][]) {
    if (made[name] === '') throw new DocsPageError(`the report lacks the rows of ${name}: run the whole study`);
    page.fillTable(heading, made[name]);
  }
  return page.text;
}

export function readAccuracy(folder: string): AccuracyReport {
  return JSON.parse(readFileSync(join(folder, 'accuracy.json'), 'utf8')) as AccuracyReport;
}

await runAsCommand(import.meta.url, () => {
  const { values } = parseArgs({
    options: { data: { type: 'string', default: 'bench/data' }, page: { type: 'string', default: 'docs/accuracy.md' } },
  });
  const report = readAccuracy(values.data);
  writeFileSync(join(values.data, 'accuracy.svg'), plotOf(report));
  writeFileSync(values.page, filled(readFileSync(values.page, 'utf8'), report));
  return 0;
});
