/** Indices of counters, meters and registers: one, or all if the client names none. */
import type { Index } from '../../p4runtime/index.js';
import { invalid, outOfRange } from './rpc-error.js';

interface Sized {
  readonly name: string;
}

/** @throws RpcError INVALID_ARGUMENT if negative, OUT_OF_RANGE if past the end */
export function* elementIndices(array: Sized, size: number, index: Index | undefined): Generator<number> {
  if (!index) {
    for (let i = 0; i < size; i++) yield i;
    return;
  }
  if (index.index < 0n) throw invalid(`The index of ${array.name} must not be negative.`);
  if (index.index >= BigInt(size)) {
    throw outOfRange(`Index ${index.index} is past the end of ${array.name}, which has ${size} elements.`);
  }
  yield Number(index.index);
}
