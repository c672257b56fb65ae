import type { FrameMemory } from './memory-view.js';

const MIN_BYTES = 4096;

/** A block of linear memory that is replaced by a larger one when it is too small. */
export class GrowableBuffer {
  private address = 0;
  private capacity = 0;

  constructor(private readonly memory: Pick<FrameMemory, 'allocate' | 'release'>) {}

  /** @returns the address of at least this many bytes; when the block had to grow, its contents are lost */
  reserve(bytes: number): number {
    if (bytes > this.capacity) {
      if (this.capacity > 0) this.memory.release(this.address, this.capacity);
      this.capacity = Math.max(MIN_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
      this.address = this.memory.allocate(this.capacity);
    }
    return this.address;
  }
}
