/** Jobs that span trees of switches: emulator switches, the controller, and real workers. */
import { describe, expect, test } from 'vitest';
import type { Worker } from '../../host/index.js';
import { allreduce, expectSameBits, failure, floats, marked, markedSum } from '../e2e/support/data.js';
import { P4RuntimeClient } from '../../controlplane/p4runtime/client.js';
import { Network, UPLINK, type SwitchPlan } from './network.helpers.js';
import { onEnd } from './site.helpers.js';

const LENGTH = 1500;

const TWO_LEVELS: SwitchPlan[] = [
  { name: 'spine', workers: 1 },
  { name: 'leaf1', parent: 'spine', workers: 3 },
  { name: 'leaf2', parent: 'spine', workers: 2 },
];

/** `middle` has one child and no workers, `edge` is its sibling. */
const THREE_LEVELS: SwitchPlan[] = [
  { name: 'root', workers: 0 },
  { name: 'middle', parent: 'root', workers: 0 },
  { name: 'edge', parent: 'root', workers: 2 },
  { name: 'leaf', parent: 'middle', workers: 2 },
];

async function running(
  plans: SwitchPlan[],
  homes: string[],
  slots = 16,
): Promise<{ network: Network; workers: Worker[] }> {
  const network = await Network.start(plans);
  await network.client.createJob({ name: 'train', workers: homes.length, slots, elastic: true });
  return { network, workers: await network.joinAll('train', homes) };
}

const ranksOf = (workers: readonly Worker[]): number[] => workers.map(({ rank }) => rank);
const markedInputs = (workers: readonly Worker[], length = LENGTH): Float32Array[] =>
  ranksOf(workers).map((rank) => marked(rank, length));

async function expectMarkedSum(workers: readonly Worker[], length = LENGTH): Promise<void> {
  const { results } = await allreduce(workers, markedInputs(workers, length));
  for (const result of results) expectSameBits(result, markedSum(ranksOf(workers), length));
}

describe.each([
  ['two levels', TWO_LEVELS, ['leaf1', 'leaf2', 'leaf1', 'spine', 'leaf2']],
  ['three levels', THREE_LEVELS, ['leaf', 'edge', 'leaf', 'edge']],
  ['one leaf only', THREE_LEVELS, ['leaf', 'leaf']],
])('%s', (_, plans, homes) => {
  test('exact sums are exact, and others are the same bits everywhere', async () => {
    const { network, workers } = await running(plans, homes);
    await expectMarkedSum(workers);
    const inputs = workers.map(({ rank }) => floats(rank + 1, LENGTH, 60));
    const { results } = await allreduce(workers, inputs);
    for (const result of results) expectSameBits(result, results[0]!);
    const job = await network.client.getJob('train');
    expect(job.members.map(({ switchName }) => switchName)).toEqual(homes);
    expect(job.switches).toEqual(expect.arrayContaining(plans.map(({ name }) => name)));
    // Whether anything is repeated is a matter of time, and nothing else is dropped.
    for (const { name, drops } of (await network.client.getStatus()).switches)
      expect([name, { ...drops, DUPLICATE: 0, STALE: 0 }]).toEqual([name, { DUPLICATE: 0, STALE: 0 }]);
  });

  test('loss on the links between switches changes nothing', async () => {
    const { network, workers } = await running(plans, homes);
    network.loseEverywhere(0.1);
    for (let i = 0; i < 3; i++) await expectMarkedSum(workers, 600);
  });
});

describe('members', () => {
  const homes = ['leaf1', 'leaf2', 'leaf1', 'spine', 'leaf2'];

  test('a killed worker is out of the sums, and so is a whole leaf', async () => {
    const { network, workers } = await running(TWO_LEVELS, homes);
    await expectMarkedSum(workers);
    await network.kill(workers[2]!);
    const four = workers.filter(({ rank }) => rank !== 2);
    await expectMarkedSum(four);
    // Rank 0 was the lowest of leaf1, whose bit at the spine was its.
    await network.kill(workers[0]!);
    const three = four.filter(({ rank }) => rank !== 0);
    await expectMarkedSum(three);
    const back = await network.join('train', 2, 'leaf1');
    await expectMarkedSum([...three, back]);
  });

  test('an operation under way goes on without a worker that dies in it', async () => {
    const { network, workers } = await running(TWO_LEVELS, homes, 4);
    const inputs = markedInputs(workers);
    const results = inputs.map((input) => input.slice());
    const killed = workers[1]!;
    const calls = workers.map((worker, i) =>
      worker.allreduce(results[i]!, {
        onProgress: ({ chunksDone }) => {
          if (worker === killed && chunksDone === 20) void network.kill(killed);
        },
      }),
    );
    calls[1]!.catch(() => undefined);
    await Promise.all(calls.filter((_, i) => i !== 1));
    for (const [i, result] of results.entries()) if (i !== 1) expectSameBits(result, markedSum([0, 2, 3, 4], LENGTH));
  });

  test('shapes that differ between leaves are refused, and the job goes on', async () => {
    const { workers } = await running(TWO_LEVELS, homes);
    const tensors = workers.map(({ rank }) => marked(rank, rank === 1 ? 10 : 20));
    const errors = await Promise.all(workers.map((worker, i) => failure(worker.allreduce(tensors[i]!))));
    for (const error of errors) expect(error.code).toBe('FPISA_SHAPE_MISMATCH');
    // At whichever switch they meet, each side learns what the other brought.
    for (const error of errors)
      expect(error.message).toMatch(/tensor 0 has shape (\[10\] at .* and \[20\]|\[20\] at .* and \[10\])/);
    await expectMarkedSum(workers, 50);
  });

  test.each([
    [[1, 3], /slot 0 waits for ranks 2$/],
    [
      [2, 3],
      /all ranks at this switch have contributed; ranks 1, 3 at other switches have not, or the result does not arrive here$/,
    ],
  ])('a worker that gives up while ranks %j wait with it says whom its own switch lacks', async (present, message) => {
    const network = await Network.start(TWO_LEVELS);
    await network.client.createJob({ name: 'train', workers: 4 });
    const join = (home: string, rank: number): Promise<Worker> =>
      network.join('train', rank, home, { timeoutMs: rank === 0 ? 4_000 : 300_000 });
    const workers = await Promise.all(['leaf1', 'leaf2', 'leaf1', 'spine'].map(join));
    for (const rank of present) void workers[rank]!.allreduce(marked(rank, 10)).catch(() => undefined);
    expect((await failure(workers[0]!.allreduce(marked(0, 10)))).message).toMatch(message);
  });

  test('the tables of a switch hold the way to its parent while the job lives, and no members that are not below it', async () => {
    const { network, workers } = await running(TWO_LEVELS, homes);
    const reader = new P4RuntimeClient({
      address: network.switches.get('leaf1')!.config.address,
      deviceId: 1,
      electionId: 0n,
    });
    onEnd(() => reader.close());
    await reader.connect();
    await reader.getPipeline();
    const sizes = async (): Promise<number[]> => {
      const tables = await Promise.all(
        ['member', 'receiver', 'from_parent', 'parent'].map((table) => reader.readTable(`fpisa.${table}`)),
      );
      return [...tables.map((entries) => entries.length), (await reader.readMulticastGroups()).length];
    };
    await expectMarkedSum(workers);
    // One receiver is the controller's stamp, which stays.
    expect(await sizes()).toEqual([2, 3, 1, 1, 1]);
    for (const rank of [0, 2]) await network.kill(workers[rank]!);
    await expectMarkedSum(workers.filter(({ rank }) => rank !== 0 && rank !== 2));
    await expect.poll(sizes).toEqual([0, 1, 0, 1, 0]);
    await network.client.deleteJob('train', { force: true });
    await expect.poll(sizes).toEqual([0, 1, 0, 0, 0]);
  });
});

describe('switches', () => {
  test('a leaf that restarts in an operation raises the epoch, and the sum is whole', async () => {
    const { network, workers } = await running(TWO_LEVELS, ['leaf1', 'leaf2', 'leaf1'], 4);
    const reasons: string[] = [];
    workers[1]!.on('membership', ({ reason }) => reasons.push(reason));
    const inputs = markedInputs(workers);
    const results = inputs.map((input) => input.slice());
    let restarted: Promise<void> | undefined;
    const calls = workers.map((worker, i) =>
      worker.allreduce(results[i]!, {
        onProgress: ({ chunksDone }) => {
          if (i === 0 && chunksDone === 20) restarted ??= network.restart('leaf1');
        },
      }),
    );
    await Promise.all(calls);
    await restarted;
    for (const result of results) expectSameBits(result, markedSum([0, 1, 2], LENGTH));
    // The first epoch may still be on its way when the listener is attached.
    expect(reasons.filter((reason) => reason !== 'all workers have joined')).toEqual(['switch "leaf1" restarted']);
  });

  test('a leaf that dies with its workers does not hold up the others', async () => {
    const { network, workers } = await running(TWO_LEVELS, ['leaf1', 'leaf2', 'leaf2']);
    await expectMarkedSum(workers);
    await network.switches.get('leaf1')!.stop();
    await network.kill(workers[0]!);
    await expectMarkedSum(workers.slice(1));
    expect((await network.client.getStatus()).switches.map(({ name, state }) => [name, state])).toEqual([
      ['leaf1', 'unreachable'],
      ['leaf2', 'ready'],
      ['spine', 'ready'],
    ]);
    await network.switches.get('leaf1')!.start();
    await expectMarkedSum([await network.join('train', 0, 'leaf1'), ...workers.slice(1)]);
  });

  test('workers that nobody could stop get no sum of their own out of a leaf that nobody could reach', async () => {
    const { network, workers } = await running(TWO_LEVELS, ['leaf1', 'leaf2', 'leaf1', 'leaf2']);
    await expectMarkedSum(workers);
    const [lost, seen] = [
      [workers[0]!, workers[2]!],
      [workers[1]!, workers[3]!],
    ];
    await network.switches.get('leaf1')!.isolate();
    for (const worker of lost) await network.loseSight(worker);
    let settled = 0;
    const calls = lost.map((worker) => worker.allreduce(marked(worker.rank, 100)).then(() => settled++));
    for (const call of calls) call.catch(() => undefined);
    await expectMarkedSum(seen);
    // leaf1 adds them up in the old epoch, and sends that to a spine that is in the next.
    const drops = async (): Promise<number> => {
      const counts = (await network.client.getStatus()).switches.find(({ name }) => name === 'spine')!.drops;
      return (counts['WRONG_EPOCH'] ?? 0) + (counts['NOT_MEMBER'] ?? 0);
    };
    await expect.poll(drops).toBeGreaterThan(0);
    await network.switches.get('leaf1')!.reconnect();
    await expect
      .poll(async () => (await network.client.getStatus()).switches.map(({ state }) => state))
      .toEqual(['ready', 'ready', 'ready']);
    await expectMarkedSum(seen);
    expect(settled).toBe(0);
  });

  test('a job on a leaf alone shares no slot with one on the tree, and does not notice that the spine restarts', async () => {
    const { network, workers } = await running(TWO_LEVELS, ['leaf1', 'leaf2']);
    const local = await network.client.createJob({ name: 'local', workers: 2, switchName: 'leaf1' });
    expect(local).toMatchObject({ switchName: 'leaf1', switches: ['leaf1'], number: 1, slotBase: 16 });
    const locals = [await network.join('local', 0), await network.join('local', 1)];
    await Promise.all([expectMarkedSum(workers), expectMarkedSum(locals)]);
    const resumed = new Promise((resolve) => workers[0]!.once('resumed', resolve));
    const before = locals[0]!.epoch;
    await network.restart('spine');
    await resumed;
    await Promise.all([expectMarkedSum(workers), expectMarkedSum(locals)]);
    expect(locals[0]!.epoch).toBe(before);
    const { switchEvents } = await network.client.getJob('local');
    expect(switchEvents).toMatchObject([{ switchName: 'leaf1', events: { ASCENT: 0, DESCENT: 0 } }]);
    // A later job on the tree finds free slots next to both.
    expect(await network.client.createJob({ name: 'more', workers: 1 })).toMatchObject({ number: 2, slotBase: 80 });
  });
});

describe('probes', () => {
  const homes = ['leaf', 'edge', 'leaf', 'edge'];
  /** The commit comes after all data, so one chunk makes for one open round. */
  const length = 16;

  function begin(workers: readonly Worker[], absent: readonly number[]): Promise<unknown>[] {
    return workers
      .filter(({ rank }) => !absent.includes(rank))
      .map((worker) => worker.allreduce(marked(worker.rank, length)));
  }

  test('missing ranks are found wherever they are', async () => {
    const { network, workers } = await running(THREE_LEVELS, homes);
    const calls = begin(workers, [2, 3]);
    await expect
      .poll(async () => (await network.client.probeJob('train'))[0]!.sets[0])
      .toEqual({
        ...{ epoch: 1, chunk: 0, operation: 1, bitmap: 0b0011, contributions: 2, missing: [2, 3], missingSwitches: [] },
      });
    calls.push(workers[3]!.allreduce(marked(3, length)));
    await expect
      .poll(async () => (await network.client.probeJob('train'))[0]!.sets[0])
      .toMatchObject({ bitmap: 0b1011, missing: [2], missingSwitches: [] });
    calls.push(workers[2]!.allreduce(marked(2, length)));
    await Promise.all(calls);
    expect((await network.client.probeJob('train'))[0]!.sets[0]).toMatchObject({
      bitmap: 0b1111,
      contributions: 4,
      missing: [],
    });
  });

  test('a switch whose sum does not arrive is named, and nobody below it', async () => {
    const { network, workers } = await running(THREE_LEVELS, homes);
    const wire = network.wires.get('middle')!;
    wire.loss.up = 1;
    const calls = begin(workers, []);
    await expect
      .poll(async () => (await network.client.probeJob('train'))[0]!.sets[0])
      .toMatchObject({ bitmap: 0b1111, missing: [], missingSwitches: ['middle'] });
    wire.loss.up = 0;
    await Promise.all(calls);
  });
});

describe('joining', () => {
  test('a worker that names no switch goes where there is room, and is asked when there is a choice', async () => {
    const network = await Network.start(TWO_LEVELS);
    await network.client.createJob({ name: 'train', workers: 6 });
    const refused = async (rank: number, switchName?: string): Promise<string> =>
      (await failure(network.join('train', rank, switchName))).message;
    expect(await refused(0)).toMatch(/specify the switch to which worker 0 is connected: one of spine, leaf1, leaf2/);
    expect(await refused(0, 'leaf3')).toMatch(
      /switch "leaf3" is not one of job "train" \(switches: spine, leaf1, leaf2\)/,
    );
    for (const [rank, home] of ['leaf1', 'spine', 'leaf1', 'leaf1', 'leaf2'].entries())
      await network.join('train', rank, home);
    await network.join('train', 5);
    const { members } = await network.client.getJob('train');
    expect(members.at(-1)).toMatchObject({ rank: 5, switchName: 'leaf2', switchPort: 2 });
    await network.client.createJob({ name: 'other', workers: 1 });
    await expect(network.join('other', 0)).rejects.toThrow(
      /every worker port of the switches of job "other" is in use \(switches with worker ports: spine, leaf1, leaf2\)/,
    );
    await expect(network.join('other', 0, undefined, { switchPort: UPLINK })).rejects.toThrow(
      /no switch of job "other" has a worker port 100/,
    );
  });
});
