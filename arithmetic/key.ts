/**
 * Order-preserving keys: unsigned integers that sort as the elements do, for comparisons in a switch
 * (docs/arithmetic.md, "Compare"). The order is total: -Inf < finite < +Inf < NaN, -0 equals +0, and all NaNs are
 * equal (the order of PostgreSQL and DuckDB).
 */
import { isNaNBits, quietNaN } from './element.js';
import type { Format } from './formats.js';

/** @param bits unsigned, `format.bits` wide. @returns an unsigned key of the same width. */
export function orderKey(format: Format, bits: bigint): bigint {
  const sign = 1n << BigInt(format.bits - 1);
  return orderKeyWithSign(format, format.kind !== 'integer' && bits === sign ? 0n : bits);
}

/** As {@link orderKey}, but -0 is below +0: the least and the greatest of zeros keep their sign. */
export function orderKeyWithSign(format: Format, bits: bigint): bigint {
  const sign = 1n << BigInt(format.bits - 1);
  if (format.kind === 'integer') return bits ^ sign;
  const canonical = isNaNBits(format, bits) ? quietNaN(format) : bits;
  return (canonical & sign) !== 0n ? BigInt.asUintN(format.bits, ~canonical) : canonical ^ sign;
}

/** Inverse of both: the element of a key, with every NaN as the quiet NaN. */
export function fromOrderKey(format: Format, key: bigint): bigint {
  const sign = 1n << BigInt(format.bits - 1);
  if (format.kind === 'integer') return key ^ sign;
  return (key & sign) !== 0n ? key ^ sign : BigInt.asUintN(format.bits, ~key);
}
