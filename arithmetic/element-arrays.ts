/** Typed arrays as vectors of elements of a format. */
import { VectorError } from './errors.js';
import { FORMATS, type FormatName } from './formats.js';
import { commonLength } from './vectors.js';

export type NumericVector = Float32Array | Float64Array | Int32Array | Uint16Array | Uint32Array | BigUint64Array;

type Constructor = new (length: number) => NumericVector;

/** Which arrays hold elements of a format: numbers where JavaScript has such an array, bits otherwise. */
const ARRAYS: Record<FormatName, readonly Constructor[]> = {
  fp32: [Float32Array, Uint32Array],
  'fp32-wide': [Float32Array, Uint32Array],
  fp16: [Uint16Array],
  bf16: [Uint16Array],
  fp64: [Float64Array, BigUint64Array],
  int32: [Int32Array, Uint32Array],
};

/**
 * The type of all vectors.
 * @throws VectorError for no vectors, lengths that differ, or arrays that do not hold the format.
 */
export function commonArray<V extends NumericVector>(
  vectors: readonly V[],
  format: FormatName,
): new (length: number) => V {
  commonLength(vectors);
  const kinds = ARRAYS[format];
  const kind = kinds.find((constructor) => vectors[0] instanceof constructor);
  if (kind === undefined || !vectors.every((vector) => vector instanceof kind)) {
    throw new VectorError(
      `vectors of format ${format} must all be of one type: ${kinds.map((k) => k.name).join(' or ')}`,
    );
  }
  return kind as new (length: number) => V;
}

export interface Elements {
  get(index: number): bigint;
  set(index: number, bits: bigint): void;
}

/** The elements' bits over the array's own memory, so that no NaN payload passes through a number. */
export function elementsOf(vector: NumericVector, width: number): Elements {
  const { buffer, byteOffset, length } = vector;
  if (width === 64) {
    const words = new BigUint64Array(buffer, byteOffset, length);
    return { get: (i) => words[i]!, set: (i, bits) => void (words[i] = bits) };
  }
  const words =
    width === 16 ? new Uint16Array(buffer, byteOffset, length) : new Uint32Array(buffer, byteOffset, length);
  return { get: (i) => BigInt(words[i]!), set: (i, bits) => void (words[i] = Number(bits)) };
}

/**
 * Element by element, what `sum` makes of the elements of all vectors.
 * @param sum gets the elements in the order of the vectors, in an array that it must not keep
 * @returns a new array of the type of the vectors
 * @throws VectorError for no vectors, lengths that differ, or arrays that do not hold the format.
 */
export function mapElements<V extends NumericVector>(
  vectors: readonly V[],
  format: FormatName,
  sum: (round: readonly bigint[]) => bigint,
): V {
  const kind = commonArray(vectors, format);
  const { bits } = FORMATS[format];
  const inputs = vectors.map((vector) => elementsOf(vector, bits));
  const result = new kind(vectors[0]!.length);
  const output = elementsOf(result, bits);
  const round = new Array<bigint>(inputs.length);
  for (let i = 0; i < result.length; i++) {
    for (let w = 0; w < inputs.length; w++) round[w] = inputs[w]!.get(i);
    output.set(i, sum(round));
  }
  return result;
}
