import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  blockExponent,
  blockScale,
  aggregate,
  dequantize,
  errorInUlps,
  errorsInUlps,
  exactSum,
  exactSums,
  FORMATS,
  infinity,
  quantile,
  quantize,
  quietNaN,
  resolveProfile,
  roundedSums,
  roundExact,
  sequentialSum,
  ulpLog2,
} from '../../arithmetic/index.js';
import { finiteBits, finiteRound, floatName } from './arbitraries.js';
import { valueOf } from './oracle.js';

const float = (word: number) => new Float32Array(Uint32Array.of(word).buffer)[0]!;
const word = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0]!;

describe('exact sums', () => {
  it('of two fp32 numbers round to what IEEE addition gives', () => {
    fc.assert(
      fc.property(finiteRound(FORMATS.fp32, 2), (values) => {
        fc.pre(values.length === 2);
        const [a, b] = values.map((bits) => float(Number(bits)));
        const machine = Math.fround(a! + b!);
        expect(roundExact(FORMATS.fp32, exactSum(FORMATS.fp32, values))).toBe(
          machine === 0 ? 0n : BigInt(word(machine)),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('of two fp64 numbers round to what IEEE addition gives', () => {
    fc.assert(
      fc.property(finiteRound(FORMATS.fp64, 2), (values) => {
        fc.pre(values.length === 2);
        const [a, b] = new Float64Array(BigUint64Array.from(values).buffer);
        const machine = new BigUint64Array(Float64Array.of(a! + b!).buffer)[0]!;
        expect(roundExact(FORMATS.fp64, exactSum(FORMATS.fp64, values))).toBe(
          machine << 1n === 1n << 64n ? 0n : machine,
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('do not depend on the order, and cancel to zero', () => {
    fc.assert(
      fc.property(
        floatName.chain((name) => fc.tuple(fc.constant(FORMATS[name]), finiteRound(FORMATS[name], 20))),
        ([format, values]) => {
          const sign = 1n << BigInt(format.bits - 1);
          const sum = exactSum(format, values);
          expect(exactSum(format, [...values].reverse())).toEqual(sum);
          expect(exactSum(format, [...values, ...values.map((v) => v ^ sign)]).units).toBe(0n);
          expect(sum.units).toBe(values.reduce((total, v) => total + valueOf(format, v), 0n));
        },
      ),
    );
  });

  it('of Inf and NaN are what IEEE 754 makes of them', () => {
    const f = FORMATS.fp32;
    const [inf, minus, nan, one] = [infinity(f, false), infinity(f, true), quietNaN(f), 0x3f800000n];
    expect(exactSum(f, [inf, one]).special).toBe('+inf');
    expect(exactSum(f, [one, minus]).special).toBe('-inf');
    expect(exactSum(f, [minus, inf]).special).toBe('nan');
    expect(exactSum(f, [one, nan, inf]).special).toBe('nan');
    for (const bits of [inf, minus, nan]) expect(roundExact(f, exactSum(f, [bits]))).toBe(bits);
  });

  it('beyond the largest finite number round to Inf from half an ulp on', () => {
    const f = FORMATS.fp32;
    expect(roundExact(f, exactSum(f, [0x7f7fffffn, 0x73000000n]))).toBe(0x7f800000n);
    expect(roundExact(f, exactSum(f, [0x7f7fffffn, 0x72ffffffn]))).toBe(0x7f7fffffn);
    expect(roundExact(f, exactSum(f, [0xff7fffffn, 0xff7fffffn, 0xff7fffffn]))).toBe(0xff800000n);
  });
});

describe('error in ulps', () => {
  const f = FORMATS.fp32;
  it('an ulp is the spacing away from zero', () => {
    fc.assert(
      fc.property(
        floatName.chain((name) => fc.tuple(fc.constant(FORMATS[name]), finiteBits(FORMATS[name], 0, 20))),
        ([format, bits]) => {
          const magnitude = bits & ((1n << BigInt(format.bits - 1)) - 1n);
          expect(2n ** BigInt(ulpLog2(format, bits))).toBe(
            valueOf(format, magnitude + 1n) - valueOf(format, magnitude),
          );
        },
      ),
    );
  });

  it.each([
    ['exact', 0x3f800000n, [0x3f800000n], 0],
    ['one step', 0x3f800001n, [0x3f800000n], 1],
    ['a tie', 0x3f800000n, [0x3f800000n, 0x33800000n], 0.5],
    ['a quarter', 0x3f800000n, [0x3f800000n, 0x33000000n], 0.25],
    ['one step below a power of two', 0x3f7fffffn, [0x3f800000n], 0.5],
    ['wrong sign', 0xbf800000n, [0x3f800000n], 2 ** 24],
    ['smallest subnormals', 0x00000003n, [0x00000001n], 2],
    ['zero expected', 0x80000005n, [0x3f800000n, 0xbf800000n], 5],
    ['-0 for zero', 0x80000000n, [0n], 0],
    ['Inf expected and got', 0x7f800000n, [0x7f7fffffn, 0x7f7fffffn], 0],
    ['Inf expected, largest finite got', 0x7f7fffffn, [0x7f7fffffn, 0x7f7fffffn], Infinity],
    ['finite expected, Inf got', 0x7f800000n, [0x3f800000n], Infinity],
    ['any NaN for NaN', 0xffc00001n, [0x7fc00000n], 0],
    ['Inf for NaN', 0x7f800000n, [0x7fc00000n], Infinity],
    ['-Inf for Inf', 0xff800000n, [0x7f800000n], Infinity],
  ])('%s', (_, result, addends, error) => {
    expect(errorInUlps(f, result, exactSum(f, addends))).toBe(error);
  });

  it('of the correctly rounded sum is at most one half, and no other result is closer', () => {
    fc.assert(
      fc.property(finiteRound(f, 20), (values) => {
        const sum = exactSum(f, values);
        const best = roundExact(f, sum);
        fc.pre((best & 0x7fffffffn) < 0x7f7fffffn && (best & 0x7fffffffn) > 0n);
        const error = errorInUlps(f, best, sum);
        expect(error).toBeLessThanOrEqual(0.5);
        expect(errorInUlps(f, best + 1n, sum)).toBeGreaterThanOrEqual(error);
        expect(errorInUlps(f, best - 1n, sum)).toBeGreaterThanOrEqual(error);
      }),
    );
  });

  it('of an fp64 result far off does not end in a double that overflowed on the way', () => {
    const f64 = FORMATS.fp64;
    expect(errorInUlps(f64, 0x7fe0000000000000n, exactSum(f64, [0x7fe0000000000001n]))).toBe(1);
    expect(errorInUlps(f64, 0x3ff0000000000000n, exactSum(f64, [0x7fe0000000000000n]))).toBeCloseTo(2 ** 52, -30);
  });
});

describe('vectors', () => {
  it('sequential addition rounds each partial sum to fp32', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 20 }), (values) => {
        const expected = values.slice(1).reduce((sum, x) => Math.fround(sum + x), values[0]!);
        expect(sequentialSum(values.map((x) => Float32Array.of(x)))[0]).toBe(expected);
      }),
    );
  });

  it('are measured element by element', () => {
    const vectors = [Float32Array.of(1, 2, 2 ** 24), Float32Array.of(3, 4, 1), Float32Array.of(5, 6, 1)];
    const sums = exactSums(vectors);
    expect(roundedSums(sums)).toEqual(Float32Array.of(9, 12, 2 ** 24 + 2));
    expect([...errorsInUlps(sequentialSum(vectors), sums)]).toEqual([0, 0, 1]);
  });

  it('quantiles are nearest ranks', () => {
    const values = Float64Array.of(5, 1, 4, 2, 3);
    expect([0, 0.2, 0.21, 0.5, 0.99, 1].map((q) => quantile(values, q))).toEqual([1, 1, 2, 3, 5, 5]);
    expect(values[0]).toBe(5);
    expect(quantile(new Float64Array(0), 0.5)).toBeNaN();
    expect(quantile(Float64Array.of(1, Infinity), 1)).toBe(Infinity);
  });
});

describe('int32 baseline', () => {
  const block = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 5, maxLength: 5 });

  it('the block exponent bounds every element tightly', () => {
    fc.assert(
      fc.property(block, (values) => {
        const exponent = blockExponent(Float32Array.from(values));
        const largest = Math.max(...values.map(Math.abs));
        expect(largest).toBeLessThan(2 ** exponent);
        if (largest >= 2 ** -126) expect(largest).toBeGreaterThanOrEqual(2 ** (exponent - 1));
      }),
    );
  });

  it('never saturates, and errs by at most half a step per worker before the last rounding', () => {
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 32 }), (blocks) => {
        const vectors = blocks.map((values) => Float32Array.from(values));
        const scale = blockScale(vectors.length, Math.max(...vectors.map(blockExponent)));
        const profile = resolveProfile({ preset: 'int32', workers: vectors.length });
        const { result, events } = aggregate(
          vectors.map((v) => quantize(v, scale)),
          profile,
        );
        expect(events.overflows).toBe(0);
        const back = dequantize(result, scale);
        const exact = vectors[0]!.map((_, i) => vectors.reduce((sum, v) => sum + v[i]!, 0));
        // Doubles of numbers this far apart are themselves rounded: one part in 2^23 covers that and the result's own rounding.
        back.forEach((x, i) => {
          const most = vectors.reduce((sum, v) => sum + Math.abs(v[i]!), 0);
          if (Number.isFinite(x))
            expect(Math.abs(x - exact[i]!)).toBeLessThanOrEqual((vectors.length / 2 + 1) / scale + most * 2 ** -23);
        });
      }),
    );
  });

  it('rounds ties to even', () => {
    expect([...quantize(Float32Array.of(0.5, 1.5, 2.5, -0.5, -1.5, 0.75, -0.75), 1)]).toEqual([0, 2, 2, 0, -2, 1, -1]);
  });
});
