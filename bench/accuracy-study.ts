/**
 * How close every profile comes to exact sums, on recorded gradients and on synthetic values of known spread, next to
 * sequential addition: data and plots for docs/accuracy.md.
 *
 *     npm run study:accuracy -- [--quick] [--json] [--out bench/data] [--workers 2,4,8,16,32,64,128] [--inputs early,late,…]
 *
 * Writes accuracy.json and, from it, accuracy.svg to --out; `npm run study:accuracy:docs` puts them into
 * docs/accuracy.md. --quick takes an eighth of the sums, and writes nothing unless --out is given. --json prints the
 * report instead of the tables. Nothing depends on the machine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { outputFolder, runAsCommand, wholeNumbers } from '../scripts/arguments.js';
import { INPUTS, MAX_RECORDED_WORKERS, RECORDED_INPUTS, type Input } from './accuracy-study/inputs.js';
import { measure, spread } from './accuracy-study/measure.js';
import { plotOf, tables, type AccuracyReport } from './accuracy-study/page.js';
import { SEARCH, type StudyFormat } from './accuracy-study/schemes.js';

const QUICK_EFFORT = 1 / 8;
/** The search is over all worker counts together, which needs fewer sums of each. */
const SEARCH_EFFORT = 1 / 2;
/** Worker counts where every input and every format is measured; the others are for the recorded gradients. */
const TYPICAL_COUNTS = [8, 32, 128];

/** One line for each row, so that a change of a few is seen. */
function asText(report: AccuracyReport): string {
  const lists = Object.entries(report).map(
    ([name, list]: [string, readonly unknown[]]) =>
      `"${name}": [\n${list.map((each) => JSON.stringify(each)).join(',\n')}\n]`,
  );
  return `{\n${lists.join(',\n')}\n}`;
}

export interface StudyOptions {
  readonly workers: readonly number[];
  readonly inputs: readonly Input[];
  readonly effort: number;
  /** Called before each input and worker count. */
  readonly onProgress?: ((what: string) => void) | undefined;
}

export function study({ workers, inputs, effort, onProgress }: StudyOptions): AccuracyReport {
  const counts = (input: Input): readonly number[] =>
    RECORDED_INPUTS.includes(input) ? workers : workers.filter((count) => TYPICAL_COUNTS.includes(count));
  const rows = inputs.flatMap((input) =>
    counts(input).flatMap((count) => {
      onProgress?.(`${input.name}, ${count} workers`);
      return formatsOf(input, count).flatMap((format) => measure(input, format, count, effort));
    }),
  );
  const spreads = inputs.flatMap((input) => counts(input).map((count) => spread(input, count, effort)));
  const search = inputs
    .filter((input) => RECORDED_INPUTS.includes(input))
    .flatMap((input) =>
      workers.flatMap((count) => {
        onProgress?.(`${input.name}, ${count} workers, places given away`);
        return measure(input, 'fp32', count, effort * SEARCH_EFFORT, SEARCH);
      }),
    );
  return { workers, rows, search, spreads };
}

/** fp16 and bf16 on what training sends; fp64 on values that have so many bits. */
function formatsOf(input: Input, workers: number): StudyFormat[] {
  const isTypical = TYPICAL_COUNTS.includes(workers);
  if (RECORDED_INPUTS.includes(input)) return isTypical ? ['fp32', 'fp16', 'bf16'] : ['fp32'];
  const isInFp64 = isTypical && ['normal', 'log-normal 4', 'wide'].includes(input.name);
  return isInFp64 ? ['fp32', 'fp64'] : ['fp32'];
}

function inputsNamed(text: string | undefined): readonly Input[] {
  if (text === undefined) return INPUTS;
  return text.split(',').map((name) => {
    const input = INPUTS.find((each) => each.name === name);
    if (input === undefined)
      throw new Error(`--inputs are of ${INPUTS.map((each) => each.name).join(', ')}, not '${name}'`);
    return input;
  });
}

function main(): number {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      out: { type: 'string' },
      workers: { type: 'string', default: '2,4,8,16,32,64,128' },
      inputs: { type: 'string' },
    },
  });
  const workers = wholeNumbers('workers', values.workers, 2, MAX_RECORDED_WORKERS);
  const odd = workers.find((count) => count % 2 !== 0);
  if (odd !== undefined)
    throw new Error(`--workers are even, so that half of them can cancel the others, not '${odd}'`);
  const out = values.out === undefined ? undefined : outputFolder('out', values.out);
  const report = study({
    workers,
    inputs: inputsNamed(values.inputs),
    effort: values.quick ? QUICK_EFFORT : 1,
    onProgress: (what) => process.stderr.write(`${what}\n`),
  });
  if (out !== undefined) {
    writeFileSync(join(out, 'accuracy.json'), `${asText(report)}\n`);
    writeFileSync(join(out, 'accuracy.svg'), plotOf(report));
  }
  if (values.json) console.log(JSON.stringify(report, null, 2));
  else
    for (const [name, table] of Object.entries(tables(report))) if (table !== '') console.log(`${name}\n\n${table}\n`);
  return 0;
}

await runAsCommand(import.meta.url, main);
