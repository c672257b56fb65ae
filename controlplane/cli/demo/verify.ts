/** Whether what the workers got is what the switch promises, layer by layer. */
import {
  bitsOf,
  errorsInUlps,
  exactSums,
  FORMATS,
  quantile,
  sequentialSum,
  toUnits,
  ulpLog2,
  type ExactSum,
  type NumericProfile,
} from '../../../arithmetic/index.js';

export interface ErrorSummary {
  readonly worst: number;
  readonly median: number;
}

export interface LayerVerdict {
  readonly elements: number;
  /** All workers hold the same bits. */
  readonly identical: boolean;
  /** Elements outside the bound that docs/arithmetic.md proves; 0 in approximate mode, which has none. */
  readonly outOfBound: number;
  /** |result − exact sum|, in ulps of the correctly rounded exact sum. */
  readonly exact: ErrorSummary;
  /** |result − sequential fp32 sum|, in ulps of the latter. */
  readonly sequential: ErrorSummary;
  /** |sequential fp32 sum − exact sum|, for comparison. */
  readonly sequentialExact: ErrorSummary;
}

/**
 * @param inputs of each worker
 * @param results of each worker
 */
export function verifyLayer(inputs: readonly Float32Array[], results: readonly Float32Array[], profile: NumericProfile): LayerVerdict {
  const result = results[0]!;
  const exact = exactSums(inputs);
  const sequential = sequentialSum(inputs);
  return {
    elements: result.length,
    identical: results.every((other) => sameBits(result, other)),
    outOfBound: profile.mode === 'full' ? countOutOfBound(inputs, result, exact, profile) : 0,
    exact: summary(errorsInUlps(result, exact)),
    sequential: summary(errorsInUlps(result, exactSums([sequential]))),
    sequentialExact: summary(errorsInUlps(sequential, exact)),
  };
}

export function sameBits(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

function bytesOf(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function summary(errors: Float64Array): ErrorSummary {
  return errors.length === 0 ? { worst: 0, median: 0 } : { worst: quantile(errors, 1), median: quantile(errors, 0.5) };
}

/**
 * |result − S| ≤ (W − 1)·2^−G ulps of the largest addend, plus the result's own rounding: half an ulp to
 * nearest, one when truncating. Everything in units of 2^-(G+1) of the smallest subnormal, so whole.
 */
function countOutOfBound(inputs: readonly Float32Array[], result: Float32Array, exact: readonly ExactSum[], profile: NumericProfile): number {
  const format = FORMATS.fp32;
  const bits = inputs.map(bitsOf);
  const resultBits = bitsOf(result);
  const guard = BigInt(profile.guard);
  let count = 0;
  for (let i = 0; i < result.length; i++) {
    const value = toUnits(format, BigInt(resultBits[i]!));
    if (value === undefined || exact[i]!.special !== undefined) continue;
    const largest = Math.max(...bits.map((vector) => ulpLog2(format, BigInt(vector[i]!))));
    const own = (1n << BigInt(ulpLog2(format, BigInt(resultBits[i]!)) + 1)) << guard;
    const bound = BigInt(inputs.length - 1) * (1n << BigInt(largest + 1)) + (profile.rounding === 'truncate' ? own : own / 2n);
    const difference = (value - exact[i]!.units) << (guard + 1n);
    if ((difference < 0n ? -difference : difference) > bound) count++;
  }
  return count;
}
