/**
 * The reference for sums: exact sums, their correctly rounded values, and how far a result is from them
 * (docs/arithmetic.md, "Error"). Finite numbers are whole multiples of their format's smallest
 * subnormal, so an exact sum is one bigint.
 */
import { bitLength, shiftRounded } from './bits.js';
import { fieldsOf, infinity, quietNaN, withSign } from './element.js';
import { maxExponentField, type FloatFormat } from './formats.js';

export interface ExactSum {
  /** The sum in units of the smallest subnormal; 0 when `special` is set. */
  readonly units: bigint;
  /** Set when Inf or NaN was among the addends, with the sum that IEEE 754 defines for them. */
  readonly special: 'nan' | '+inf' | '-inf' | undefined;
}

/** A finite number in units of its format's smallest subnormal; undefined for Inf and NaN. */
export function toUnits(format: FloatFormat, bits: bigint): bigint | undefined {
  const { negative, exponent, fraction } = fieldsOf(format, bits);
  if (exponent === maxExponentField(format)) return undefined;
  const units = exponent === 0 ? fraction : (fraction | (1n << BigInt(format.fractionBits))) << BigInt(exponent - 1);
  return negative ? -units : units;
}

export function exactSum(format: FloatFormat, values: Iterable<bigint>): ExactSum {
  let units = 0n;
  let nan = false;
  let positive = false;
  let negative = false;
  for (const bits of values) {
    const value = toUnits(format, bits);
    if (value !== undefined) units += value;
    else if (bits === infinity(format, false)) positive = true;
    else if (bits === infinity(format, true)) negative = true;
    else nan = true;
  }
  if (nan || (positive && negative)) return { units: 0n, special: 'nan' };
  if (positive || negative) return { units: 0n, special: positive ? '+inf' : '-inf' };
  return { units, special: undefined };
}

/** The exact sum rounded once, to nearest, ties to even: the best that the format can hold. Zero is +0. */
export function roundExact(format: FloatFormat, sum: ExactSum): bigint {
  if (sum.special === 'nan') return quietNaN(format);
  if (sum.special !== undefined) return infinity(format, sum.special === '-inf');
  const negative = sum.units < 0n;
  const magnitude = negative ? -sum.units : sum.units;
  const shift = Math.max(0, bitLength(magnitude) - (format.fractionBits + 1));
  const significand = shiftRounded(magnitude, shift, 'nearest-even');
  const assembled = (BigInt(shift) << BigInt(format.fractionBits)) + significand;
  const inf = infinity(format, false);
  return withSign(format, negative, assembled > inf ? inf : assembled);
}

/**
 * log2 of the ulp of a number, in units of the smallest subnormal: the spacing of the format's numbers
 * from it to the next one away from zero. Inf has the ulp of the largest finite number.
 */
export function ulpLog2(format: FloatFormat, bits: bigint): number {
  const { exponent } = fieldsOf(format, bits);
  return Math.max(0, Math.min(exponent, maxExponentField(format) - 1) - 1);
}

/**
 * |result - exact| in ulps of the correctly rounded exact sum. When Inf or NaN is on either side it is
 * 0 if the result is what correct rounding gives, any NaN being as good as another, else Infinity.
 */
export function errorInUlps(format: FloatFormat, result: bigint, sum: ExactSum): number {
  const best = roundExact(format, sum);
  const bestUnits = toUnits(format, best);
  const units = toUnits(format, result);
  if (bestUnits === undefined || units === undefined) {
    if (sum.special === 'nan')
      return units === undefined && result !== infinity(format, false) && result !== infinity(format, true)
        ? 0
        : Infinity;
    return result === best ? 0 : Infinity;
  }
  const difference = units > sum.units ? units - sum.units : sum.units - units;
  return scaled(difference, -ulpLog2(format, best));
}

/** `value` times 2^exponent as a double; 64 leading bits of the value are kept. */
function scaled(value: bigint, exponent: number): number {
  const dropped = Math.max(0, bitLength(value) - 64);
  return Number(value >> BigInt(dropped)) * 2 ** (exponent + dropped);
}

/**
 * The smallest element that is not below a share `q` of all elements (nearest rank): `q` 0.5 is the
 * median, 0.99 the 99th percentile.
 */
export function quantile(values: Float64Array, q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}
