/** A network that loses, duplicates, reorders and delays packets: no sum may show it. */
import { describe, expect, it } from 'vitest';
import type { FaultCounts, FaultRates } from '../../emulator/index.js';
import { Random } from '../../net/random.js';
import { BUILDS } from '../../protocol/constants.js';
import { Cluster } from './support/cluster.js';
import { allreduce, expectSameBits, floats, integers, roundedSum } from './support/data.js';

const KINDS: Readonly<Record<string, FaultRates>> = {
  loss: { drop: 0.1 },
  duplication: { duplicate: 0.3 },
  reordering: { reorder: 0.3 },
  delay: { delay: 0.5 },
  'all at once': { drop: 0.05, duplicate: 0.1, reorder: 0.1, delay: 0.2 },
};
const COUNT: Readonly<Record<string, keyof FaultCounts>> = {
  loss: 'dropped',
  duplication: 'duplicated',
  reordering: 'reordered',
  delay: 'delayed',
};
const SEEDS = [1, 2, 3, 4, 5, 6];

describe.each(Object.keys(KINDS))('%s', (kind) => {
  it.each(SEEDS)('leaves every sum as it is, seed %i', async (seed) => {
    const random = new Random(seed);
    const workers = random.between(2, 5);
    const values = random.pick(BUILDS);
    // Few slots make every set be used many times over.
    const slots = random.between(1, 8);
    const transport = seed % 2 === 0 ? 'udp' : 'in-process';
    const cluster = await Cluster.start({
      workers,
      values,
      slots,
      transport,
      faults: { seed, ...KINDS[kind], delayMs: 15 },
    });
    const members = await cluster.joinAll();
    for (let operation = 0; operation < 3; operation++) {
      const length = random.below(12 * values);
      const inputs = members.map((_, rank) => floats(seed * 100 + operation * 10 + rank, length, 4));
      const { results } = await allreduce(members, inputs);
      const expected = roundedSum(inputs);
      for (const result of results) expectSameBits(result, expected);
    }
    const counts = [...cluster.network.faults!.counts().values()];
    const kinds = kind in COUNT ? [COUNT[kind]!] : Object.values(COUNT);
    const happened = counts.reduce((sum, lane) => sum + kinds.reduce((total, name) => total + lane[name], 0), 0);
    expect(happened).toBeGreaterThan(0);
  });
});

describe('a line that is bad for one worker only', () => {
  it.each(['in', 'out'] as const)('is made good by repetition: a third lost on the way %s', async (direction) => {
    const workers = 3;
    const cluster = await Cluster.start({
      workers,
      profile: 'int32',
      faults: { seed: 9, only: { [`2/${direction}`]: { drop: 0.35 } } },
    });
    const members = await cluster.joinAll();
    const inputs = members.map((_, rank) => integers(rank, 900, 2 ** 28));
    const { results } = await allreduce(members, inputs);
    const expected = inputs[0]!.map((_, i) => inputs.reduce((sum, input) => sum + input[i]!, 0));
    for (const result of results) expectSameBits(result, expected);
    const { events } = await cluster.job();
    // Each chunk was summed once, whatever was repeated: 57 of data and the commit.
    expect(events).toMatchObject({ RESULT: 58, CONTRIBUTION: 58 * workers });
  });
});
