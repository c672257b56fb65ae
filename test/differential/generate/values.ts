/** Tensor elements, as 32-bit patterns, with the kinds of numbers that go wrong drawn far too often. */
import type { SeededRandom } from '../random.js';

const SPECIAL = [
  0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x80800000, 0x3f800000, 0xbf800000,
  0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0xffbfffff, 0x33800000,
  0xb3800000, 0x7fffffff,
];

/** One value for each worker, so that a kind can define how they combine. */
export function drawElement(random: SeededRandom, workers: number): number[] {
  const each = (draw: (rank: number) => number): number[] =>
    Array.from({ length: workers }, (_, rank) => draw(rank) >>> 0);
  const exponent = random.between(1, 254);
  const near = (spread: number): number =>
    ((random.below(2) << 31) |
      (Math.min(254, Math.max(1, exponent + random.between(-spread, spread))) << 23) |
      random.below(2 ** 23)) >>>
    0;
  switch (random.below(8)) {
    case 0:
      return each(() => random.word());
    case 1:
      return each(() => random.pick(SPECIAL));
    case 2:
      return each(() => (random.below(2) << 31) | random.below(2 ** 24));
    case 3:
      return each(() => near(40));
    case 4: {
      // Cancellation, and sums at a tie.
      const value = near(0);
      return each((rank) => (value ^ (rank % 2 === 0 ? 0 : 0x80000000)) + random.below(3));
    }
    case 5:
      // Full significands of near exponents: headroom fills up.
      return each(() => (near(9) | 0x7ffff0) & 0x7fffffff);
    case 6:
      return each(() => (random.chance(0.5) ? 0 : near(4)));
    default:
      return each(() => near(7));
  }
}
