/**
 * Sums of any number of rows (docs/arithmetic.md, "Sums of many rows"): full mode with two additions, since the
 * headroom of a register is bounded and a column of a table is not. A mantissa that reaches the limit is shifted right
 * by one bit, so a sum never overflows before the format does; and alignment rounds to the nearest, ties to even,
 * instead of down, so that millions of small errors do not all go one way.
 */
import { bitLength, shiftRounded, shiftSigned } from './bits.js';
import { infinity, quietNaN, fieldsOf, withSign } from './element.js';
import { FORMATS, maxExponentField, type FloatFormat } from './formats.js';

export interface RowSumProfile {
  readonly format: FloatFormat;
  readonly guard: number;
  /** A stored mantissa is smaller than 2^limitBits. */
  readonly limitBits: number;
}

/** The same values as in p4/v1model/query/format.p4. */
export const ROW_SUM_PROFILES = {
  fp64: { format: FORMATS.fp64, guard: 7, limitBits: 61 },
  fp32: { format: FORMATS.fp32, guard: 5, limitBits: 30 },
} as const satisfies Record<string, RowSumProfile>;

/** Above every exponent that a sum of finite numbers can reach, in either format. */
export const ROW_SUM_SPECIAL = 16_384;
const SEEN_NAN = 1n;
const SEEN_POSITIVE_INFINITY = 2n;
const SEEN_NEGATIVE_INFINITY = 4n;

/** The two registers of a sum. For Inf and NaN, the mantissa is the set of those seen; their number does not matter. */
export interface RowSumState {
  readonly exponent: number;
  readonly mantissa: bigint;
}

/** @param bits of an element, unsigned. @returns the state of a sum of this element alone */
export function rowSumOf({ format, guard }: RowSumProfile, bits: bigint): RowSumState {
  const { negative, exponent, fraction } = fieldsOf(format, bits);
  if (exponent === maxExponentField(format)) {
    return {
      exponent: ROW_SUM_SPECIAL,
      mantissa: fraction !== 0n ? SEEN_NAN : negative ? SEEN_NEGATIVE_INFINITY : SEEN_POSITIVE_INFINITY,
    };
  }
  const significand = (exponent === 0 ? fraction : fraction | (1n << BigInt(format.fractionBits))) << BigInt(guard);
  return { exponent: Math.max(1, exponent), mantissa: negative ? -significand : significand };
}

function shiftNearest(mantissa: bigint, distance: number): bigint {
  return shiftSigned(mantissa, distance, 'nearest-even');
}

export function addRow(profile: RowSumProfile, sum: RowSumState, bits: bigint): RowSumState {
  const row = rowSumOf(profile, bits);
  if (sum.exponent === ROW_SUM_SPECIAL || row.exponent === ROW_SUM_SPECIAL) {
    if (sum.exponent === row.exponent) return { exponent: ROW_SUM_SPECIAL, mantissa: sum.mantissa | row.mantissa };
    return sum.exponent === ROW_SUM_SPECIAL ? sum : row;
  }
  const exponent = Math.max(sum.exponent, row.exponent);
  const mantissa =
    shiftNearest(sum.mantissa, exponent - sum.exponent) + shiftNearest(row.mantissa, exponent - row.exponent);
  const limit = 1n << BigInt(profile.limitBits);
  return mantissa >= limit || mantissa <= -limit
    ? { exponent: exponent + 1, mantissa: shiftNearest(mantissa, 1) }
    : { exponent, mantissa };
}

/** The element nearest to the sum, ties to even; a sum of zero is +0. @returns unsigned bits */
export function readRowSum({ format, guard }: RowSumProfile, { exponent, mantissa }: RowSumState): bigint {
  if (exponent === ROW_SUM_SPECIAL) {
    if (mantissa === SEEN_POSITIVE_INFINITY) return infinity(format, false);
    return mantissa === SEEN_NEGATIVE_INFINITY ? infinity(format, true) : quietNaN(format);
  }
  if (mantissa === 0n) return 0n;
  const negative = mantissa < 0n;
  const magnitude = negative ? -mantissa : mantissa;
  const leading = bitLength(magnitude) - 1;
  const field = exponent + leading - format.fractionBits - guard;
  const further = field <= 0 ? 1 - field : 0;
  const significand = shiftRounded(magnitude, leading - format.fractionBits + further, 'nearest-even');
  const assembled = (field <= 0 ? 0n : BigInt(field - 1) << BigInt(format.fractionBits)) + significand;
  const inf = infinity(format, false);
  return withSign(format, negative, assembled > inf ? inf : assembled);
}

/**
 * How far a finite sum of `rows` numbers can be from the exact one, in units of the format's smallest subnormal and
 * before the one rounding of the read-out: each row adds an error of at most half a unit in the last place of the
 * register by its alignment and half a unit when the mantissa is shifted, and that unit only ever grows. Rounded up.
 */
export function rowSumBound({ guard }: RowSumProfile, { exponent }: RowSumState, rows: number): bigint {
  const place = exponent - 1 - guard;
  return place >= 0 ? BigInt(rows) << BigInt(place) : (BigInt(rows) >> BigInt(-place)) + 1n;
}
