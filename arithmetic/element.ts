/**
 * One element between its bits and what the registers work with (docs/arithmetic.md, "Accumulate").
 * Bits are an unsigned bigint of the format's width.
 */
import { maxExponentField, specialExponent, type FloatFormat, type Format } from './formats.js';

/** What one contribution brings to a register pair, before alignment. */
export interface Operand {
  /** Exponent field, at least 1; 2^E for Inf and NaN; 0 for an integer format. */
  readonly exponent: number;
  /** Signed significand with the guard digits appended, or a unit count for Inf and NaN. */
  readonly mantissa: bigint;
}

/** Unit counts: how NaN, +Inf and -Inf are told apart in a sum of at most 1,023 of them. */
const NAN_UNIT = 1n;
export const POSITIVE_INFINITY_UNIT = 1n << 10n;
export const NEGATIVE_INFINITY_UNIT = 1n << 20n;

export interface Fields {
  readonly negative: boolean;
  readonly exponent: number;
  readonly fraction: bigint;
}

export function fieldsOf(format: FloatFormat, bits: bigint): Fields {
  const fractionBits = BigInt(format.fractionBits);
  return {
    negative: bits >> BigInt(format.bits - 1) === 1n,
    exponent: Number((bits >> fractionBits) & BigInt(maxExponentField(format))),
    fraction: bits & ((1n << fractionBits) - 1n),
  };
}

/** Puts fields together. `magnitude` is the exponent and fraction fields as one number, so that a carry may run through. */
export function withSign(format: FloatFormat, negative: boolean, magnitude: bigint): bigint {
  return negative ? magnitude | (1n << BigInt(format.bits - 1)) : magnitude;
}

export function infinity(format: FloatFormat, negative: boolean): bigint {
  return withSign(format, negative, BigInt(maxExponentField(format)) << BigInt(format.fractionBits));
}

/** The only NaN that a read-out produces: sign 0, exponent all ones, fraction 1 followed by zeros. */
export function quietNaN(format: FloatFormat): bigint {
  return infinity(format, false) | (1n << BigInt(format.fractionBits - 1));
}

export function isNaNBits(format: FloatFormat, bits: bigint): boolean {
  const { exponent, fraction } = fieldsOf(format, bits);
  return exponent === maxExponentField(format) && fraction !== 0n;
}

/** Unpacks `bits` (an unsigned number of `format.bits` bits) for addition with `guard` guard digits. */
export function unpack(format: Format, bits: bigint, guard: number): Operand {
  if (format.kind === 'integer') return { exponent: 0, mantissa: BigInt.asIntN(format.bits, bits) };
  const { negative, exponent, fraction } = fieldsOf(format, bits);
  if (exponent === maxExponentField(format)) {
    const unit = fraction !== 0n ? NAN_UNIT : negative ? NEGATIVE_INFINITY_UNIT : POSITIVE_INFINITY_UNIT;
    return { exponent: specialExponent(format), mantissa: unit };
  }
  const significand = exponent === 0 ? fraction : fraction | (1n << BigInt(format.fractionBits));
  const magnitude = significand << BigInt(guard);
  return { exponent: Math.max(exponent, 1), mantissa: negative ? -magnitude : magnitude };
}
