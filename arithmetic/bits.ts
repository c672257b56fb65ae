/** Bit operations on bigints. */

/** Bits needed to write a non-negative number: 0 for 0, else the index of the leading one plus 1. */
export function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const hex = value.toString(16);
  return hex.length * 4 - (Math.clz32(Number.parseInt(hex[0]!, 16)) - 28);
}

/**
 * `value` divided by 2^shift, a non-negative number, rounded once; a negative shift multiplies.
 * Nearest-even takes every bit that is shifted out into account.
 */
export function shiftRounded(value: bigint, shift: number, rounding: 'truncate' | 'nearest-even'): bigint {
  if (shift <= 0) return value << BigInt(-shift);
  const quotient = value >> BigInt(shift);
  if (rounding === 'truncate') return quotient;
  const left = value - (quotient << BigInt(shift));
  const half = 1n << BigInt(shift - 1);
  const up = left > half || (left === half && (quotient & 1n) === 1n);
  return up ? quotient + 1n : quotient;
}

/**
 * `value` divided by 2^distance, a signed number, rounded once: towards minus infinity, or to nearest with ties to
 * even. `distance` is not negative.
 */
export function shiftSigned(value: bigint, distance: number, rounding: 'floor' | 'nearest-even'): bigint {
  // BigInt's >> is arithmetic and takes any distance, so a long shift gives 0 or -1 without a special case.
  const shift = BigInt(distance);
  if (rounding === 'floor' || distance === 0) return value >> shift;
  // Half minus one, plus the quotient's last bit: a tie is rounded up only from an odd quotient.
  return (value + (1n << (shift - 1n)) - 1n + ((value >> shift) & 1n)) >> shift;
}
