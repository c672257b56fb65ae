/**
 * Writes the results of bench:allreduce into docs/performance.md: tables, machine and versions, and the plot beside the
 * data. The sentences around them are written by hand.
 *
 *     npm run bench:allreduce:docs -- [--data bench/data] [--page docs/performance.md]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runAsCommand } from '../../scripts/arguments.js';
import { DocsPageError } from '../query/docs.js';
import { plotOf, tables, type Tables } from './page.js';
import type { AllreduceReport } from './report.js';

/** Headings of the page, each followed by one table. */
const SECTIONS: Readonly<Record<keyof Tables, string>> = {
  targets: '### Allreduce: targets',
  sizes: '### By size and workers',
  cpu: '### Processor time of a worker',
  limits: '### With a share of a processor',
  links: "### Over links of a worker's own",
  values: '### By packet size',
  slots: '### By slots',
  loss: '### By loss',
};

/** @throws DocsPageError if the page has no place for one of the results */
export function filled(page: string, report: AllreduceReport): string {
  let text = page;
  const replace = (what: string, pattern: RegExp, by: string): void => {
    if (!pattern.test(text)) throw new DocsPageError(`the page has no ${what}`);
    text = text.replace(pattern, (_, before: string) => `${before}${by}`);
  };
  const made = tables(report);
  for (const [name, heading] of Object.entries(SECTIONS) as [keyof Tables, string][]) {
    // Up to the first table, but not past another heading.
    replace(
      `table below "${heading}"`,
      new RegExp(`(\\n${heading}\\n(?:(?!#|\\|).*\\n)*)(?:\\|.*\\n)+`),
      `${made[name]}\n`,
    );
  }
  const { machine, rounds, repeats, versions } = report;
  replace('machine of the allreduce', /(\nMeasured on )[^;\n]*/, machine);
  for (const [name, key] of [
    ['node', 'fpisa'],
    ['OpenMPI', 'openmpi_tcp'],
    ['PyTorch', 'gloo'],
  ] as const)
    replace(
      `version of ${name}`,
      new RegExp(`(\\nMeasured on .*?\\b${name} )[^\\s,;]+`),
      (versions[key] ?? 'none').replace(/^.* /, ''),
    );
  replace('number of repetitions', /(\nMeasured on .*?medians of )\d+/, String(rounds * repeats));
  return text;
}

export function readAllreduce(folder: string): AllreduceReport {
  return JSON.parse(readFileSync(join(folder, 'allreduce.json'), 'utf8')) as AllreduceReport;
}

await runAsCommand(import.meta.url, () => {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: 'bench/data' },
      page: { type: 'string', default: 'docs/performance.md' },
    },
  });
  const report = readAllreduce(values.data);
  writeFileSync(join(values.data, 'allreduce.svg'), plotOf(report));
  writeFileSync(values.page, filled(readFileSync(values.page, 'utf8'), report));
  return 0;
});
