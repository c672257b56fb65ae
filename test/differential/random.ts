/** Numbers that follow from a seed alone, so that a scenario can be made again from its name. */
export class SeededRandom {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 32 random bits (Marsaglia's xorshift over a Weyl sequence, which has no zero state to get stuck in). */
  word(): number {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }

  /** 0 to n - 1. */
  below(n: number): number {
    return Math.floor((this.word() / 2 ** 32) * n);
  }

  /** low to high, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(p: number): boolean {
    return this.word() < p * 2 ** 32;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.word() & 0xff);
  }

  /** A new array with the items in another order, none further than `reach` places early. */
  shuffled<T>(items: readonly T[], reach = items.length): T[] {
    return items
      .map((item, index) => ({ item, rank: index + this.below(reach + 1) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ item }) => item);
  }
}
