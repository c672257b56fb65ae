/** A source of uniform 64-bit values, the same for the same seed (splitmix64). */
export class Random {
  private state: bigint;

  constructor(seed: number | bigint) {
    this.state = BigInt.asUintN(64, BigInt(seed));
  }

  next64(): bigint {
    this.state = BigInt.asUintN(64, this.state + 0x9e3779b97f4a7c15n);
    let z = this.state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }

  save(): bigint {
    return this.state;
  }

  restore(saved: bigint): void {
    this.state = saved;
  }

  /** Uniform over [0, 1). */
  fraction(): number {
    return Number(this.next64() >> 11n) / 2 ** 53;
  }

  /** Uniform over low..high, both included. */
  between(low: bigint, high: bigint): bigint {
    const span = high - low + 1n;
    // Values from the incomplete last round of the span are drawn again: they would favour small results.
    const limit = (1n << 64n) - ((1n << 64n) % span);
    for (;;) {
      const value = this.next64();
      if (value < limit) return low + (value % span);
    }
  }
}
