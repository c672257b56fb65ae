/**
 * Sums that do not depend on the order of arrival and are rounded once (docs/arithmetic.md, "Exact sums"): a fixed-point
 * register over the format's whole range, with room for the carries of all contributions, and beside it the set of
 * the specials seen. Both only ever add, so no order, and no grouping of contributions, can make a difference.
 */
import { mapElements, type NumericVector } from './element-arrays.js';
import { infinity } from './element.js';
import { roundExact, toUnits } from './exact.js';
import { FORMATS, type FloatFormat, type FormatName } from './formats.js';
import { growthBits } from './profile.js';

export interface ExactRegister {
  /** The set of specials seen: a sum of {@link SEEN_NAN}, {@link SEEN_POSITIVE_INFINITY}, {@link SEEN_NEGATIVE_INFINITY}. */
  readonly seen: number;
  /** The finite contributions' sum, in units of the smallest subnormal. */
  readonly units: bigint;
}

export const SEEN_NAN = 1;
export const SEEN_POSITIVE_INFINITY = 2;
export const SEEN_NEGATIVE_INFINITY = 4;

export const EMPTY_EXACT: ExactRegister = { seen: 0, units: 0n };

export type FloatFormatName = { [N in FormatName]: (typeof FORMATS)[N] extends FloatFormat ? N : never }[FormatName];

/**
 * Width in bits of a two's complement register that no sum of `workers` finite elements leaves: a finite element is
 * less than 2^(2^E + F - 2) units.
 */
export function exactRegisterBits({ exponentBits, fractionBits }: FloatFormat, workers: number): number {
  return 2 ** exponentBits + fractionBits - 2 + growthBits(workers) + 1;
}

/** @param bits of an element, unsigned */
export function exactRegisterOf(format: FloatFormat, bits: bigint): ExactRegister {
  const units = toUnits(format, bits);
  if (units !== undefined) return { seen: 0, units };
  if (bits === infinity(format, false)) return { seen: SEEN_POSITIVE_INFINITY, units: 0n };
  return { seen: bits === infinity(format, true) ? SEEN_NEGATIVE_INFINITY : SEEN_NAN, units: 0n };
}

/** Associative and commutative: registers of parts of a sum may be added in any order and grouping. */
export function addExact(a: ExactRegister, b: ExactRegister): ExactRegister {
  return { seen: a.seen | b.seen, units: a.units + b.units };
}

/** The element nearest to the sum, ties to even; a sum of zero is +0. @returns unsigned bits */
export function readExact(format: FloatFormat, { seen, units }: ExactRegister): bigint {
  if (seen === 0) return roundExact(format, { units, special: undefined });
  const special =
    seen === SEEN_POSITIVE_INFINITY ? '+inf' : seen === SEEN_NEGATIVE_INFINITY ? '-inf' : ('nan' as const);
  return roundExact(format, { units: 0n, special });
}

/**
 * Element-wise exact sums, each rounded once.
 * @returns a new array of the type of the vectors
 * @throws VectorError for no vectors, lengths that differ, or arrays that do not hold the format.
 */
export function aggregateExact<V extends NumericVector>(vectors: readonly V[], format: FloatFormatName): V {
  const row: FloatFormat = FORMATS[format];
  return mapElements(vectors, format, (round) => {
    let register = EMPTY_EXACT;
    for (const bits of round) register = addExact(register, exactRegisterOf(row, bits));
    return readExact(row, register);
  });
}
