import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { accumulateAll, aggregate, FORMATS, readOut, resolveProfile, sequentialSum } from '../../arithmetic/index.js';
import { finiteRound, floatName, profileOf } from './arbitraries.js';

const nearest = resolveProfile({ workers: 2 });
const truncating = resolveProfile({ workers: 2, overrides: { rounding: 'truncate' } });

/** Two addends and their sum by IEEE 754 (round to nearest, ties to even) and by truncation towards zero. */
const CASES: readonly [string, number, number, number, number][] = [
  ['smallest subnormal twice', 0x00000001, 0x00000001, 0x00000002, 0x00000002],
  ['subnormals carry into the smallest normal', 0x007fffff, 0x00000001, 0x00800000, 0x00800000],
  ['two normals cancel to a subnormal', 0x00800001, 0x80800000, 0x00000001, 0x00000001],
  ['largest subnormal from normals', 0x00ffffff, 0x80800000, 0x007fffff, 0x007fffff],
  ['subnormal beside a normal', 0x00800000, 0x80000001, 0x007fffff, 0x007fffff],
  ['largest finite plus half its ulp overflows to Inf', 0x7f7fffff, 0x73000000, 0x7f800000, 0x7f7fffff],
  ['the same, negative', 0xff7fffff, 0xf3000000, 0xff800000, 0xff7fffff],
  ['largest finite plus a quarter of its ulp stays', 0x7f7fffff, 0x72800000, 0x7f7fffff, 0x7f7fffff],
  ['largest finite twice', 0x7f7fffff, 0x7f7fffff, 0x7f800000, 0x7f800000],
  ['largest finite minus itself', 0x7f7fffff, 0xff7fffff, 0x00000000, 0x00000000],
  ['tie to the even neighbour below', 0x3f800000, 0x33800000, 0x3f800000, 0x3f800000],
  ['tie to the even neighbour above', 0x3f800001, 0x33800000, 0x3f800002, 0x3f800001],
  ['tie, negative', 0xbf800001, 0xb3800000, 0xbf800002, 0xbf800001],
  ['a carry out of the fraction raises the exponent', 0x3fffffff, 0x33800000, 0x40000000, 0x3fffffff],
  ['carry bit shifted out, tie to even', 0x3f800001, 0x3f800002, 0x40000002, 0x40000001],
  ['carry bit shifted out, tie stays', 0x3f800001, 0x3f800000, 0x40000000, 0x40000000],
  ['+0 and -0', 0x00000000, 0x80000000, 0x00000000, 0x00000000],
  ['-0 and -0: +0, where IEEE keeps -0', 0x80000000, 0x80000000, 0x00000000, 0x00000000],
  ['x - x is +0', 0xc0490fdb, 0x40490fdb, 0x00000000, 0x00000000],
  ['-0 beside a number', 0x80000000, 0xc0490fdb, 0xc0490fdb, 0xc0490fdb],
];

const single = (word: number) => Uint32Array.of(word);

describe('IEEE 754 edge cases', () => {
  it.each(CASES)('%s', (_, a, b, rounded, truncated) => {
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      expect(aggregate([single(x), single(y)], nearest).result[0]).toBe(rounded);
      expect(aggregate([single(x), single(y)], truncating).result[0]).toBe(truncated);
    }
  });

  it('the nearest column is what this machine adds up to, but for the sign of zero', () => {
    for (const [, a, b, rounded] of CASES) {
      const f = new Float32Array(Uint32Array.of(a, b).buffer);
      const sum = new Uint32Array(Float32Array.of(f[0]! + f[1]!).buffer)[0]!;
      expect(sum === 0x80000000 ? 0 : sum).toBe(rounded);
    }
  });
});

describe('partial sums', () => {
  it('cannot overflow to Inf: max + max - max is max, where a chain of IEEE additions gives Inf', () => {
    const words = [0x7f7fffff, 0x7f7fffff, 0xff7fffff];
    expect(aggregate(words.map(single), resolveProfile({ workers: 3 })).result[0]).toBe(0x7f7fffff);
    expect(sequentialSum(words.map((w) => new Float32Array(single(w).buffer)))[0]).toBe(Infinity);
  });
});

describe('rounding', () => {
  it('looks at every bit that leaves, and rounds subnormals once', () => {
    // G = 6: 2^23 + 1/2 ulp + 1/64 ulp is above the tie, 2^23 + 1/2 ulp is the tie.
    const round = (exponent: number, mantissa: bigint) => readOut({ exponent, mantissa }, nearest);
    expect(round(127, (1n << 29n) + 32n)).toBe(0x3f800000n);
    expect(round(127, (1n << 29n) + 33n)).toBe(0x3f800001n);
    // 1.0111111 at the bottom: rounding first to a normal number, then to a subnormal one, would go up.
    expect(round(1, (0b1n << 6n) + 31n)).toBe(1n);
    expect(round(1, 32n)).toBe(0n);
    expect(round(1, 33n)).toBe(1n);
    expect(round(1, 96n)).toBe(2n);
  });

  it('the most negative register has magnitude 2^(R-1)', () => {
    expect(readOut({ exponent: 127, mantissa: -(2n ** 31n) }, nearest)).toBe(0xc0800000n);
    expect(readOut({ exponent: 254, mantissa: -(2n ** 31n) }, nearest)).toBe(0xff800000n);
  });

  it('below the normal numbers nothing is rounded: without saturation a round leaves a whole number of smallest subnormals', () => {
    const low = floatName.chain((name) => {
      const format = FORMATS[name];
      return fc.tuple(profileOf(name), finiteRound(format, 12));
    });
    fc.assert(
      fc.property(low, ([profile, values]) => {
        const format = FORMATS[profile.format];
        const { states, events } = accumulateAll(values, profile);
        fc.pre(events.overflows === 0);
        for (const state of states) {
          const down = readOut(state, { ...profile, rounding: 'truncate' });
          const near = readOut(state, { ...profile, rounding: 'nearest-even' });
          const magnitude = down & ((1n << BigInt(format.bits - 1)) - 1n);
          if (format.kind === 'float' && magnitude < 1n << BigInt(format.fractionBits)) expect(near).toBe(down);
          // So a negative sum never ends as -0.
          expect(down).not.toBe(1n << BigInt(format.bits - 1));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('with content that no round leaves, a magnitude that rounds to nothing keeps its sign', () => {
    expect(readOut({ exponent: 1, mantissa: -1n }, nearest)).toBe(0x80000000n);
  });
});
