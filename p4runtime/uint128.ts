/** Election ids: 128-bit numbers that are sent as two 64-bit halves. */
import type { Uint128 } from './messages.js';

const MASK_64 = (1n << 64n) - 1n;

/** @throws RangeError if the value does not fit 128 unsigned bits */
export function toUint128(value: bigint): Uint128 {
  if (value < 0n || value >> 128n !== 0n) throw new RangeError(`${value} does not fit 128 bits.`);
  return { high: value >> 64n, low: value & MASK_64 };
}

export function fromUint128(value: Uint128): bigint {
  return (value.high << 64n) | value.low;
}
