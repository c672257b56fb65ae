/** Several jobs on one switch, with different profiles, at the same time. */
import { describe, expect, it } from 'vitest';
import { aggregate, resolveProfile } from '../../arithmetic/index.js';
import { Cluster, JOB } from './support/cluster.js';
import { allreduce, expectSameBits, floats, integers, roundedSum } from './support/data.js';

describe('jobs that share a switch', () => {
  it.each([undefined, { seed: 3, drop: 0.05, duplicate: 0.05, reorder: 0.1 }])(
    'do not disturb each other, faults: %o',
    async (faults) => {
      const cluster = await Cluster.start({
        workers: 3,
        ports: 7,
        slots: 8,
        transport: 'udp',
        ...(faults && { faults }),
      });
      await cluster.addJob({ name: 'integers', workers: 2, profile: 'int32', slots: 5 });
      await cluster.addJob({ name: 'tofino', workers: 2, profile: 'fpisa-a', slots: 3 });
      const [first, second, third] = await Promise.all([
        cluster.joinAll(),
        cluster.joinAll({ job: 'integers' }),
        cluster.joinAll({ job: 'tofino' }),
      ]);

      for (let round = 0; round < 3; round++) {
        const inputs = first.map((_, rank) => floats(10 * round + rank, 700, 5));
        const whole = second.map((_, rank) => integers(10 * round + rank, 900, 2 ** 29));
        const rough = third.map((_, rank) => floats(100 + 10 * round + rank, 500, 12));
        const [sums, integerSums, roughSums] = await Promise.all([
          allreduce(first, inputs),
          allreduce(second, whole),
          allreduce(third, rough),
        ]);

        for (const result of sums.results) expectSameBits(result, roundedSum(inputs));
        const expected = whole[0]!.map((value, i) => value + whole[1]![i]!);
        for (const result of integerSums.results) expectSameBits(result, expected);
        expectSameBits(roughSums.results[1]!, roughSums.results[0]!);
        const profile = resolveProfile({ preset: 'fpisa-a', workers: 2 });
        const orders = [rough, [...rough].reverse()].map((order) => aggregate(order, profile).result);
        const strange = [...roughSums.results[0]!.keys()].filter((i) =>
          orders.every((order) => !Object.is(order[i], roughSums.results[0]![i])),
        );
        expect(strange).toEqual([]);
      }

      const jobs = await Promise.all([JOB, 'integers', 'tofino'].map((name) => cluster.job(name)));
      expect(jobs.map(({ profile }) => profile.name)).toEqual(['fpisa', 'int32', 'fpisa-a']);
      const ranges = jobs.map(({ slotBase, slots }) => [slotBase, slotBase + slots]).sort(([a], [b]) => a! - b!);
      for (let i = 1; i < ranges.length; i++) expect(ranges[i]![0]).toBeGreaterThanOrEqual(ranges[i - 1]![1]!);
      // 44, 57 and 32 chunks of data a round, and a commit each.
      expect(jobs.map(({ events }) => events['RESULT'])).toEqual([3 * 45, 3 * 58, 3 * 33]);
    },
  );

  it('come and go while another one works', async () => {
    const cluster = await Cluster.start({ workers: 2, ports: 4 });
    const members = await cluster.joinAll();
    let over = false;
    const work = (async () => {
      const completed: number[] = [];
      for (let i = 0; !over || i < 3; i++) {
        const inputs = members.map((_, rank) => floats(50 * i + rank, 400, 6));
        const { results, stats } = await allreduce(members, inputs);
        for (const result of results) expectSameBits(result, roundedSum(inputs));
        completed.push(stats[0]!.restarts);
      }
      return completed;
    })();
    for (let i = 0; i < 3; i++) {
      // The name again, on slots that the one before has used.
      await cluster.addJob({ name: 'visitor', workers: 2, profile: 'int32' });
      const visitors = await Promise.all([0, 1].map((rank) => cluster.join(rank, { job: 'visitor' })));
      const inputs = visitors.map((_, rank) => integers(i + rank, 100, 1000));
      const { results } = await allreduce(visitors, inputs);
      expectSameBits(
        results[1]!,
        inputs[0]!.map((value, at) => value + inputs[1]![at]!),
      );
      await Promise.all(visitors.map((worker) => worker.leave()));
      cluster.unplug(...visitors);
      await cluster.client.deleteJob('visitor');
    }
    over = true;
    // Never interrupted: their epoch was not raised on behalf of the other job.
    expect(new Set(await work)).toEqual(new Set([0]));
  });
});
