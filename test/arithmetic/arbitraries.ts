/** Generators for elements, rounds and profiles. */
import fc from 'fast-check';
import { FORMATS, headroom, resolveProfile, type FloatFormat, type NumericProfile } from '../../arithmetic/index.js';

export const FLOAT_NAMES = ['fp32', 'fp32-wide', 'fp16', 'bf16', 'fp64'] as const;
export type FloatName = (typeof FLOAT_NAMES)[number];

function assemble(format: FloatFormat, negative: boolean, exponent: number, fraction: bigint): bigint {
  const magnitude = (BigInt(exponent) << BigInt(format.fractionBits)) | fraction;
  return negative ? magnitude | (1n << BigInt(format.bits - 1)) : magnitude;
}

/** Fractions with the patterns that matter for rounding and carries, and arbitrary ones. */
function fraction(format: FloatFormat): fc.Arbitrary<bigint> {
  const all = (1n << BigInt(format.fractionBits)) - 1n;
  return fc.oneof(
    { weight: 4, arbitrary: fc.bigInt(0n, all) },
    { weight: 1, arbitrary: fc.constantFrom(0n, 1n, all, all - 1n, (all >> 1n) + 1n, all >> 1n) },
  );
}

/** A finite element whose exponent field lies in a window, so that alignment distances are of every kind. */
export function finiteBits(format: FloatFormat, low = 0, high = 2 ** format.exponentBits - 2): fc.Arbitrary<bigint> {
  return fc
    .tuple(fc.boolean(), fc.integer({ min: low, max: high }), fraction(format))
    .map(([negative, exponent, f]) => assemble(format, negative, exponent, f));
}

export function specialBits(format: FloatFormat): fc.Arbitrary<bigint> {
  return fc
    .tuple(fc.boolean(), fc.oneof(fc.constant(0n), fraction(format)))
    .map(([negative, f]) => assemble(format, negative, 2 ** format.exponentBits - 1, f));
}

/** A round of finite elements: near each other, or spread over the whole range, or at its ends. */
export function finiteRound(format: FloatFormat, maxLength: number): fc.Arbitrary<bigint[]> {
  const top = 2 ** format.exponentBits - 2;
  const window = fc.oneof(
    fc.tuple(fc.integer({ min: 0, max: top }), fc.integer({ min: 0, max: 12 })),
    fc.tuple(fc.integer({ min: 0, max: top }), fc.integer({ min: 0, max: format.fractionBits * 2 + 12 })),
    fc.constant([0, 3]),
    fc.constant([top - 3, 3]),
    fc.constant([0, top]),
  );
  return window.chain(([low, width]) =>
    fc.array(finiteBits(format, low, Math.min(top, low! + width!)), { minLength: 1, maxLength }),
  );
}

/** A round in which some elements are Inf, NaN or a zero. */
export function anyRound(format: FloatFormat, maxLength: number): fc.Arbitrary<bigint[]> {
  const zero = fc.constantFrom(0n, 1n << BigInt(format.bits - 1));
  const element = fc.oneof(
    { weight: 6, arbitrary: finiteBits(format) },
    { weight: 2, arbitrary: specialBits(format) },
    { weight: 1, arbitrary: zero },
  );
  return fc.oneof(finiteRound(format, maxLength), fc.array(element, { minLength: 1, maxLength }));
}

/** Any valid float profile of a format, whatever the worker count: overflows are possible. */
export function profileOf(name: FloatName): fc.Arbitrary<NumericProfile> {
  const room = headroom(FORMATS[name]);
  return fc
    .record({
      mode: fc.constantFrom('full', 'approximate'),
      alignment: fc.constantFrom('floor', 'nearest-even'),
      rounding: fc.constantFrom('truncate', 'nearest-even'),
      guard: fc.integer({ min: 0, max: room }),
      leftShift: fc.integer({ min: 0, max: room }),
    })
    .map(({ mode, alignment, rounding, guard, leftShift }) =>
      resolveProfile({
        workers: 1,
        overrides: {
          format: name,
          mode,
          alignment,
          rounding,
          guard,
          leftShiftLimit: mode === 'full' ? 0 : Math.min(leftShift, room - guard),
        },
      }),
    );
}

export const floatName: fc.Arbitrary<FloatName> = fc.constantFrom(...FLOAT_NAMES);
