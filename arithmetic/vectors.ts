/** Whole vectors of fp32 against their exact sums, and sequential IEEE addition to compare with. */
import { VectorError } from './errors.js';
import { errorInUlps, exactSum, roundExact, type ExactSum } from './exact.js';
import { FORMATS } from './formats.js';

/** @throws VectorError when there are no vectors, or their lengths differ. */
export function commonLength(vectors: readonly { readonly length: number }[]): number {
  const length = vectors[0]?.length;
  if (length === undefined) throw new VectorError('a sum needs at least one vector');
  const odd = vectors.findIndex((vector) => vector.length !== length);
  if (odd !== -1) throw new VectorError(`vector ${odd} has ${vectors[odd]!.length} elements, vector 0 has ${length}`);
  return length;
}

/** The bits of a vector, without a copy: NaN payloads are preserved. */
export function bitsOf(vector: Float32Array | Uint32Array | Int32Array): Uint32Array {
  return vector instanceof Uint32Array ? vector : new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
}

/** Exact element-wise sums of fp32 vectors of equal length. */
export function exactSums(vectors: readonly (Float32Array | Uint32Array)[]): ExactSum[] {
  const length = commonLength(vectors);
  const bits = vectors.map(bitsOf);
  const sums: ExactSum[] = [];
  const element: bigint[] = new Array<bigint>(bits.length);
  for (let i = 0; i < length; i++) {
    for (let w = 0; w < bits.length; w++) element[w] = BigInt(bits[w]![i]!);
    sums.push(exactSum(FORMATS.fp32, element));
  }
  return sums;
}

/** The correctly rounded fp32 values of exact sums. */
export function roundedSums(sums: readonly ExactSum[]): Float32Array {
  const result = new Uint32Array(sums.length);
  for (let i = 0; i < sums.length; i++) result[i] = Number(roundExact(FORMATS.fp32, sums[i]!));
  return new Float32Array(result.buffer);
}

/** Error of each element of an fp32 result, in ulps of the correctly rounded exact sum. */
export function errorsInUlps(result: Float32Array | Uint32Array, sums: readonly ExactSum[]): Float64Array {
  commonLength([result, sums]);
  const bits = bitsOf(result);
  const errors = new Float64Array(sums.length);
  for (let i = 0; i < sums.length; i++) errors[i] = errorInUlps(FORMATS.fp32, BigInt(bits[i]!), sums[i]!);
  return errors;
}

/** IEEE 754 fp32 addition one vector after the other, each sum rounded to nearest even: what a host would do. */
export function sequentialSum(vectors: readonly Float32Array[]): Float32Array {
  const sum = new Float32Array(commonLength(vectors));
  // -0 is the neutral element: it keeps the sign of a first addend of -0.
  sum.fill(-0);
  for (const vector of vectors) {
    // The store rounds the double to fp32. A double holds far more than twice an fp32 significand, so rounding twice is harmless.
    for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + vector[i]!;
  }
  return sum;
}
