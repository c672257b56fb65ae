import type { RandomSource } from '../../net/random.js';

/** A new array of the same elements in an order that `random` draws. */
export function shuffled<T>(elements: readonly T[], random: RandomSource): T[] {
  const order = [...elements];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
