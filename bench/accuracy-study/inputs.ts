/** What the study adds up: recorded gradients, and synthetic values whose spread is known. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTensor } from '../gradients.js';
import { Random } from '../../net/random.js';
import { shippedFile } from '../../net/package-files.js';

/** Vectors of equal length in their order of arrival: one sum per element. */
export type Group = readonly Float64Array[];

export interface Input {
  readonly name: string;
  readonly description: string;
  /** @param effort 1 for all of it, less for a sample */
  groups(workers: number, effort: number): Group[];
}

/** Workers of bench/data/gradients-128. */
export const MAX_RECORDED_WORKERS = 128;
/** Groups and orders of arrival together, so that each worker count has about as many sums. */
const RECORDED_GROUPS = 8;
const SYNTHETIC_SUMS = 4096;
const SEED = 20220404;

export const RECORDED_INPUTS: readonly Input[] = (['early', 'late'] as const).map((phase) => ({
  name: phase,
  description: `gradients of one step ${phase} in training (bench/data/gradients-128)`,
  groups: (workers, effort) =>
    recordedGroups(loadRows(phase), workers, Math.max(1, Math.round(RECORDED_GROUPS * effort))),
}));

function loadRows(phase: string): Float64Array[] {
  const all = readTensor(readFileSync(join(shippedFile('bench/data/gradients-128'), `${phase}.safetensors`)));
  const length = all.length / MAX_RECORDED_WORKERS;
  return Array.from({ length: MAX_RECORDED_WORKERS }, (_, rank) =>
    Float64Array.from(all.subarray(rank * length, (rank + 1) * length)),
  );
}

/** Disjoint groups of consecutive ranks; if there are too few, the same ones again in other orders of arrival. */
function recordedGroups(rows: readonly Float64Array[], workers: number, count: number): Group[] {
  const random = new Random(SEED);
  const disjoint = Math.floor(rows.length / workers);
  return Array.from({ length: count }, (_, n) => {
    const first = (n % disjoint) * workers;
    const group = rows.slice(first, first + workers);
    return n < disjoint ? group : inAnotherOrder(group, random);
  });
}

function inAnotherOrder<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0]!);
}

type Draw = (random: Random) => number;

/** Box and Muller's method; the fraction is never 0. */
const normal: Draw = (random) =>
  Math.sqrt(-2 * Math.log(random.fraction() + 2 ** -33)) * Math.cos(2 * Math.PI * random.fraction());
const sign: Draw = (random) => (random.oneIn(2) ? -1 : 1);

function synthetic(name: string, description: string, draw: Draw): Input {
  return drawn(name, description, (random, workers) => Array.from({ length: workers }, () => draw(random)));
}

function drawn(name: string, description: string, addends: (random: Random, workers: number) => number[]): Input {
  return {
    name,
    description,
    groups(workers, effort) {
      const random = new Random(SEED + workers);
      const length = Math.ceil(SYNTHETIC_SUMS * effort);
      const group = Array.from({ length: workers }, () => new Float64Array(length));
      for (let i = 0; i < length; i++) addends(random, workers).forEach((value, w) => (group[w]![i] = value));
      return [group];
    },
  };
}

const SIGMAS = [1, 2, 4, 8] as const;
/** Of a log-normal input: sigma of the natural logarithm. */
export const LOG_NORMAL_INPUTS: readonly { readonly sigma: number; readonly input: Input }[] = SIGMAS.map((sigma) => ({
  sigma,
  input: synthetic(
    `log-normal ${sigma}`,
    `either sign, logarithm normal with σ = ${sigma}`,
    (random) => sign(random) * Math.exp(sigma * normal(random)),
  ),
}));

/** The pairs' difference is about 2^-12 of the addends. */
const CANCELLED = 2 ** -12;

export const SYNTHETIC_INPUTS: readonly Input[] = [
  synthetic('positive', 'uniform in [1, 2): every carry goes up', (random) => 1 + random.fraction()),
  synthetic('normal', 'normal, σ = 1', normal),
  ...LOG_NORMAL_INPUTS.map(({ input }) => input),
  synthetic(
    'wide',
    'either sign, exponents uniform from −40 to 40',
    (random) => sign(random) * (1 + random.fraction()) * 2 ** random.between(-40, 40),
  ),
  drawn(
    'cancelling',
    'the second half of the workers takes all but about 2^−12 of the first half back',
    (random, workers) => {
      const half = Array.from({ length: workers / 2 }, () => normal(random) * 2 ** (8 * random.fraction()));
      return [...half, ...half.map((value) => -value * (1 + CANCELLED * normal(random)))];
    },
  ),
];

export const INPUTS: readonly Input[] = [...RECORDED_INPUTS, ...SYNTHETIC_INPUTS];
