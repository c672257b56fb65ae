/**
 * Random P4Runtime writes, half of them corrupted, to our server alone, or to ours and BMv2's, which must then agree
 * except for the differences that docs/compatibility.md explains.
 *
 *     npm run build && node dist/fuzz/p4runtime.js [--writes 100000] [--seed 1] [--only NAME]
 *                      [--bmv2 | --against HOST:PORT] [--json FILE]
 *
 * The first signal ends the run early, with its report. `--bmv2` starts simple_switch_grpc; `--against` uses a running one, with device id 1 and CPU port 510.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runAsCommand, wholeNumber } from '../scripts/arguments.js';
import { Fuzzer, renderDifference, type WriteFuzzOptions, type WriteFuzzReport } from './p4runtime/fuzzer.js';
import { loadPrograms } from './p4runtime/programs.js';
import { bmv2Version, connectTo, startBmv2, startOurs } from './p4runtime/servers.js';

const REPORT_EVERY_MS = 10_000;
const SHOWN_DIFFERENCES = 20;

export async function fuzzP4Runtime(
  options: Omit<WriteFuzzOptions, 'ours' | 'programs'> & { only?: string },
): Promise<WriteFuzzReport> {
  const programs = loadPrograms().filter(({ name }) => name.includes(options.only ?? ''));
  const ours = await startOurs();
  try {
    return await new Fuzzer({ ...options, programs, ours }).run();
  } finally {
    await ours.stop();
  }
}

function summary(report: WriteFuzzReport): string {
  const { writes, updates, accepted, mutated, reads, pipelines, crashes, known, unknown } = report;
  const classes = [...known]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${String(count).padStart(8)}  ${name}`);
  return [
    `${writes} writes with ${updates} updates (${mutated} spoilt, ${accepted} taken), ${pipelines} pipelines, everything read ${reads} times`,
    ...(crashes > 0 ? [`the other server ended ${crashes} times`] : []),
    ...(classes.length > 0 ? ['known differences:', ...classes] : []),
    `unknown differences: ${unknown.length}`,
    ...unknown.slice(0, SHOWN_DIFFERENCES).map((each) => `  ${renderDifference(each).slice(0, 600)}`),
  ].join('\n');
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      writes: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      bmv2: { type: 'boolean', default: false },
      against: { type: 'string' },
      json: { type: 'string' },
    },
  });
  if (values.bmv2 && bmv2Version() === undefined) throw new Error('simple_switch_grpc is not on PATH.');
  const startOther = values.bmv2
    ? startBmv2
    : values.against === undefined
      ? undefined
      : () => connectTo(values.against!);
  let reported = Date.now();
  let stopped = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stopped = true));
  const report = await fuzzP4Runtime({
    writes: wholeNumber('writes', values.writes, 1),
    seed: wholeNumber('seed', values.seed, 0),
    only: values.only,
    ...(startOther && { startOther }),
    isStopped: () => stopped,
    onProgress: ({ writes, unknown }) => {
      if (Date.now() - reported < REPORT_EVERY_MS) return;
      reported = Date.now();
      process.stderr.write(`${writes} writes, ${unknown.length} unknown differences\n`);
    },
  });
  process.stdout.write(
    `${startOther ? `against ${values.against ?? `BMv2 ${bmv2Version()}`}\n` : ''}${summary(report)}\n`,
  );
  if (values.json !== undefined) writeFileSync(values.json, report.unknown.map(renderDifference).join('\n'));
  return report.unknown.length > 0 ? 1 : 0;
}

await runAsCommand(import.meta.url, main);
