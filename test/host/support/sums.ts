/** What the workers of a simulation contribute, so that each sum shows who is in it and how often. */
import type { OperationResult } from '../../../host/allreduce/operation.js';

/** Ranks with a digit in the same element: with more, sums would not be exact in fp32. */
const DIGITS = 4;

/**
 * What rank r brings as element i of operation n: in the elements of its group of ranks a digit of its own (base 8),
 * and above all digits a number that names operation and element. Sums of up to 16 ranks are exact in fp32.
 */
function contribution(rank: number, number: number, element: number, workers: number): number {
  const groups = Math.ceil(workers / DIGITS);
  const digit = element % groups === Math.floor(rank / DIGITS) ? 8 ** (rank % DIGITS) : 0;
  return digit + 4096 * tag(number, element);
}

function tag(number: number, element: number): number {
  return (number * 37 + element * 11) % 127;
}

export function fillContribution(
  tensors: readonly Float32Array[],
  rank: number,
  number: number,
  workers: number,
): void {
  let element = 0;
  for (const tensor of tensors)
    for (let i = 0; i < tensor.length; i++) tensor[i] = contribution(rank, number, element++, workers);
}

/** An operation that a worker has completed. */
interface Completed {
  readonly rank: number;
  readonly number: number;
  readonly stats: OperationResult;
  /** Members of its epoch; undefined: there was no such epoch. */
  readonly ranks: readonly number[] | undefined;
  /** Of the job. */
  readonly workers: number;
}

/** @returns what is wrong with the worker's result in `tensors`; undefined if nothing */
export function sumProblem(
  { rank, number, stats, ranks, workers }: Completed,
  tensors: readonly Float32Array[],
): string | undefined {
  const where = `operation ${number} at rank ${rank}, epoch ${stats.epoch}`;
  if (stats.operation !== number) return `${where} ended as operation ${stats.operation}`;
  if (ranks === undefined || !ranks.includes(rank) || stats.workers !== ranks.length)
    return `${where} says ${stats.workers} workers, but the epoch's are ${String(ranks)}`;
  let element = 0;
  for (const tensor of tensors) {
    for (const value of tensor) {
      const expected = ranks.reduce((sum, one) => sum + contribution(one, number, element, workers), 0);
      if (value !== expected)
        return `${where}: element ${element} is ${value}, expected ${expected} from ranks ${ranks.join(',')}`;
      element++;
    }
  }
  return undefined;
}
