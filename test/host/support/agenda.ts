/** Scheduled events, in virtual time. */

interface Item {
  readonly at: number;
  /** Of events at the same time, the one added first runs first, so that a seed reproduces a run. */
  readonly order: number;
  readonly run: () => void;
}

export class Agenda {
  /** A binary heap, the earliest on top. */
  private readonly heap: Item[] = [];
  private order = 0;

  get empty(): boolean {
    return this.heap.length === 0;
  }

  add(at: number, run: () => void): void {
    const item = { at, order: this.order++, run };
    let i = this.heap.push(item) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!earlier(item, this.heap[parent]!)) break;
      this.heap[i] = this.heap[parent]!;
      i = parent;
    }
    this.heap[i] = item;
  }

  /** The earliest; there must be one. */
  take(): Pick<Item, 'at' | 'run'> {
    const first = this.heap[0]!;
    const last = this.heap.pop()!;
    const size = this.heap.length;
    if (size > 0) {
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= size) break;
        if (child + 1 < size && earlier(this.heap[child + 1]!, this.heap[child]!)) child++;
        if (!earlier(this.heap[child]!, last)) break;
        this.heap[i] = this.heap[child]!;
        i = child;
      }
      this.heap[i] = last;
    }
    return first;
  }
}

function earlier(a: Item, b: Item): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
