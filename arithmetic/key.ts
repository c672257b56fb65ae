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
  if (format.kind === 'integer') return bits ^ sign;
  const canonical = bits === sign ? 0n : isNaNBits(format, bits) ? quietNaN(format) : bits;
  return (canonical & sign) !== 0n ? BigInt.asUintN(format.bits, ~canonical) : canonical ^ sign;
}

/** Inverse of {@link orderKey}: the element of a key, with -0 as +0 and every NaN as the quiet NaN. */
export function fromOrderKey(format: Format, key: bigint): bigint {
  const sign = 1n << BigInt(format.bits - 1);
  if (format.kind === 'integer') return key ^ sign;
  return (key & sign) !== 0n ? key ^ sign : BigInt.asUintN(format.bits, ~key);
}
