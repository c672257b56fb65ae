/** The error bounds that docs/arithmetic.md states and proves. */
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  accumulateAll,
  exactSum,
  FORMATS,
  headroom,
  readOut,
  resolveProfile,
  ulpLog2,
  type NumericProfile,
} from '../../arithmetic/index.js';
import { finiteRound, floatName } from './arbitraries.js';
import { valueOf } from './oracle.js';

const abs = (x: bigint) => (x < 0n ? -x : x);

const jobs = floatName.chain((name) =>
  fc.integer({ min: 1, max: 32 }).chain((workers) =>
    fc
      .tuple(
        fc.integer({ min: 0, max: headroom(FORMATS[name]) - (32 - Math.clz32(workers - 1)) }),
        fc.constantFrom('truncate', 'nearest-even'),
      )
      .chain(([guard, rounding]) =>
        finiteRound(FORMATS[name], workers).map((values) => ({
          format: FORMATS[name],
          profile: resolveProfile({ workers, overrides: { format: name, guard, rounding } }),
          values,
        })),
      ),
  ),
);

describe('full mode', () => {
  it('the register never lies above the exact sum, nor W - 1 guard units or more below it', () => {
    fc.assert(
      fc.property(jobs, ({ format, profile, values }) => {
        const last = accumulateAll(values, profile).states.at(-1)!;
        const guard = BigInt(profile.guard);
        const register = last.mantissa << BigInt(last.exponent - 1);
        const lost = (exactSum(format, values).units << guard) - register;
        expect(lost).toBeGreaterThanOrEqual(0n);
        expect(lost).toBeLessThanOrEqual(BigInt(values.length - 1) * 2n ** BigInt(last.exponent - 1));
        if (values.length > 1) expect(lost).toBeLessThan(BigInt(values.length - 1) * 2n ** BigInt(last.exponent - 1));
      }),
      { numRuns: 2000 },
    );
  });

  it('the result is off by less than (W - 1) 2^-G ulps of the largest addend, plus its own rounding', () => {
    fc.assert(
      fc.property(jobs, ({ format, profile, values }) => {
        const result = readOut(accumulateAll(values, profile).states.at(-1)!, profile);
        const infinite = 2n ** BigInt(format.exponentBits) - 1n;
        fc.pre((result >> BigInt(format.fractionBits)) % (infinite + 1n) !== infinite);
        const guard = BigInt(profile.guard);
        // All in units of 2^-G-1 smallest subnormals, so that halves are whole.
        const unit = (log2: number) => 1n << BigInt(log2 + 1);
        const largestUlp = Math.max(...values.map((bits) => ulpLog2(format, bits)));
        const error = abs((valueOf(format, result) - exactSum(format, values).units) << (guard + 1n));
        const own = (unit(ulpLog2(format, result)) << guard) / (profile.rounding === 'truncate' ? 1n : 2n);
        expect(error).toBeLessThanOrEqual(BigInt(values.length - 1) * unit(largestUlp) + own);
      }),
      { numRuns: 2000 },
    );
  });

  it('the bound of the register is reached: nothing sharper holds for every input', () => {
    const profile: NumericProfile = resolveProfile({ workers: 8 });
    // Each of seven tiny negative addends costs the register a whole guard unit.
    const values = [0x3f800000n, ...new Array<bigint>(7).fill(0x80000001n)];
    expect(accumulateAll(values, profile).states.at(-1)!.mantissa).toBe((1n << 27n) - 7n);
  });
});
