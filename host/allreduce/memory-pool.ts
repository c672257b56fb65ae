/** Memory that is kept for the next operation: at most this much, in at most so many pieces. */
const MAX_KEPT_BYTES = 2 ** 28;
const MAX_KEPT = 3;

interface Kept {
  readonly bytes: Uint8Array;
  readonly kind: number;
}

/**
 * Memory of operations that are over: a large allocation costs a page fault for every 4 KiB of it.
 *
 * A transport may still hold references to packets there. So memory is used again for packets of the same size only, or for
 * anything that is not sent: whatever is sent late is a whole packet of some operation, or one whose length contradicts its
 * count, which the switch does not accept.
 */
export class MemoryPool {
  private kept: Kept[] = [];

  /** @param kind values of a packet there; 0 for memory that is not sent from */
  take(needed: number, kind: number): Uint8Array {
    const fitting = this.kept
      .filter((each) => each.bytes.length >= needed && each.kind === kind)
      .sort((a, b) => a.bytes.length - b.bytes.length)[0];
    this.kept = this.kept.filter((each) => each !== fitting);
    return fitting?.bytes ?? new Uint8Array(needed);
  }

  give(bytes: Uint8Array, kind: number): void {
    this.kept = [{ bytes, kind }, ...this.kept].slice(0, MAX_KEPT);
    while (this.kept.reduce((sum, each) => sum + each.bytes.length, 0) > MAX_KEPT_BYTES) this.kept.pop();
  }
}
