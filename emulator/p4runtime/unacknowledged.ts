/** Digest lists that were sent and not acknowledged, bounded for a controller that never acknowledges. */

/** As many as the largest tables that are filled by learning have entries. */
const MAX_SAMPLES = 65_536;
const MAX_CHARACTERS = 16 * 2 ** 20;

const SPARE = 64;

interface List {
  readonly key: string;
  readonly enabling: symbol;
  readonly samples: readonly string[];
  readonly characters: number;
  readonly cancelTimer: () => void;
}

/** Where the bounds are exceeded the oldest lists are forgotten: nothing is lost, but their samples may come again. */
export class Unacknowledged {
  private readonly lists = new Map<string, List>();
  /** In the order in which they were sent, with some that are forgotten: the first of a Map is slow to find after many others were. */
  private order: List[] = [];
  private first = 0;
  /** The latest list with each sample. */
  private readonly bySample = new Map<string, List>();
  private sampleCount = 0;
  private characters = 0;

  /** @param after calls back after a time in milliseconds; returns the function that cancels */
  constructor(private readonly after: (milliseconds: number, run: () => void) => () => void) {}

  /** How many samples it keeps. */
  get size(): number {
    return this.sampleCount;
  }

  /** @param enabling of the digest that the sample belongs to */
  has(enabling: symbol, sample: string): boolean {
    return this.bySample.get(sample)?.enabling === enabling;
  }

  /** @param timeoutMs when the list is forgotten */
  add(key: string, enabling: symbol, samples: readonly string[], timeoutMs: number): void {
    const characters = samples.reduce((sum, sample) => sum + sample.length, 0);
    const list = { key, enabling, samples, characters, cancelTimer: this.after(timeoutMs, () => this.forget(key)) };
    this.lists.set(key, list);
    for (const sample of samples) this.bySample.set(sample, list);
    this.sampleCount += samples.length;
    this.characters += characters;
    this.order.push(list);
    while (this.sampleCount > MAX_SAMPLES || this.characters > MAX_CHARACTERS) {
      const oldest = this.order[this.first++]!;
      if (this.lists.get(oldest.key) === oldest) this.forget(oldest.key);
    }
    if (this.order.length > 2 * this.lists.size + SPARE) {
      this.order = this.order.filter((each) => this.lists.get(each.key) === each);
      this.first = 0;
    }
  }

  /** It was acknowledged, or is too old. Lists that it does not have are no error. */
  forget(key: string): void {
    const list = this.lists.get(key);
    if (list === undefined) return;
    list.cancelTimer();
    this.lists.delete(key);
    for (const sample of list.samples) if (this.bySample.get(sample) === list) this.bySample.delete(sample);
    this.sampleCount -= list.samples.length;
    this.characters -= list.characters;
  }

  clear(): void {
    for (const key of [...this.lists.keys()]) this.forget(key);
  }
}
