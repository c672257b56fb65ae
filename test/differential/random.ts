import { RandomSource } from '../../net/random.js';

/**
 * Numbers that follow from a seed alone, so that a scenario can be made again from its name. Not net/random.ts's
 * sequence: the recorded traces have what BMv2 made of scenarios out of this one, so it stays as it is.
 */
export class SeededRandom extends RandomSource {
  private state: number;

  constructor(seed: number) {
    super();
    this.state = seed >>> 0;
  }

  /** MurmurHash3's finalizer of a Weyl sequence. */
  override word(): number {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }

  /** A new array with the items in another order, none further than `reach` places early. */
  shuffled<T>(items: readonly T[], reach = items.length): T[] {
    return items
      .map((item, index) => ({ item, rank: index + this.below(reach + 1) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ item }) => item);
  }
}
