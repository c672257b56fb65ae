/**
 * How close each profile comes to exact sums on real gradients, next to sequential IEEE fp32 addition.
 *
 *     npm run build && node dist/bench/accuracy.js [--json] [--workers 2,4,8] [--data FOLDER]
 */
import { parseArgs } from 'node:util';
import {
  aggregate,
  blockExponent,
  blockScale,
  dequantize,
  errorsInUlps,
  exactSums,
  quantile,
  quantize,
  resolveProfile,
  sequentialSum,
  type Events,
  type PresetName,
} from '../arithmetic/index.js';
import { loadGradient, PHASES, RECORDED_WORKERS, type Phase } from './gradients.js';
import { runAsCommand, wholeNumbers } from '../scripts/arguments.js';

/** Values that share a scale in the int32 baseline: the values of one packet, as in SwitchML's larger packets. */
export const BLOCK = 256;
const NO_EVENTS: Events = { overwrites: 0, overflows: 0 };

export const SCHEMES = ['fpisa', 'fpisa-paper', 'fpisa-a', 'int32', 'sequential'] as const;
export type Scheme = (typeof SCHEMES)[number];

export interface AccuracyRow {
  readonly scheme: Scheme;
  readonly workers: number;
  /** Sums measured: those with at least two non-zero addends, as all others are exact in every float scheme. */
  readonly sums: number;
  /** Errors are |result - exact sum| in ulps of the correctly rounded exact sum. */
  readonly median: number;
  readonly p99: number;
  readonly largest: number;
  readonly overwrites: number;
  readonly overflows: number;
}

/**
 * Measures every scheme on groups of workers.
 * @param gradients one vector per recorded worker, of equal lengths
 * @param workers size of a group; disjoint groups of consecutive ranks are added up and their errors pooled
 */
export function measure(gradients: readonly Float32Array[], workers: number): AccuracyRow[] {
  const tally = new Map<Scheme, { errors: number[]; events: Events }>(
    SCHEMES.map((scheme) => [scheme, { errors: [], events: { ...NO_EVENTS } }]),
  );
  for (let first = 0; first + workers <= gradients.length; first += workers) {
    const group = gradients.slice(first, first + workers);
    const exact = exactSums(group);
    const measured = exact.map((_, i) => group.filter((vector) => vector[i] !== 0).length >= 2);
    for (const [scheme, { errors, events }] of tally) {
      const sum = addUp(scheme, group);
      errorsInUlps(sum.result, exact).forEach((error, i) => {
        if (measured[i]) errors.push(error);
      });
      events.overwrites += sum.events.overwrites;
      events.overflows += sum.events.overflows;
    }
  }
  return [...tally].map(([scheme, { errors, events }]) => {
    const all = Float64Array.from(errors);
    return {
      scheme,
      workers,
      sums: all.length,
      median: quantile(all, 0.5),
      p99: quantile(all, 0.99),
      largest: quantile(all, 1),
      ...events,
    };
  });
}

export function addUp(scheme: Scheme, vectors: readonly Float32Array[]): { result: Float32Array; events: Events } {
  if (scheme === 'sequential') return { result: sequentialSum(vectors), events: NO_EVENTS };
  const profile = resolveProfile({ preset: scheme satisfies PresetName, workers: vectors.length });
  if (scheme !== 'int32') return aggregate(vectors, profile);

  const result = new Float32Array(vectors[0]!.length);
  const events = { ...NO_EVENTS };
  for (let at = 0; at < result.length; at += BLOCK) {
    const blocks = vectors.map((vector) => vector.subarray(at, at + BLOCK));
    const scale = blockScale(vectors.length, Math.max(...blocks.map(blockExponent)));
    const sum = aggregate(
      blocks.map((block) => quantize(block, scale)),
      profile,
    );
    result.set(dequantize(sum.result, scale), at);
    events.overflows += sum.events.overflows;
  }
  return { result, events };
}

function format(ulps: number): string {
  return ulps >= 1e5 ? ulps.toExponential(2) : ulps.toFixed(4);
}

/** The rows as a Markdown table, as docs/arithmetic.md has it. */
export function table(rows: readonly (AccuracyRow & { readonly phase: Phase })[]): string {
  const lines = rows.map((row) => {
    const errors = [row.median, row.p99, row.largest].map(format).join(' | ');
    return `| ${row.phase} | ${row.workers} | ${row.scheme} | ${errors} | ${row.overwrites} | ${row.overflows} | ${row.sums} |`;
  });
  return [
    '| phase | workers | scheme | median (ulp) | 99th percentile (ulp) | largest (ulp) | overwrites | overflows | sums |',
    '|---|---|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

function main(): number {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      workers: { type: 'string', default: '2,4,8' },
      data: { type: 'string' },
    },
  });
  const counts = wholeNumbers('workers', values.workers, 1, values.data === undefined ? RECORDED_WORKERS : 1023);
  const recorded = values.data === undefined ? RECORDED_WORKERS : Math.max(...counts);
  const rows = PHASES.flatMap((phase) => {
    const gradients = Array.from({ length: recorded }, (_, rank) => loadGradient(phase, rank, values.data));
    return counts.flatMap((workers) => measure(gradients, workers).map((row) => ({ phase, ...row })));
  });
  if (values.json) {
    console.log(JSON.stringify(rows, null, 2));
    return 0;
  }
  console.log(table(rows));
  return 0;
}

await runAsCommand(import.meta.url, main);
