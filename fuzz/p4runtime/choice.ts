/** Random choices, repeatable by the seed of their source. */
import type { Random } from '../../net/random.js';

export function below(random: Random, limit: number): number {
  return Number(random.next64() % BigInt(limit));
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[below(random, items.length)]!;
}

/** Small numbers, which meet again; the ends of the range; any. @param width bits, at least 1 */
export function randomValue(random: Random, width: number): bigint {
  const limit = 1n << BigInt(width);
  const chance = below(random, 4);
  if (chance === 0) return BigInt(below(random, 4)) % limit;
  if (chance === 1) return limit - 1n - (BigInt(below(random, 3)) % limit);
  return random.between(0n, (limit < 1n << 32n ? limit : 1n << 32n) - 1n) * (limit >> 32n || 1n);
}
