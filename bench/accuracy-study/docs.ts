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
import { DocsPageError } from '../query/docs.js';
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
export function filled(page: string, report: AccuracyReport): string {
  let text = page;
  const made = tables(report);
  for (const [name, heading] of Object.entries(SECTIONS) as [keyof Tables, string][]) {
    if (made[name] === '') throw new DocsPageError(`the report lacks the rows of ${name}: run the whole study`);
    // Up to the first table, but not past another heading.
    const place = new RegExp(`(\\n${heading}\\n(?:(?!#|\\|).*\\n)*)(?:\\|.*\\n)+`);
    if (!place.test(text)) throw new DocsPageError(`the page has no table below "${heading}"`);
    text = text.replace(place, (_, before: string) => `${before}${made[name]}\n`);
  }
  return text;
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
