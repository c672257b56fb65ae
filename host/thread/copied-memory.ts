/** Tensors in memory that only their own thread reads travel as copies in shared memory. */
import type { Tensor } from '../allreduce/index.js';

/** Copied between two turns of the event loop: a few tenths of a millisecond. */
const PIECE_ELEMENTS = 1 << 18;

/** Copies; large tensors in pieces, between which the caller's event loop gets its turn. */
export async function copyInPieces(from: Tensor, to: Tensor): Promise<void> {
  for (let done = 0; done < from.length; done += PIECE_ELEMENTS) {
    if (done > 0) await new Promise((resolve) => setImmediate(resolve));
    to.set(from.subarray(done, done + PIECE_ELEMENTS), done);
  }
}

export function sharedLike(tensor: Tensor): Tensor {
  const memory = new SharedArrayBuffer(tensor.byteLength);
  return tensor instanceof Int32Array ? new Int32Array(memory) : new Float32Array(memory);
}
