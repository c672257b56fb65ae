import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { FORMATS, fromOrderKey, orderKey, orderKeyWithSign, type FloatFormat } from '../../arithmetic/index.js';
import { anyRound, FLOAT_NAMES } from './arbitraries.js';
import { valueOf } from './oracle.js';

const anyBits = (format: FloatFormat) => anyRound(format, 1).map((round) => round[0]!);
const isNaNOf = (format: FloatFormat, bits: bigint) => {
  const magnitude = bits & ((1n << BigInt(format.bits - 1)) - 1n);
  return (
    magnitude >> BigInt(format.fractionBits) === 2n ** BigInt(format.exponentBits) - 1n &&
    magnitude % 2n ** BigInt(format.fractionBits) !== 0n
  );
};

describe.each(FLOAT_NAMES)('order key of %s', (name) => {
  const format = FORMATS[name];

  it('orders as the values do', () => {
    fc.assert(
      fc.property(anyBits(format), anyBits(format), (a, b) => {
        // Inf also has a value here: the one that its bits would have if the exponent range continued.
        const rank = (bits: bigint) => (isNaNOf(format, bits) ? 2n ** 4000n : valueOf(format, bits));
        const order = rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0;
        const keys = orderKey(format, a) < orderKey(format, b) ? -1 : orderKey(format, a) > orderKey(format, b) ? 1 : 0;
        expect(keys).toBe(order);
      }),
      { numRuns: 1000 },
    );
  });

  it('comes back, with one zero and one NaN', () => {
    fc.assert(
      fc.property(anyBits(format), (bits) => {
        const key = orderKey(format, bits);
        expect(key).toBeGreaterThanOrEqual(0n);
        expect(key).toBeLessThan(1n << BigInt(format.bits));
        const back = fromOrderKey(format, key);
        if (isNaNOf(format, bits))
          expect(back).toBe((2n ** BigInt(format.exponentBits + 1) - 1n) << BigInt(format.fractionBits - 1));
        else expect(back).toBe(bits === 1n << BigInt(format.bits - 1) ? 0n : bits);
      }),
    );
  });
});

describe('order keys by value', () => {
  it.each([
    ['-Inf', 0xff800000n, 0x007fffffn],
    ['-1', 0xbf800000n, 0x407fffffn],
    ['smallest negative', 0x80000001n, 0x7ffffffen],
    ['-0', 0x80000000n, 0x80000000n],
    ['+0', 0x00000000n, 0x80000000n],
    ['smallest positive', 0x00000001n, 0x80000001n],
    ['1', 0x3f800000n, 0xbf800000n],
    ['+Inf', 0x7f800000n, 0xff800000n],
    ['NaN', 0x7fc00000n, 0xffc00000n],
    ['negative NaN', 0xff800001n, 0xffc00000n],
  ])('fp32 %s', (_, bits, key) => {
    expect(orderKey(FORMATS.fp32, bits)).toBe(key);
  });

  it('int32 orders signed numbers', () => {
    const keys = [-(2 ** 31), -1, 0, 1, 2 ** 31 - 1].map((x) => orderKey(FORMATS.int32, BigInt(x >>> 0)));
    expect(keys).toEqual([0n, 0x7fffffffn, 0x80000000n, 0x80000001n, 0xffffffffn]);
    expect(fromOrderKey(FORMATS.int32, 0x7fffffffn)).toBe(0xffffffffn);
  });

  it('with the sign of zero differ from the others in -0 alone', () => {
    fc.assert(
      fc.property(anyBits(FORMATS.fp64), (bits) => {
        const key = orderKeyWithSign(FORMATS.fp64, bits);
        if (bits === 1n << 63n) return;
        expect(key).toBe(orderKey(FORMATS.fp64, bits));
      }),
    );
    expect(orderKeyWithSign(FORMATS.fp32, 0x80000000n)).toBe(0x7fffffffn);
    expect(fromOrderKey(FORMATS.fp32, 0x7fffffffn)).toBe(0x80000000n);
    expect(orderKeyWithSign(FORMATS.int32, 0x80000000n)).toBe(0n);
  });
});
