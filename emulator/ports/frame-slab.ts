/** Memory is allocated in pieces of this size, each of which is freed when none of its frames is in use any more. */
const SLAB_BYTES = 256 * 1024;
/** Frames begin at multiples of this, as words are read from them. */
const ALIGNMENT = 8;

/** Copies frames out of borrowed memory: many into one allocation, as allocating costs more than copying. */
export class FrameSlab {
  private slab = new Uint8Array(SLAB_BYTES);
  private used = 0;

  /** @returns a copy of the first `length` bytes; it may be changed, but shares its `buffer` with other frames */
  copy(memory: Uint8Array, length: number): Uint8Array {
    if (length > this.slab.length - this.used) {
      this.slab = new Uint8Array(SLAB_BYTES);
      this.used = 0;
    }
    const frame = this.slab.subarray(this.used, this.used + length);
    frame.set(memory.subarray(0, length));
    this.used += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    return frame;
  }
}
