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
  type FloatFormat,
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
        fc.constantFrom('floor', 'nearest-even'),
        fc.constantFrom('truncate', 'nearest-even'),
      )
      .chain(([guard, alignment, rounding]) =>
        finiteRound(FORMATS[name], workers).map((values) => ({
          format: FORMATS[name],
          profile: resolveProfile({ workers, overrides: { format: name, guard, alignment, rounding } }),
          values,
        })),
      ),
  ),
);

/** What the registers of a whole round lack, and the guard unit that they end with; in 2^-G smallest subnormals. */
function registerError(
  format: FloatFormat,
  profile: NumericProfile,
  values: readonly bigint[],
): { lost: bigint; unit: bigint } {
  const last = accumulateAll(values, profile).states.at(-1)!;
  const unit = 2n ** BigInt(last.exponent - 1);
  return { lost: (exactSum(format, values).units << BigInt(profile.guard)) - last.mantissa * unit, unit };
}

describe('full mode', () => {
  it('floor: the register never lies above the exact sum, nor W - 1 guard units or more below it', () => {
    fc.assert(
      fc.property(jobs, ({ format, profile, values }) => {
        fc.pre(profile.alignment === 'floor');
        const { lost, unit } = registerError(format, profile, values);
        expect(lost).toBeGreaterThanOrEqual(0n);
        expect(lost).toBeLessThanOrEqual(BigInt(values.length - 1) * unit);
        if (values.length > 1) expect(lost).toBeLessThan(BigInt(values.length - 1) * unit);
      }),
      { numRuns: 2000 },
    );
  });

  it('nearest-even: the register is at most W - 1 halves of a guard unit off, on either side', () => {
    const sides = new Set<number>();
    fc.assert(
      fc.property(jobs, ({ format, profile, values }) => {
        fc.pre(profile.alignment === 'nearest-even');
        const { lost, unit } = registerError(format, profile, values);
        expect(2n * abs(lost)).toBeLessThanOrEqual(BigInt(values.length - 1) * unit);
        sides.add(lost === 0n ? 0 : lost < 0n ? -1 : 1);
      }),
      { numRuns: 2000 },
    );
    expect(sides).toEqual(new Set([-1, 0, 1]));
  });

  it('no addition overflows, with any guard that the headroom rule admits', () => {
    fc.assert(
      fc.property(jobs, ({ profile, values }) => {
        expect(accumulateAll(values, profile).events).toEqual({ overwrites: 0, overflows: 0 });
      }),
      { numRuns: 2000 },
    );
  });

  it('the result is off by at most (W - 1) 2^-G ulps of the largest addend, or half of that, plus its own rounding', () => {
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
        const aligned = unit(largestUlp) / (profile.alignment === 'floor' ? 1n : 2n);
        expect(error).toBeLessThanOrEqual(BigInt(values.length - 1) * aligned + own);
      }),
      { numRuns: 2000 },
    );
  });

  it('the bounds of the register are reached: nothing sharper holds for every input', () => {
    const floor: NumericProfile = resolveProfile({ workers: 8, overrides: { alignment: 'floor' } });
    // Each of seven tiny negative addends costs the register a whole guard unit.
    const values = [0x3f800000n, ...new Array<bigint>(7).fill(0x80000001n)];
    expect(accumulateAll(values, floor).states.at(-1)!.mantissa).toBe((1n << 27n) - 7n);

    const profile = resolveProfile({ workers: 8 });
    // A guard unit is 2^-27: seven addends of half of it are dropped, and seven of one and a half count as two.
    for (const [addend, register] of [
      [0x31800000n, 1n << 27n],
      [0x32400000n, (1n << 27n) + 14n],
    ] as const) {
      const round = [0x3f800000n, ...new Array<bigint>(7).fill(addend)];
      expect(accumulateAll(round, profile).states.at(-1)!.mantissa).toBe(register);
      const { lost, unit } = registerError(FORMATS.fp32, profile, round);
      expect(2n * abs(lost)).toBe(7n * unit);
    }
  });
});
