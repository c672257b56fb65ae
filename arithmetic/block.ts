/**
 * Sums of blocks with one exponent (docs/arithmetic.md, "Blocks with one exponent"): a first round of MAX agrees the
 * largest exponent of a block among all workers, each worker brings its values to that exponent, and integers are
 * added. No addition can saturate, so the result does not depend on the order of arrival, and a switch that can only
 * add integers and compare them is enough.
 */
import { shiftSigned } from './bits.js';
import { commonArray, elementsOf, type Elements, type NumericVector } from './element-arrays.js';
import { unpack } from './element.js';
import { ProfileError } from './errors.js';
import type { FloatFormatName } from './exact-register.js';
import { FORMATS, specialExponent, type FloatFormat } from './formats.js';
import { largestGuard, largestWorkers, MAX_PROFILE_WORKERS } from './profile.js';
import { readOut, type ReadOutProfile } from './read-out.js';

export interface BlockProfile extends ReadOutProfile {
  readonly format: FloatFormatName;
  /** Elements that share an exponent. */
  readonly blockLength: number;
}

/** What a block's workers agree on before they send it: the maximum of each field over all of them. */
export interface SharedExponent {
  /** X: the largest exponent of a finite element, at least 1. */
  readonly exponent: number;
  /** 1 if an element is Inf or NaN. Then the block is added twice: its finite elements, and its counts of specials. */
  readonly special: 0 | 1;
}

/** What a worker sends of an element. */
export interface BlockAddend {
  /** The element in units of 2^-(F + G) of X, rounded to nearest, ties to even; 0 for Inf and NaN. */
  readonly integer: bigint;
  /** The unit count of Inf and NaN (docs/arithmetic.md, "Inf and NaN"); 0 for a finite element. */
  readonly count: bigint;
}

/**
 * The profile that loses least for a worker count.
 * @throws ProfileError when so many workers do not fit
 */
export function blockProfile(format: FloatFormatName, workers: number, blockLength: number): BlockProfile {
  const guard = workers >= 1 && workers <= MAX_PROFILE_WORKERS ? largestGuard(format, workers) : undefined;
  if (guard === undefined) {
    const most = largestWorkers(format, 0);
    throw new ProfileError(
      'headroom',
      `blocks of ${format} have room for 1 to ${most} workers, not ${workers}: take a format with a wider register`,
      { guard: undefined, workers: most },
    );
  }
  return { format, guard, rounding: 'nearest-even', blockLength };
}

/** @param elements of one worker, unsigned bits */
export function sharedExponent(format: FloatFormat, elements: Iterable<bigint>): SharedExponent {
  let exponent = 1;
  let special: 0 | 1 = 0;
  for (const bits of elements) {
    const operand = unpack(format, bits, 0);
    if (operand.exponent === specialExponent(format)) special = 1;
    else exponent = Math.max(exponent, operand.exponent);
  }
  return { exponent, special };
}

export function maxSharedExponent(a: SharedExponent, b: SharedExponent): SharedExponent {
  return { exponent: Math.max(a.exponent, b.exponent), special: a.special === 1 ? 1 : b.special };
}

/** @param exponent agreed, not below the element's own */
export function blockAddend(format: FloatFormat, bits: bigint, exponent: number, guard: number): BlockAddend {
  const operand = unpack(format, bits, guard);
  if (operand.exponent === specialExponent(format)) return { integer: 0n, count: operand.mantissa };
  return { integer: shiftSigned(operand.mantissa, exponent - operand.exponent, 'nearest-even'), count: 0n };
}

/** The element of a sum of addends. @returns unsigned bits */
export function readBlock(profile: BlockProfile, exponent: number, sum: BlockAddend): bigint {
  const format: FloatFormat = FORMATS[profile.format];
  return sum.count === 0n
    ? readOut({ exponent, mantissa: sum.integer }, profile)
    : readOut({ exponent: specialExponent(format), mantissa: sum.count }, profile);
}

/**
 * Element-wise sums, block by block; the last block may be shorter.
 * @returns a new array of the type of the vectors
 * @throws VectorError for no vectors, lengths that differ, or arrays that do not hold the format.
 */
export function aggregateBlocks<V extends NumericVector>(vectors: readonly V[], profile: BlockProfile): V {
  const kind = commonArray(vectors, profile.format);
  const format: FloatFormat = FORMATS[profile.format];
  const inputs = vectors.map((vector) => elementsOf(vector, format.bits));
  const result = new kind(vectors[0]!.length);
  const output = elementsOf(result, format.bits);
  for (let start = 0; start < result.length; start += profile.blockLength) {
    const end = Math.min(start + profile.blockLength, result.length);
    const { exponent } = inputs
      .map((input) => sharedExponent(format, range(input, start, end)))
      .reduce(maxSharedExponent);
    for (let i = start; i < end; i++) {
      let integer = 0n;
      let count = 0n;
      for (const input of inputs) {
        const addend = blockAddend(format, input.get(i), exponent, profile.guard);
        integer += addend.integer;
        count += addend.count;
      }
      output.set(i, readBlock(profile, exponent, { integer, count }));
    }
  }
  return result;
}

function* range(elements: Elements, start: number, end: number): Generator<bigint> {
  for (let i = start; i < end; i++) yield elements.get(i);
}
