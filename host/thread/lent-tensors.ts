/** The tensors of one call, where the thread of the worker can use them. */
import type { Libc } from '../../net/linux/libc.js';
import type { Tensor } from '../allreduce/index.js';
import type { ListedTensor } from '../allreduce/tensor-list.js';
import { copyInPieces, sharedLike } from './copied-memory.js';
import { lend } from './lent-memory.js';
import type { LentTensor } from './messages.js';

export class LentTensors {
  readonly tensors: readonly LentTensor[];
  /** Of tensors in memory that cannot be lent. */
  private readonly copies: { readonly own: Tensor; readonly shared: Tensor }[] = [];

  /** @param lender undefined: the thread cannot read memory by its address */
  constructor(
    /** Held, so that its memory stays while it is lent. */
    private readonly list: readonly ListedTensor[],
    lender: Libc | undefined,
  ) {
    this.tensors = list.map(({ name, shape, data }) => {
      const memory = lend(data, lender);
      if (memory !== undefined) return { name, shape, memory };
      const shared = sharedLike(data);
      this.copies.push({ own: data, shared });
      return { name, shape, memory: lend(shared, lender)! };
    });
  }

  get hasCopies(): boolean {
    return this.copies.length > 0;
  }

  async copyIn(): Promise<void> {
    for (const { own, shared } of this.copies) await copyInPieces(own, shared);
  }

  async copyOut(): Promise<void> {
    for (const { own, shared } of this.copies) await copyInPieces(shared, own);
  }
}
