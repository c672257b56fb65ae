/**
 * Element formats (docs/arithmetic.md, "Formats"). A format is a row of this table: nothing else in
 * the generic model names one.
 */

/** An IEEE 754 binary interchange format, or one of the same structure (bfloat16). */
export interface FloatFormat {
  readonly kind: 'float';
  readonly name: string;
  /** Width of an element in bits: 1 + exponentBits + fractionBits. */
  readonly bits: number;
  readonly exponentBits: number;
  readonly fractionBits: number;
  /** Width R in bits of the two's complement mantissa register. */
  readonly registerBits: number;
}

/** Two's complement integers, added with saturation: SwitchML's scheme, kept as the baseline. */
export interface IntegerFormat {
  readonly kind: 'integer';
  readonly name: string;
  readonly bits: number;
  readonly registerBits: number;
}

export type Format = FloatFormat | IntegerFormat;

function float(name: string, exponentBits: number, fractionBits: number, registerBits: number): FloatFormat {
  return { kind: 'float', name, bits: 1 + exponentBits + fractionBits, exponentBits, fractionBits, registerBits };
}

export const FORMATS = {
  fp32: float('fp32', 8, 23, 32),
  /** fp32 elements in registers of twice the width. */
  'fp32-wide': float('fp32-wide', 8, 23, 64),
  fp16: float('fp16', 5, 10, 32),
  bf16: float('bf16', 8, 7, 32),
  fp64: float('fp64', 11, 52, 64),
  int32: { kind: 'integer', name: 'int32', bits: 32, registerBits: 32 },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;
export const FORMAT_NAMES = Object.keys(FORMATS) as readonly FormatName[];

/**
 * Headroom H: bits of the mantissa register between the sign bit and a significand held without guard.
 * Carries of additions and guard digits share it. An integer has none.
 */
export function headroom(format: Format): number {
  return format.kind === 'float' ? format.registerBits - 1 - (format.fractionBits + 1) : 0;
}

/** Exponent register of Inf and NaN: 2^E, above the exponent field of every finite number. */
export function specialExponent(format: FloatFormat): number {
  return 2 ** format.exponentBits;
}

/** The exponent field of Inf and NaN, all ones: 2^E - 1. */
export function maxExponentField(format: FloatFormat): number {
  return 2 ** format.exponentBits - 1;
}
