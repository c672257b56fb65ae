/** Random choices by a seed, fast enough to make a packet of. */
export class Dice {
  private a: number;
  private b = 0x9e3779b9;
  private c = 0x243f6a88;
  private counter = 1;

  constructor(seed: number) {
    this.a = seed >>> 0;
    for (let i = 0; i < 12; i++) this.word();
  }

  /** 32 uniform bits (sfc32). */
  word(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor((this.word() / 2 ** 32) * limit);
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Small numbers, numbers near the ends of the range, and any. */
  value(width: number): bigint {
    const all = (1n << BigInt(width)) - 1n;
    switch (this.below(6)) {
      case 0:
        return BigInt(this.below(4)) & all;
      case 1:
        return all - (BigInt(this.below(3)) & all);
      case 2:
        return width === 0 ? 0n : 1n << BigInt(this.below(width));
      case 3:
        return BigInt(this.below(256)) & all;
      default: {
        if (width <= 32) return BigInt(this.word()) & all;
        let value = 0n;
        for (let bits = 0; bits < width; bits += 32) value = (value << 32n) | BigInt(this.word());
        return value & all;
      }
    }
  }
}
