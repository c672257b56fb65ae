/** Random numbers that depend on a seed alone, so that whatever is generated from them can be reproduced. */

/** Random choices based on a source of uniform 32-bit words. */
export abstract class RandomSource {
  /** 32 uniform bits. */
  abstract word(): number;

  /** Uniform over [0, 1). */
  fraction(): number {
    return this.word() / 2 ** 32;
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  /** `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return this.word() < p * 2 ** 32;
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.word() & 0xff);
  }

  /** `low` to `high`, both included, at most 2^64 values; each is equally likely. */
  bigintBetween(low: bigint, high: bigint): bigint {
    const span = high - low + 1n;
    // Values from the incomplete last round of the span are drawn again: they would favour small results.
    const limit = (1n << 64n) - ((1n << 64n) % span);
    for (;;) {
      const value = (BigInt(this.word()) << 32n) | BigInt(this.word());
      if (value < limit) return low + (value % span);
    }
  }
}

/** State of a {@link Random}, which determines its next numbers: plain data. */
export type RandomState = readonly [a: number, b: number, c: number, counter: number];

/** Words discarded at the start, so that different seeds give different first words. */
const WARM_UP_WORDS = 12;

/**
 * sfc32 (Chris Doty-Humphrey's Small Fast Counter, of PractRand): good enough for any test, and fast enough to
 * generate packets. docs/conformance.md names runs of the fuzzer by their seeds, so the sequence of a seed stays as it is.
 */
export class Random extends RandomSource {
  private a: number;
  private b: number;
  private c = 0x243f6a88;
  private counter = 1;

  /** @param seed the low 64 bits count */
  constructor(seed: number | bigint) {
    super();
    const bits = BigInt.asUintN(64, BigInt(seed));
    this.a = Number(bits & 0xffff_ffffn);
    this.b = 0x9e3779b9 ^ Number(bits >> 32n);
    for (let i = 0; i < WARM_UP_WORDS; i++) this.word();
  }

  override word(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  save(): RandomState {
    return [this.a, this.b, this.c, this.counter];
  }

  restore([a, b, c, counter]: RandomState): void {
    this.a = a;
    this.b = b;
    this.c = c;
    this.counter = counter;
  }
}
