/** The memory of calls in progress: a result is written in place, so another call must not read or write it. */
import { ArgumentError } from '../errors.js';
import type { Tensor } from './tensor-list.js';

export class MemoryInUse {
  private readonly byBuffer = new Map<ArrayBufferLike, Set<Tensor>>();

  /** @throws ArgumentError if a call that has claimed them has not released some of the bytes */
  claim(tensors: readonly Tensor[]): void {
    tensors.forEach((tensor, i) => {
      if (tensor.length === 0) return;
      for (const other of this.byBuffer.get(tensor.buffer) ?? []) {
        if (!overlap(tensor, other)) continue;
        throw new ArgumentError(
          `tensor ${i} is in memory that an earlier call of this worker still uses; wait for its promise first`,
        );
      }
    });
    for (const tensor of tensors) {
      if (tensor.length === 0) continue;
      const others = this.byBuffer.get(tensor.buffer);
      if (others === undefined) this.byBuffer.set(tensor.buffer, new Set([tensor]));
      else others.add(tensor);
    }
  }

  release(tensors: readonly Tensor[]): void {
    for (const tensor of tensors) {
      const others = this.byBuffer.get(tensor.buffer);
      others?.delete(tensor);
      if (others?.size === 0) this.byBuffer.delete(tensor.buffer);
    }
  }
}

function overlap(a: Tensor, b: Tensor): boolean {
  return a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;
}
