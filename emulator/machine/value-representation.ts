import type { FieldDef } from '../json/data.js';

/** All values that something can have, both ends included. */
export interface Range {
  readonly min: bigint;
  readonly max: bigint;
}

/**
 * How a value is held: in an i32 or i64, or in 64-bit limbs in memory. Whatever its width, a value whose range
 * begins at 0 or above is read as unsigned, any other as two's complement.
 */
export type Kind = 'i32' | 'i64' | 'wide';

/** How a value of at most 64 bits is held. */
export type ScalarKind = Exclude<Kind, 'wide'>;

export const BIT: Range = { min: 0n, max: 1n };

export function unsignedRange(width: number): Range {
  return { min: 0n, max: (1n << BigInt(width)) - 1n };
}

export function signedRange(width: number): Range {
  if (width === 0) return { min: 0n, max: 0n };
  const half = 1n << BigInt(width - 1);
  return { min: -half, max: half - 1n };
}

export function contains(outer: Range, inner: Range): boolean {
  return outer.min <= inner.min && inner.max <= outer.max;
}

export function union(a: Range, b: Range): Range {
  return { min: a.min < b.min ? a.min : b.min, max: a.max > b.max ? a.max : b.max };
}

const U32 = unsignedRange(32);
const S32 = signedRange(32);
const U64 = unsignedRange(64);
const S64 = signedRange(64);

export function kindOf(range: Range): Kind {
  if (contains(U32, range) || contains(S32, range)) return 'i32';
  return contains(U64, range) || contains(S64, range) ? 'i64' : 'wide';
}

/** 64-bit limbs that hold every value of the range. */
export function limbsOf({ min, max }: Range): number {
  if (min >= 0n) return Math.max(1, Math.ceil(bitLength(max) / 64));
  return Math.ceil((Math.max(bitLength(max), bitLength(-min - 1n)) + 1) / 64);
}

export function bitLength(value: bigint): number {
  return value <= 0n ? 0 : value.toString(2).length;
}

/** What a field can hold: BMv2 leaves a value in a signed field as it is if it fits the width as an unsigned number. */
export function fieldRange({ width, signed, saturating }: FieldDef): Range {
  if (!signed) return unsignedRange(width);
  const { min, max } = signedRange(width);
  return { min, max: saturating ? max : unsignedRange(width).max };
}

export function intersection(a: Range, b: Range): Range | undefined {
  const range = { min: a.min > b.min ? a.min : b.min, max: a.max < b.max ? a.max : b.max };
  return range.min > range.max ? undefined : range;
}

export function clampRange(range: Range, to: Range): Range {
  const clamp = (v: bigint): bigint => (v < to.min ? to.min : v > to.max ? to.max : v);
  return { min: clamp(range.min), max: clamp(range.max) };
}
