/** Checks, layer by layer, that the workers received what the switch promises. */
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
} from '../arithmetic/index.js';

interface ErrorSummary {
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

/** Which switch sums what: a worker, by its index among the inputs, or a switch with those below it. */
export type SumTree = number | readonly SumTree[];

/**
 * @param inputs of each worker
 * @param results of each worker
 * @param tree of the switches; default: one switch sums everything
 */
export function verifyLayer(
  inputs: readonly Float32Array[],
  results: readonly Float32Array[],
  profile: NumericProfile,
  tree: readonly SumTree[] = inputs.map((_, index) => index),
): LayerVerdict {
  const result = results[0]!;
  const exact = exactSums(inputs);
  const sequential = sequentialSum(inputs);
  return {
    elements: result.length,
    identical: results.every((other) => sameBits(result, other)),
    outOfBound: profile.mode === 'full' ? countOutOfBound(inputs, result, exact, profile, tree) : 0,
    exact: summary(errorsInUlps(result, exact)),
    sequential: summary(errorsInUlps(result, exactSums([sequential]))),
    sequentialExact: summary(errorsInUlps(sequential, exact)),
  };
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

function bytesOf(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function summary(errors: Float64Array): ErrorSummary {
  return errors.length === 0 ? { worst: 0, median: 0 } : { worst: quantile(errors, 1), median: quantile(errors, 0.5) };
}

/**
 * A switch that adds k values is off by at most (k − 1)·2^−G ulps of the largest, or half of that if alignment is to
 * nearest, plus its own rounding: half an ulp to nearest, one when truncating. In a tree the values that a switch adds may be such sums
 * themselves, and their errors come on top. Everything in units of 2^-(G+1) of the smallest subnormal, so integers.
 */
function countOutOfBound(
  inputs: readonly Float32Array[],
  result: Float32Array,
  exact: readonly ExactSum[],
  profile: NumericProfile,
  tree: readonly SumTree[],
): number {
  const format = FORMATS.fp32;
  const bits = inputs.map(bitsOf);
  const resultBits = bitsOf(result);
  const scale = BigInt(profile.guard + 1);
  const unit = profile.alignment === 'nearest-even' ? 1n : 2n;
  const rounding = (ulp: bigint): bigint => (ulp << scale) / (profile.rounding === 'truncate' ? 1n : 2n);

  const addend = (node: SumTree, i: number): Addend => {
    if (typeof node === 'number') {
      const own = BigInt(bits[node]![i]!);
      return { units: toUnits(format, own)!, error: 0n, ulp: 1n << BigInt(ulpLog2(format, own)) };
    }
    const { units, error } = added(node, i);
    // What the switch sent up is not known, only that it is this close to the exact sum.
    const magnitude = (units < 0n ? -units : units) + (error >> scale) + 1n;
    const ulp = ulpOf(magnitude);
    return { units, error: error + rounding(ulp), ulp };
  };
  const added = (nodes: readonly SumTree[], i: number): { units: bigint; error: bigint } => {
    let units = 0n;
    let error = 0n;
    let ulp = 1n;
    for (const each of nodes.map((node) => addend(node, i))) {
      units += each.units;
      error += each.error;
      if (each.ulp > ulp) ulp = each.ulp;
    }
    return { units, error: error + BigInt(nodes.length - 1) * ulp * unit };
  };

  let count = 0;
  for (let i = 0; i < result.length; i++) {
    const value = toUnits(format, BigInt(resultBits[i]!));
    if (value === undefined || exact[i]!.special !== undefined) continue;
    const bound = added(tree, i).error + rounding(1n << BigInt(ulpLog2(format, BigInt(resultBits[i]!))));
    const difference = (value - exact[i]!.units) << scale;
    if ((difference < 0n ? -difference : difference) > bound) count++;
  }
  return count;
}

interface Addend {
  /** Exact sum of the workers below. */
  readonly units: bigint;
  /** How far the value may be from it, scaled. */
  readonly error: bigint;
  /** At least that of the value. */
  readonly ulp: bigint;
}

/** The ulp of an fp32 number of this many units of the smallest subnormal. */
function ulpOf(units: bigint): bigint {
  return 1n << BigInt(Math.max(0, units.toString(2).length - (FORMATS.fp32.fractionBits + 1)));
}
