/** `fpisa-wide`: fp32 in 64-bit registers, next to sequential addition at every size of job. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aggregate,
  errorsInUlps,
  exactSum,
  exactSums,
  FORMATS,
  quantile,
  roundExact,
  sequentialSum,
  wideProfile,
  accumulateAll,
  readOut,
} from '../../arithmetic/index.js';
import { Random } from '../../net/random.js';
import { finiteRound } from './arbitraries.js';

const SUMS = 300;

function vectors(workers: number, sigma: number): Float32Array[] {
  const random = new Random(workers * 100 + sigma);
  const normal = (): number => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += random.fraction();
    return sum;
  };
  return Array.from({ length: workers }, () =>
    Float32Array.from({ length: SUMS }, () =>
      sigma === 0 ? normal() : (random.oneIn(2) ? -1 : 1) * Math.exp(sigma * normal()),
    ),
  );
}

describe.each([2, 3, 4, 7, 16, 33, 128, 129, 500, 1023])('%i workers', (workers) => {
  it('have all the guard that the headroom leaves', () => {
    expect(wideProfile(workers)).toMatchObject({
      name: 'fpisa-wide',
      format: 'fp32-wide',
      mode: 'full',
      guard: 39 - Math.ceil(Math.log2(workers)),
      alignment: 'nearest-even',
    });
  });

  it.each([0, 2, 8])('are at least as close as sequential addition, spread %i', (sigma) => {
    const inputs = vectors(workers, sigma);
    const exact = exactSums(inputs);
    const { result, events } = aggregate(inputs, wideProfile(workers));
    const [wide, sequential] = [errorsInUlps(result, exact), errorsInUlps(sequentialSum(inputs), exact)];
    for (const q of [0.5, 0.99, 1]) expect(quantile(wide, q)).toBeLessThanOrEqual(quantile(sequential, q));
    expect(events).toEqual({ overwrites: 0, overflows: 0 });
  });
});

it('two workers get the correctly rounded sum', () => {
  const profile = wideProfile(2);
  fc.assert(
    fc.property(finiteRound(FORMATS.fp32, 2), (round) => {
      const { states } = accumulateAll(round, profile);
      expect(readOut(states.at(-1)!, profile)).toBe(roundExact(FORMATS.fp32, exactSum(FORMATS.fp32, round)));
    }),
    { numRuns: 1000 },
  );
});
