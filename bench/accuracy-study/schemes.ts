/** The ways of adding that the study compares, each on elements of one format. */
import {
  aggregate,
  aggregateApproximatePlus,
  aggregateBlocks,
  aggregateExact,
  approximatePlusProfile,
  blockProfile,
  FORMATS,
  resolveProfile,
  wideProfile,
  type ApproximatePlusProfile,
  type Events,
  type FloatFormatName,
  type NumericProfile,
  type NumericVector,
} from '../../arithmetic/index.js';
import { addUp, BLOCK } from '../accuracy.js';
import { sequential } from './elements.js';
import { halfUpSums } from './half-up.js';

interface Sum {
  readonly result: NumericVector;
  readonly events: Events;
}

export interface Scheme {
  readonly name: string;
  add(format: FloatFormatName, vectors: readonly NumericVector[]): Sum;
}

const NO_EVENTS: Events = { overwrites: 0, overflows: 0 };

function withProfile(name: string, profileOf: (format: FloatFormatName, workers: number) => NumericProfile): Scheme {
  return { name, add: (format, vectors) => aggregate(vectors, profileOf(format, vectors.length)) };
}

function withoutEvents(
  name: string,
  add: (format: FloatFormatName, vectors: readonly NumericVector[]) => NumericVector,
): Scheme {
  return { name, add: (format, vectors) => ({ result: add(format, vectors), events: NO_EVENTS }) };
}

const fpisa = withProfile('fpisa', (format, workers) => resolveProfile({ workers, overrides: { format } }));
const floor = withProfile('fpisa, floor', (format, workers) =>
  resolveProfile({ workers, overrides: { format, alignment: 'floor' } }),
);
const paper = withProfile('fpisa-paper', (format, workers) =>
  resolveProfile({ preset: 'fpisa-paper', workers, overrides: { format } }),
);
const approximate = withProfile('fpisa-a', (format, workers) =>
  resolveProfile({ preset: 'fpisa-a', workers, overrides: { format } }),
);
const approximatePlus = (name: string, change: Partial<ApproximatePlusProfile> = {}): Scheme => ({
  name,
  add: (format, vectors) => aggregateApproximatePlus(vectors, { ...approximatePlusProfile(format), ...change }),
});
const plus = approximatePlus('fpisa-a+');
const plusFloor = approximatePlus('fpisa-a+, floor', { alignment: 'floor' });
const wide = withProfile('fpisa-wide', (_, workers) => wideProfile(workers));
const exact = withoutEvents('exact', (format, vectors) => aggregateExact(vectors, format));
const block = withoutEvents('block', (format, vectors) =>
  aggregateBlocks(vectors, blockProfile(format, vectors.length, BLOCK)),
);
const halfUp = withoutEvents('fpisa, half up', (_, vectors) => halfUpSums(vectors));
const chain = withoutEvents('sequential', sequential);
const int32: Scheme = { name: 'int32', add: (_, vectors) => addUp('int32', vectors as readonly Float32Array[]) };

/** Every format of the study with its schemes; half up only shows why alignment rounds ties to even. */
export const SCHEMES: Readonly<Record<'fp32' | 'fp16' | 'bf16' | 'fp64', readonly Scheme[]>> = {
  fp32: [chain, fpisa, floor, halfUp, paper, approximate, plus, plusFloor, wide, exact, block, int32],
  fp16: [chain, fpisa, paper, approximate, plus, exact, block],
  bf16: [chain, fpisa, paper, approximate, plus, exact, block],
  fp64: [chain, fpisa, paper, approximate, plus, exact, block],
};

/** Of fp32: places given away, against the shifts to the left that this makes room for. */
export const SEARCH: readonly Scheme[] = [
  approximate,
  ...[0, 1, 2, 3, 4, 5, 6, 8, 10, 12].map((given) =>
    approximatePlus(`${given}`, { guard: given === 0 ? 0 : -given, leftShiftLimit: 5 + given }),
  ),
];

export type StudyFormat = keyof typeof SCHEMES;

/** Elements are read and written as those of this format. */
export function rowOf(format: StudyFormat): (typeof FORMATS)[StudyFormat] {
  return FORMATS[format];
}
