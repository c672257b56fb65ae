/** Inputs whose sums are known, and what is expected of results. */
import { expect } from 'vitest';
import type { AllreduceOptions, AllreduceStats, Tensor, Worker } from '../../../host/index.js';
import { Random } from '../../../net/random.js';

/**
 * Full significands, either sign, zeros among them, and binary exponents from 0 to `span`. With a span up to
 * the profile's guard the sum does not depend on the order of arrival: it is the exact one, correctly rounded
 * (docs/arithmetic.md, "Exact cases").
 */
export function floats(seed: number, length: number, span: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => {
    const sign = random.fraction() < 0.5 ? -1 : 1;
    const exponent = Math.floor(random.fraction() * (span + 1));
    return random.fraction() < 0.02 ? 0 : sign * (1 + random.fraction()) * 2 ** exponent;
  });
}

export function integers(seed: number, length: number, magnitude: number): Int32Array {
  const random = new Random(seed);
  return Int32Array.from({ length }, () => Math.round((2 * random.fraction() - 1) * magnitude));
}

/** Element i of rank r is 2^r times a number that depends on i, so a sum shows whose contributions it contains. */
export function marked(rank: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => 2 ** rank * (1 + (i % 13)));
}

/** What {@link marked} tensors of `ranks` sum up to. */
export function markedSum(ranks: readonly number[], length: number): Float32Array {
  const factor = ranks.reduce((sum, rank) => sum + 2 ** rank, 0);
  return Float32Array.from({ length }, (_, i) => factor * (1 + (i % 13)));
}

/**
 * Sums as doubles. Exact for fp32 addends whose exponents lie within 26 of each other, and up to 8 of them.
 */
function exactSum(inputs: readonly Float32Array[]): Float64Array {
  return Float64Array.from(inputs[0]!, (_, i) => inputs.reduce((sum, input) => sum + input[i]!, 0));
}

/** The exact sums, each rounded once. */
export function roundedSum(inputs: readonly Float32Array[]): Float32Array {
  // Adding +0 turns the -0 of a sum of negative zeros into the switch's +0.
  return Float32Array.from(exactSum(inputs), (sum) => sum + 0);
}

/** The distance from |x| to the next fp32 above it, for a normal number. */
function ulp(x: number): number {
  return 2 ** (Math.floor(Math.log2(Math.abs(x))) - 23);
}

/** |result − S| ≤ (W − 1)·2^−(G+1)·u + ½ ulp(result): docs/arithmetic.md, "Error", for the profile fpisa. */
export function expectWithinBound(result: Float32Array, inputs: readonly Float32Array[], guard: number): void {
  const exact = exactSum(inputs);
  const outside = [...result.keys()].filter((i) => {
    const largest = Math.max(...inputs.map((input) => Math.abs(input[i]!)));
    const alignment = largest === 0 ? 0 : ((inputs.length - 1) * ulp(largest)) / 2 ** (guard + 1);
    const rounding = result[i] === 0 ? 0 : ulp(result[i]!) / 2;
    return Math.abs(result[i]! - exact[i]!) > alignment + rounding;
  });
  expect(outside).toEqual([]);
}

function bits(tensor: Tensor): Uint32Array {
  return new Uint32Array(tensor.buffer, tensor.byteOffset, tensor.length);
}

/** Equal bit for bit: distinguishes +0 from −0 and one NaN from another. */
export function expectSameBits(actual: Tensor, expected: Tensor): void {
  expect(actual.length).toBe(expected.length);
  const [got, want] = [bits(actual), bits(expected)];
  const wrong = got.findIndex((word, i) => word !== want[i]);
  if (wrong !== -1) expect.fail(`element ${wrong} of ${actual.length} is ${actual[wrong]}, not ${expected[wrong]}`);
}

/** One operation: every worker with its own copy of its input. */
export async function allreduce<T extends Tensor>(
  workers: readonly Worker[],
  inputs: readonly T[],
  options: AllreduceOptions = {},
): Promise<{ results: T[]; stats: AllreduceStats[] }> {
  const results = inputs.map((input) => input.slice() as T);
  const stats = await Promise.all(workers.map((worker, i) => worker.allreduce(results[i]!, options)));
  return { results, stats };
}

/** Of a promise that is expected to be rejected. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code: string }> {
  return await promise.then(
    () => {
      throw new Error('this was expected to fail');
    },
    (error: Error & { code: string }) => error,
  );
}
