/** Numbers from 0, of which the lowest free one is taken, as in BMv2 (handle_mgr.h). Each operation is O(log n). */
export class LowestFree {
  /** A binary heap of the free numbers below `next`, the lowest first. */
  private readonly heap: number[] = [];
  private next = 0;

  /** Those that are in use; all others are free. */
  static besides(used: Iterable<number>): LowestFree {
    const taken = new Set(used);
    const numbers = new LowestFree();
    for (const number of taken) numbers.next = Math.max(numbers.next, number + 1);
    for (let number = 0; number < numbers.next; number++) if (!taken.has(number)) numbers.heap.push(number);
    return numbers; // A sorted list is a heap.
  }

  take(): number {
    const { heap } = this;
    const lowest = heap[0];
    if (lowest === undefined) return this.next++;
    const last = heap.pop()!;
    if (heap.length > 0) this.sink(last);
    return lowest;
  }

  free(number: number): void {
    const { heap } = this;
    let at = heap.length;
    for (let above = (at - 1) >> 1; at > 0 && heap[above]! > number; at = above, above = (at - 1) >> 1) {
      heap[at] = heap[above]!;
    }
    heap[at] = number;
  }

  /** Puts a number into the emptied root. */
  private sink(number: number): void {
    const { heap } = this;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below + 1 < heap.length && heap[below + 1]! < heap[below]!) below++;
      if (below >= heap.length || heap[below]! >= number) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = number;
  }
}
