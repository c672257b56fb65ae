/** `exact`: one bit pattern for every order and grouping, and it is the correctly rounded exact sum. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addExact,
  aggregateExact,
  EMPTY_EXACT,
  exactRegisterBits,
  exactRegisterOf,
  exactSum,
  FORMATS,
  infinity,
  quietNaN,
  readExact,
  roundExact,
  SEEN_NAN,
  SEEN_NEGATIVE_INFINITY,
  SEEN_POSITIVE_INFINITY,
  VectorError,
  type ExactRegister,
  type FloatFormat,
} from '../../arithmetic/index.js';
import { Random } from '../../net/random.js';
import { anyRound, FLOAT_NAMES, finiteRound } from './arbitraries.js';
import { oracleReadOut, valueOf } from './oracle.js';
import { shuffled } from './permutations.js';

function sumOf(format: FloatFormat, round: readonly bigint[]): ExactRegister {
  return round.map((bits) => exactRegisterOf(format, bits)).reduce(addExact, EMPTY_EXACT);
}

describe.each(FLOAT_NAMES)('exact sums of %s', (name) => {
  const format: FloatFormat = FORMATS[name];
  const top = 2 ** format.exponentBits - 2;
  const bits = (negative: boolean, exponent: number, fraction: bigint): bigint =>
    (BigInt(negative) << BigInt(format.bits - 1)) | (BigInt(exponent) << BigInt(format.fractionBits)) | fraction;
  const one = (1n << BigInt(format.fractionBits)) - 1n;

  it('are the correctly rounded sum, by a second implementation', () => {
    fc.assert(
      fc.property(finiteRound(format, 40), (round) => {
        const value = round.reduce((sum, element) => sum + valueOf(format, element), 0n);
        const nearest = oracleReadOut(
          { exponent: 1, value },
          {
            name: '',
            format: name,
            mode: 'full',
            guard: 0,
            alignment: 'floor',
            rounding: 'nearest-even',
            leftShiftLimit: 0,
          },
        );
        expect(readExact(format, sumOf(format, round))).toBe(nearest);
      }),
    );
  });

  it('agree with the reference for errors, Inf and NaN included', () => {
    fc.assert(
      fc.property(anyRound(format, 20), (round) => {
        expect(readExact(format, sumOf(format, round))).toBe(roundExact(format, exactSum(format, round)));
      }),
    );
  });

  it('are one bit pattern in 1,000 orders, and in any grouping', () => {
    fc.assert(
      fc.property(anyRound(format, 12), fc.integer(), (round, seed) => {
        const random = new Random(seed);
        const expected = readExact(format, sumOf(format, round));
        for (let n = 0; n < 50; n++) {
          const order = shuffled(round, random);
          const cut = random.below(order.length + 1);
          const register = addExact(sumOf(format, order.slice(cut)), sumOf(format, order.slice(0, cut)));
          expect(readExact(format, register)).toBe(expected);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('become Inf only if the exact sum rounds to Inf', () => {
    const max = bits(false, top, one);
    const min = bits(true, top, one);
    // Twice the largest and back, which a chain of IEEE additions does not survive.
    expect(readExact(format, sumOf(format, [max, max, min]))).toBe(max);
    // Half an ulp above the largest ties to Inf; one unit less stays.
    const halfUlp = bits(false, top - format.fractionBits - 1, 0n);
    expect(readExact(format, sumOf(format, [max, halfUlp]))).toBe(infinity(format, false));
    expect(readExact(format, sumOf(format, [max, halfUlp, bits(true, 0, 1n)]))).toBe(max);
    expect(readExact(format, sumOf(format, [min, halfUlp | (1n << BigInt(format.bits - 1))]))).toBe(
      infinity(format, true),
    );
  });

  it('keep what cancellation leaves, down to the smallest subnormal', () => {
    const [max, min, least] = [bits(false, top, one), bits(true, top, one), bits(false, 0, 1n)];
    expect(readExact(format, sumOf(format, [max, least, min]))).toBe(least);
    expect(readExact(format, sumOf(format, [least, least]))).toBe(2n);
    expect(readExact(format, sumOf(format, [one, 1n]))).toBe(bits(false, 1, 0n));
    expect(readExact(format, sumOf(format, [max, min]))).toBe(0n);
    expect(readExact(format, sumOf(format, [bits(true, 0, 0n), bits(true, 0, 0n)]))).toBe(0n);
  });

  it('hold specials as a set, however many there are', () => {
    const [plus, minus, nan] = [infinity(format, false), infinity(format, true), infinity(format, true) | 1n];
    const finite = bits(false, top, one);
    expect(sumOf(format, [plus, finite, plus])).toEqual({
      seen: SEEN_POSITIVE_INFINITY,
      units: valueOf(format, finite),
    });
    expect(sumOf(format, [minus, nan]).seen).toBe(SEEN_NEGATIVE_INFINITY | SEEN_NAN);
    const many = new Array<bigint>(5000).fill(plus);
    expect(readExact(format, sumOf(format, many))).toBe(plus);
    expect(readExact(format, sumOf(format, [minus, finite]))).toBe(minus);
    for (const round of [[nan], [plus, minus], [nan, plus], [minus, nan, finite]])
      expect(readExact(format, sumOf(format, round))).toBe(quietNaN(format));
  });

  it.each([1, 2, 3, 128, 1023])('fit the register for %i workers, and not one a bit narrower', (workers) => {
    const extreme = BigInt(workers) * valueOf(format, bits(true, top, one));
    const width = exactRegisterBits(format, workers);
    expect(BigInt.asIntN(width, extreme)).toBe(extreme);
    if ((workers & (workers - 1)) === 0) expect(BigInt.asIntN(width - 1, extreme)).not.toBe(extreme);
  });
});

describe('vectors', () => {
  it('of every array type of a format', () => {
    expect(
      aggregateExact([Float32Array.of(1e30, 1), Float32Array.of(1, 2), Float32Array.of(-1e30, 3)], 'fp32'),
    ).toEqual(Float32Array.of(1, 6));
    expect(aggregateExact([Float64Array.of(1e300), Float64Array.of(1), Float64Array.of(-1e300)], 'fp64')).toEqual(
      Float64Array.of(1),
    );
    expect(aggregateExact([Uint16Array.of(0x3c00), Uint16Array.of(0x3c00)], 'fp16')).toEqual(Uint16Array.of(0x4000));
    expect(() => aggregateExact([Float32Array.of(1)], 'fp16')).toThrow(VectorError);
    expect(() => aggregateExact([Float32Array.of(1), Float32Array.of(1, 2)], 'fp32')).toThrow(VectorError);
  });

  it('registers of fp32 are nine words for up to 1,023 workers', () => {
    expect(exactRegisterBits(FORMATS.fp32, 1023)).toBe(9 * 32);
  });
});
