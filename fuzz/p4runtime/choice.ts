import type { Random } from '../../net/random.js';

/** Small numbers, which repeat; the ends of the range; any. @param width bits, at least 1 */
export function randomValue(random: Random, width: number): bigint {
  const limit = 1n << BigInt(width);
  const chance = random.below(4);
  if (chance === 0) return BigInt(random.below(4)) % limit;
  if (chance === 1) return limit - 1n - (BigInt(random.below(3)) % limit);
  return random.bigintBetween(0n, (limit < 1n << 32n ? limit : 1n << 32n) - 1n) * (limit >> 32n || 1n);
}
