import { Random } from '../../net/random.js';

/** Random choices from which packets, entries and programs are made. */
export class Dice extends Random {
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
