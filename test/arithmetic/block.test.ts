/** `block`: one exponent a block, integers added: one bit pattern for every order, within the stated bound. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aggregateBlocks,
  blockAddend,
  blockProfile,
  exactSum,
  FORMATS,
  infinity,
  maxSharedExponent,
  ProfileError,
  quietNaN,
  readBlock,
  roundExact,
  sharedExponent,
  specialExponent,
  toUnits,
  ulpLog2,
  type FloatFormat,
} from '../../arithmetic/index.js';
import { Random } from '../../net/random.js';
import { anyRound, finiteRound, FLOAT_NAMES, type FloatName } from './arbitraries.js';
import { shuffled } from './permutations.js';

/** One element of each worker; a block is as wide as there are elements of a worker. */
function blockSum(name: FloatName, round: readonly bigint[], beside: bigint): { bits: bigint; exponent: number } {
  const format: FloatFormat = FORMATS[name];
  const profile = blockProfile(name, Math.min(round.length, 128), 2);
  const { exponent } = round.map((bits) => sharedExponent(format, [bits, beside])).reduce(maxSharedExponent);
  const addends = round.map((bits) => blockAddend(format, bits, exponent, profile.guard));
  const sum = addends.reduce((a, b) => ({ integer: a.integer + b.integer, count: a.count + b.count }));
  return { bits: readBlock(profile, exponent, sum), exponent };
}

describe.each(FLOAT_NAMES)('blocks of %s', (name) => {
  const format: FloatFormat = FORMATS[name];

  it('are off by at most half a unit of the block for each worker, and one rounding', () => {
    fc.assert(
      fc.property(finiteRound(format, 40), finiteRound(format, 1), (round, [beside]) => {
        const { bits, exponent } = blockSum(name, round, beside!);
        const { guard } = blockProfile(name, round.length, 2);
        const exact = exactSum(format, round).units;
        const result = toUnits(format, bits);
        if (result === undefined) {
          // Inf: the integers' sum rounds to it, so the exact sum is at most the bound below that.
          const limit = (1n << BigInt(2 ** format.exponentBits - 3)) * ((2n << BigInt(format.fractionBits)) - 1n);
          const slack = BigInt(round.length) << BigInt(Math.max(0, exponent - 1 - guard));
          expect(exact < 0n ? -exact : exact).toBeGreaterThan(limit - slack);
          return;
        }
        // In units of 2^-(G + 1) of the smallest subnormal.
        const scale = BigInt(guard + 1);
        const own = (1n << BigInt(ulpLog2(format, bits))) << BigInt(guard);
        const bound = (BigInt(round.length) << BigInt(exponent - 1)) + own;
        const difference = (result - exact) << scale;
        expect(difference < 0n ? -difference : difference).toBeLessThanOrEqual(bound);
      }),
    );
  });

  it('are the correctly rounded sum while no element is more than G places below the largest', () => {
    const { guard } = blockProfile(name, 8, 2);
    const window = fc.integer({ min: 1, max: 2 ** format.exponentBits - 4 - guard }).chain((low) =>
      fc.array(
        fc
          .tuple(
            fc.boolean(),
            fc.integer({ min: low, max: low + guard }),
            fc.bigInt(0n, (1n << BigInt(format.fractionBits)) - 1n),
          )
          .map(
            ([negative, e, f]) =>
              (BigInt(negative) << BigInt(format.bits - 1)) | (BigInt(e) << BigInt(format.fractionBits)) | f,
          ),
        { minLength: 8, maxLength: 8 },
      ),
    );
    fc.assert(
      fc.property(window, (round) => {
        expect(blockSum(name, round, 0n).bits).toBe(roundExact(format, exactSum(format, round)));
      }),
    );
  });

  it('are one bit pattern in 1,000 orders', () => {
    fc.assert(
      fc.property(anyRound(format, 12), finiteRound(format, 1), fc.integer(), (round, [beside], seed) => {
        const random = new Random(seed);
        const expected = blockSum(name, round, beside!).bits;
        for (let n = 0; n < 50; n++) expect(blockSum(name, shuffled(round, random), beside!).bits).toBe(expected);
      }),
      { numRuns: 20 },
    );
  });

  it('never leave the register, in the worst case of every worker count that fits', () => {
    const top = 2 ** format.exponentBits - 2;
    const largest = infinity(format, false) - 1n;
    for (const workers of [1, 2, 3, 64, 128]) {
      const { guard } = blockProfile(name, workers, 1);
      for (const bits of [largest, largest | (1n << BigInt(format.bits - 1))]) {
        const sum = BigInt(workers) * blockAddend(format, bits, top, guard).integer;
        expect(BigInt.asIntN(format.registerBits, sum)).toBe(sum);
      }
    }
  });

  it('keep the finite elements beside an Inf or a NaN', () => {
    const one = BigInt(2 ** (format.exponentBits - 1) - 1) << BigInt(format.fractionBits);
    const two = one + (1n << BigInt(format.fractionBits));
    const [plus, minus] = [infinity(format, false), infinity(format, true)];
    expect(sharedExponent(format, [one, plus])).toEqual({
      exponent: Number(one >> BigInt(format.fractionBits)),
      special: 1,
    });
    expect(blockSum(name, [one, one], plus)).toEqual({ bits: two, exponent: sharedExponent(format, [one]).exponent });
    expect(blockSum(name, [one, plus, plus], one).bits).toBe(plus);
    expect(blockSum(name, [minus, one], one).bits).toBe(minus);
    expect(blockSum(name, [minus, plus], one).bits).toBe(quietNaN(format));
    expect(blockSum(name, [quietNaN(format), minus], one).bits).toBe(quietNaN(format));
    expect(blockAddend(format, plus, specialExponent(format) - 2, 0).integer).toBe(0n);
  });
});

describe('vectors', () => {
  it('share an exponent within a block only', () => {
    const profile = blockProfile('fp32', 2, 2);
    const tiny = 2 ** -60;
    const sums = aggregateBlocks([Float32Array.of(1, tiny, tiny), Float32Array.of(1, tiny, tiny)], profile);
    expect(sums).toEqual(Float32Array.of(2, 0, 2 * tiny));
  });

  it('refuse workers that do not fit, and say how many do', () => {
    expect(() => blockProfile('fp32', 129, 256)).toThrow(ProfileError);
    expect(() => blockProfile('fp32', 129, 256)).toThrow('1 to 128 workers, not 129');
    expect(() => blockProfile('fp32', 0, 256)).toThrow(ProfileError);
    expect(blockProfile('fp64', 1023, 256).guard).toBe(0);
  });
});
