/** From a register pair to an element: renormalise, round once, assemble (docs/arithmetic.md, "Read-out"). */
import { bitLength, shiftRounded } from './bits.js';
import { NEGATIVE_INFINITY_UNIT, POSITIVE_INFINITY_UNIT, infinity, quietNaN, withSign } from './element.js';
import type { RegisterState } from './accumulate.js';
import { FORMATS, specialExponent, type FloatFormat, type Format } from './formats.js';
import type { NumericProfile } from './profile.js';

/** What a read-out needs to know of a profile. */
export type ReadOutProfile = Pick<NumericProfile, 'format' | 'guard' | 'rounding'>;

const COUNT_MASK = (1n << 10n) - 1n;

/** @returns the element's bits, an unsigned number of the format's width. */
export function readOut(state: RegisterState, profile: ReadOutProfile): bigint {
  const format: Format = FORMATS[profile.format];
  if (format.kind === 'integer') return BigInt.asUintN(format.bits, state.mantissa);
  // A sum of zero has no sign: -0 + -0 also gives +0.
  if (state.mantissa === 0n) return 0n;
  if (state.exponent === specialExponent(format)) return readSpecial(format, state.mantissa);

  const negative = state.mantissa < 0n;
  const magnitude = negative ? -state.mantissa : state.mantissa;
  const leading = bitLength(magnitude) - 1;
  const exponent = state.exponent + leading - format.fractionBits - profile.guard;
  // A subnormal stands at exponent 1 without a leading one: both shifts are done as one, so that rounding happens once.
  const further = exponent <= 0 ? 1 - exponent : 0;
  const significand = shiftRounded(magnitude, leading - format.fractionBits + further, profile.rounding);
  // Adding (not or-ing) lets a carry out of the fraction raise the exponent, from subnormal to normal too.
  const base = exponent <= 0 ? 0n : BigInt(exponent - 1) << BigInt(format.fractionBits);
  const assembled = base + significand;
  const inf = infinity(format, false);
  return withSign(format, negative, assembled >= inf ? inf : assembled);
}

function readSpecial(format: FloatFormat, counts: bigint): bigint {
  const nan = (counts & COUNT_MASK) !== 0n;
  const positive = ((counts / POSITIVE_INFINITY_UNIT) & COUNT_MASK) !== 0n;
  const negative = counts / NEGATIVE_INFINITY_UNIT !== 0n;
  if (nan || (positive && negative)) return quietNaN(format);
  return infinity(format, negative);
}
