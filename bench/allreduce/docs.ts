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
import { DocsPage } from '../docs-page.js';
import { plotOf, tables, type Tables } from './page.js';
import type { AllreduceReport } from './report.js';
import { sizeText } from './words.js';

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
export function filled(text: string, report: AllreduceReport): string {
  const page = new DocsPage(text);
  const made = tables(report);
  for (const [name, heading] of Object.entries(SECTIONS) as [keyof Tables, string][])
    page.fillTable(heading, made[name]);
  const { machine, rounds, repeats, versions } = report;
  page.fill('machine of the allreduce', /(\nMeasured on )[^;\n]*/, machine);
  for (const [name, key] of [
    ['node', 'fpisa'],
    ['OpenMPI', 'openmpi_tcp'],
    ['PyTorch', 'gloo'],
  ] as const)
    page.fill(
      `version of ${name}`,
      new RegExp(`(\\nMeasured on .*?\\b${name} )[^\\s,;]+`),
      (versions[key] ?? 'none').replace(/^.* /, ''),
    );
  const { cpuLimits, growth } = report;
  const load = ({ workers, bytes }: { workers: number; bytes: number }, and: string): string =>
    `${workers} workers${and}${sizeText(bytes)}`;
  // tables() has refused a report without them.
  page.fill('load with limited processors', /(\nMiB of tensor a second with )[^,\n]*/, load(cpuLimits!, ' and '));
  page.fill('limit of processors', /(\(limited by )[^;\n]*/, cpuLimits!.by);
  page.fill('load of what grows', /(\nfpisa alone, on the loopback, )[^;\n]*/, load(growth!, ', '));
  page.fill('number of repetitions', /(\nMeasured on .*?medians of )\d+/, String(rounds * repeats));
  return page.text;
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
