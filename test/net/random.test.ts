import { describe, expect, it } from 'vitest';
import { Random, RandomSource } from '../../net/random.js';

const DRAWS = 40_000;

function words(random: RandomSource, count: number): number[] {
  return Array.from({ length: count }, () => random.word());
}

describe('random numbers by a seed', () => {
  it('stay the same: seeds name runs of the fuzzer in docs/conformance.md', () => {
    expect(words(new Random(1), 4)).toEqual([3739678614, 2725338478, 3923878172, 2212199553]);
    expect(words(new Random(1_000_000), 2)).toEqual([1244503203, 3884786456]);
    expect(words(new Random((5n << 32n) | 1n), 2)).toEqual([791375951, 470248631]);
  });

  it('differ by every one of 64 bits of the seed, and by no others', () => {
    const first = words(new Random(0), 8);
    for (let bit = 0n; bit < 64n; bit++) expect(words(new Random(1n << bit), 8), `bit ${bit}`).not.toEqual(first);
    expect(words(new Random(1n << 64n), 8)).toEqual(first);
  });

  it('go on from where they were saved', () => {
    const random = new Random(7);
    words(random, 10);
    const saved = random.save();
    const following = words(random, 10);
    random.restore(structuredClone(saved));
    expect(words(random, 10)).toEqual(following);
  });

  it.each<[string, number, (random: Random) => number]>([
    ['below(6)', 6, (random) => random.below(6)],
    ['between(-2, 3)', 6, (random) => random.between(-2, 3) + 2],
    ['pick', 6, (random) => random.pick([0, 1, 2, 3, 4, 5])],
    [
      'bigintBetween',
      6,
      (random) => Number(random.bigintBetween((1n << 63n) - 3n, (1n << 63n) + 2n) - (1n << 63n)) + 3,
    ],
    ['fraction', 6, (random) => Math.floor(random.fraction() * 6)],
    ['bytes', 256, (random) => random.bytes(1)[0]!],
  ])('%s gives all of its values alike', (_name, count, draw) => {
    const random = new Random(11);
    const times = new Array<number>(count).fill(0);
    for (let i = 0; i < DRAWS; i++) times[draw(random)]!++;
    // Within six standard deviations of a count.
    const expected = DRAWS / count;
    for (const found of times) expect(Math.abs(found - expected)).toBeLessThan(6 * Math.sqrt(expected));
  });

  it.each([
    [0, 0],
    [0.25, 0.25],
    [1, 1],
  ])('chance(%d) comes as often', (p, share) => {
    const random = new Random(12);
    const hits = Array.from({ length: DRAWS }, () => random.chance(p)).filter(Boolean).length;
    expect(Math.abs(hits / DRAWS - share)).toBeLessThan(p === 0 || p === 1 ? 1e-12 : 0.015);
  });

  it('oneIn(8) is one in eight', () => {
    const random = new Random(13);
    const hits = Array.from({ length: DRAWS }, () => random.oneIn(8)).filter(Boolean).length;
    expect(Math.abs(hits / DRAWS - 1 / 8)).toBeLessThan(0.01);
  });

  it('bigintBetween reaches both ends of 64 bits, and redraws what would favour small values', () => {
    const random = new Random(14);
    const draws = Array.from({ length: 2_000 }, () => random.bigintBetween(0n, (1n << 64n) - 1n));
    expect(draws.some((value) => value >> 60n === 15n)).toBe(true);
    expect(draws.some((value) => value >> 60n === 0n)).toBe(true);
    expect(random.bigintBetween(5n, 5n)).toBe(5n);
    // Of a span of three quarters of 2^64, values above it must not wrap to its lowest third.
    const span = 3n << 62n;
    const low = Array.from({ length: 3_000 }, () => random.bigintBetween(0n, span - 1n)).filter((v) => v < 1n << 62n);
    expect(low.length).toBeGreaterThan(850);
    expect(low.length).toBeLessThan(1_150);
  });
});
