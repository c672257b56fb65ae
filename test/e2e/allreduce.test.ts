import { describe, expect, it } from 'vitest';
import { aggregate, resolveProfile } from '../../arithmetic/index.js';
import { BUILDS } from '../../protocol/constants.js';
import { Cluster } from './support/cluster.js';
import {
  allreduce,
  expectSameBits,
  expectWithinBound,
  floats,
  integers,
  marked,
  markedSum,
  roundedSum,
} from './support/data.js';

const TRANSPORTS = ['in-process', 'udp'] as const;
/** With the preset `fpisa`: 7 bits of headroom less ceil(log2 workers). */
const GUARD = { 2: 6, 3: 5, 5: 4, 8: 4 } as const;

describe.each(TRANSPORTS)('sums over %s', (transport) => {
  it.each(BUILDS.flatMap((values) => ([2, 3, 8] as const).map((workers) => ({ values, workers }))))(
    'are the exact ones where order cannot matter: $workers workers, $values values per packet',
    async ({ values, workers }) => {
      const cluster = await Cluster.start({ workers, values, transport });
      const members = await cluster.joinAll();
      const guard = GUARD[workers];
      for (const length of [1, values - 1, values, values + 1, 20 * values + 7]) {
        const inputs = members.map((_, rank) => floats(1000 * length + rank, length, guard));
        const { results, stats } = await allreduce(members, inputs);
        const expected = roundedSum(inputs);
        for (const result of results) expectSameBits(result, expected);
        expectSameBits(aggregate(inputs, resolveProfile({ preset: 'fpisa', workers })).result, expected);
        expect(stats.map((each) => each.elements)).toEqual(members.map(() => length));
      }
    },
  );

  it('stay within the proven bound, and are the same at all workers, for any exponents', async () => {
    const workers = 5;
    const cluster = await Cluster.start({ workers, values: 64, transport });
    const members = await cluster.joinAll();
    const inputs = members.map((_, rank) => floats(77 + rank, 3000, 24));
    const { results } = await allreduce(members, inputs);
    for (const result of results) expectSameBits(result, results[0]!);
    expectWithinBound(results[0]!, inputs, GUARD[workers]);
    // Otherwise this would be the test above again.
    expect(results[0]).not.toEqual(roundedSum(inputs));
  });
});

describe("sums by the build with a Tofino's arithmetic", () => {
  it.each(TRANSPORTS)('over %s, losing packets: each contribution once', async (transport) => {
    const cluster = await Cluster.start({
      workers: 3,
      build: 'fpisa-a-n16',
      profile: 'fpisa-a',
      transport,
      faults: { drop: 0.05, seed: 3 },
    });
    const members = await cluster.joinAll();
    const { results } = await allreduce(
      members,
      members.map((_, rank) => marked(rank, 500)),
    );
    for (const result of results) expectSameBits(result, markedSum([0, 1, 2], 500));
  });

  it('of integers', async () => {
    const cluster = await Cluster.start({ workers: 2, build: 'fpisa-a-n16', profile: 'int32' });
    const members = await cluster.joinAll();
    const inputs = members.map((_, rank) => integers(rank, 100, 2 ** 29));
    const { results } = await allreduce(members, inputs);
    for (const result of results) expect(result).toEqual(inputs[0]!.map((value, i) => value + inputs[1]![i]!));
  });
});

describe('one operation', () => {
  it('takes several tensors, empty ones among them, and keeps them apart', async () => {
    const cluster = await Cluster.start({ workers: 3 });
    const members = await cluster.joinAll();
    const lengths = [5, 0, 16, 33, 1, 0, 200];
    const inputs = members.map((_, rank) => lengths.map((length, i) => floats(100 * i + rank, length, 5)));
    await Promise.all(members.map((worker, rank) => worker.allreduce(inputs[rank]!)));
    const again = members.map((_, rank) => lengths.map((length, i) => floats(100 * i + rank, length, 5)));
    lengths.forEach((_, i) => {
      const expected = roundedSum(again.map((tensors) => tensors[i]!));
      for (const tensors of inputs) expectSameBits(tensors[i]!, expected);
    });
  });

  it('takes a record by the names of its tensors', async () => {
    const cluster = await Cluster.start({ workers: 2 });
    const members = await cluster.joinAll();
    const a = { weight: marked(0, 20), bias: marked(0, 3) };
    const b = { bias: marked(1, 3), weight: marked(1, 20) };
    await Promise.all([members[0]!.allreduce(a), members[1]!.allreduce(b)]);
    expect(a).toEqual({ weight: markedSum([0, 1], 20), bias: markedSum([0, 1], 3) });
    expect(b).toEqual(a);
  });

  it('of nothing keeps the workers in step', async () => {
    const cluster = await Cluster.start({ workers: 2 });
    const members = await cluster.joinAll();
    const { stats } = await allreduce(
      members,
      members.map(() => new Float32Array(0)),
    );
    expect(stats.map(({ operation, elements }) => [operation, elements])).toEqual([
      [1, 0],
      [1, 0],
    ]);
    const { results } = await allreduce(
      members,
      members.map((_, rank) => marked(rank, 4)),
    );
    expectSameBits(results[0]!, markedSum([0, 1], 4));
  });

  it('divides a mean by the members, rounding once more', async () => {
    const cluster = await Cluster.start({ workers: 3 });
    const members = await cluster.joinAll();
    const inputs = members.map((_, rank) => floats(rank, 500, 5));
    const { results } = await allreduce(members, inputs, { op: 'mean' });
    const expected = roundedSum(inputs).map((sum) => sum / 3);
    for (const result of results) expectSameBits(result, expected);
  });

  it('may be a view into other memory, which stays as it is', async () => {
    const cluster = await Cluster.start({ workers: 2 });
    const members = await cluster.joinAll();
    const whole = members.map(() => new Float32Array(64).fill(9));
    const views = whole.map((memory, rank) => {
      memory.set(marked(rank, 20), 11);
      return memory.subarray(11, 31);
    });
    await Promise.all(members.map((worker, rank) => worker.allreduce(views[rank]!)));
    for (const memory of whole) {
      expectSameBits(memory.slice(11, 31), markedSum([0, 1], 20));
      expect([...memory.slice(0, 11), ...memory.slice(31)]).toEqual(new Array(44).fill(9));
    }
  });

  it('follows the other in the order of the calls, also when nobody waits between them', async () => {
    const cluster = await Cluster.start({ workers: 3 });
    const members = await cluster.joinAll();
    const lengths = [40, 1, 0, 300, 17];
    const calls = members.map((worker, rank) =>
      lengths.map(async (length) => {
        const tensor = marked(rank, length);
        const { operation } = await worker.allreduce(tensor);
        return { operation, tensor };
      }),
    );
    for (const worker of await Promise.all(calls.map((each) => Promise.all(each)))) {
      expect(worker.map(({ operation }) => operation)).toEqual([1, 2, 3, 4, 5]);
      worker.forEach(({ tensor }, i) => expectSameBits(tensor, markedSum([0, 1, 2], lengths[i]!)));
    }
  });
});

describe('profiles', () => {
  it('int32 adds integers, and saturates', async () => {
    const cluster = await Cluster.start({ workers: 4, profile: 'int32' });
    const members = await cluster.joinAll();
    const inputs = members.map((_, rank) => integers(rank, 1000, 2 ** 28));
    const [highest, lowest] = [2 ** 31 - 1, -(2 ** 31)];
    // All of one sign, so that the order of arrival cannot matter.
    for (const input of inputs) input.set([highest, lowest, 2 ** 30, -(2 ** 30), 0]);
    const { results } = await allreduce(members, inputs);
    const expected = Int32Array.from(inputs[0]!, (_, i) => {
      const sum = inputs.reduce((total, input) => total + input[i]!, 0);
      return Math.max(lowest, Math.min(highest, sum));
    });
    expect([...expected.slice(0, 5)]).toEqual([highest, lowest, highest, lowest, 0]);
    for (const result of results) expectSameBits(result, expected);
  });

  it.each(['fpisa-paper', 'fpisa-a'])(
    '%s gives what one order of the contributions gives, at every worker',
    async (preset) => {
      const cluster = await Cluster.start({ workers: 2, profile: preset });
      const members = await cluster.joinAll();
      const inputs = members.map((_, rank) => floats(5 + rank, 2000, 20));
      const { results } = await allreduce(members, inputs);
      expectSameBits(results[1]!, results[0]!);
      const profile = resolveProfile({ preset, workers: 2 });
      const [forwards, backwards] = [inputs, [...inputs].reverse()].map((order) => aggregate(order, profile).result);
      const strange = [...results[0]!.keys()].filter(
        (i) => !Object.is(results[0]![i], forwards![i]) && !Object.is(results[0]![i], backwards![i]),
      );
      expect(strange).toEqual([]);
    },
  );

  it('special values arrive as IEEE 754 would have it', async () => {
    const cluster = await Cluster.start({ workers: 3 });
    const members = await cluster.joinAll();
    const most = 3.4028234663852886e38;
    const least = 2 ** -149;
    const rows: [number, number, number, number][] = [
      [NaN, 1, 2, NaN],
      [1, NaN, Infinity, NaN],
      [Infinity, 1, -5, Infinity],
      [1, 2, -Infinity, -Infinity],
      [Infinity, Infinity, 0, Infinity],
      [Infinity, -Infinity, 3, NaN],
      [-Infinity, 7, Infinity, NaN],
      [most, most, 0, Infinity],
      [-most, -most, -most, -Infinity],
      [most, 2 ** 103, 0, Infinity],
      // The registers hold what a chain of additions would lose.
      [most, most, -most, most],
      [least, least, -least, least],
      [2 ** -127, 2 ** -127, 0, 2 ** -126],
      [-0, -0, -0, 0],
      [-0, 0, 1, 1],
      [1.5, -1.5, 0, 0],
    ];
    const inputs = members.map((_, rank) => Float32Array.from(rows, (row) => row[rank]!));
    const { results } = await allreduce(members, inputs);
    const expected = Float32Array.from(rows, (row) => row[3]);
    for (const result of results) expectSameBits(result, expected);
  });
});
