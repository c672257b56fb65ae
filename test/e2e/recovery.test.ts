/** Workers, controller and switch that die in the middle of an operation. */
import { describe, expect, it } from 'vitest';
import type { AllreduceStats, Worker } from '../../host/index.js';
import { FRAME_OVERHEAD_BYTES } from '../../net/frames.js';
import { readHeader } from '../../protocol/message.js';
import { Cluster } from './support/cluster.js';
import { expectSameBits, marked, markedSum } from './support/data.js';

const TRANSPORTS = ['in-process', 'udp'] as const;
const LENGTH = 3000;

/** An operation of some workers on {@link marked} tensors. */
class Operation {
  readonly tensors: Map<Worker, Float32Array>;
  /** Resolves when the first of the workers has the requested share of the results. */
  readonly reached: Promise<void>;
  private readonly calls = new Map<Worker, Promise<AllreduceStats>>();

  /** @param share 0: immediately; 1: all data has arrived, and only the commit, which leaves no worker behind, is missing. */
  constructor(workers: readonly Worker[], share: number, length = LENGTH) {
    this.tensors = new Map(workers.map((worker) => [worker, marked(worker.rank, length)]));
    let report!: () => void;
    this.reached = new Promise((resolve) => (report = resolve));
    if (share === 0) report();
    for (const [worker, tensor] of this.tensors) {
      const call = worker.allreduce(tensor, {
        onProgress: ({ chunksDone, chunksTotal }) => {
          if (worker === workers[0] && chunksDone >= share * (chunksTotal - 1)) report();
        },
      });
      // A killed worker's call has no end that matters.
      call.catch(() => undefined);
      this.calls.set(worker, call);
    }
  }

  async stats(workers: readonly Worker[] = [...this.calls.keys()]): Promise<AllreduceStats[]> {
    return await Promise.all(workers.map((worker) => this.calls.get(worker)!));
  }

  /** Waits for `survivors`. All hold the sum over everyone, or all that over the survivors: never a mixture. */
  async expectOneMembership(survivors: readonly Worker[]): Promise<AllreduceStats[]> {
    const stats = await this.stats(survivors);
    const everyone = [...this.tensors.keys()];
    const members = stats[0]!.workers === everyone.length ? everyone : survivors;
    for (const { workers } of stats) expect(workers).toBe(members.length);
    this.expectSums(members, survivors);
    return stats;
  }

  expectSums(members: readonly Worker[], holders: readonly Worker[] = members): void {
    const ranks = members.map(({ rank }) => rank);
    for (const worker of holders)
      expectSameBits(this.tensors.get(worker)!, markedSum(ranks, this.tensors.get(worker)!.length));
  }
}

/** Resolves when `worker` has heard of a membership of `ranks`. */
async function membership(worker: Worker, ranks: readonly number[]): Promise<void> {
  while (worker.ranks.join() !== ranks.join()) await new Promise((resolve) => worker.once('membership', resolve));
}

async function expectWholeOperation(workers: readonly Worker[]): Promise<void> {
  const operation = new Operation(workers, 0, 200);
  await operation.stats();
  operation.expectSums(workers);
}

describe.each(TRANSPORTS)('a worker is killed, %s', (transport) => {
  it.each([0, 0.3, 0.9, 1])(
    'when %d of the operation is done: the others agree on its sum, and a new one takes its rank',
    async (share) => {
      const cluster = await Cluster.start({ workers: 4, ports: 5, slots: 8, transport, elastic: true });
      const workers = await cluster.joinAll({ mortal: true });
      await expectWholeOperation(workers);

      const operation = new Operation(workers, share);
      await operation.reached;
      await cluster.kill(workers[2]!);
      const survivors = [workers[0]!, workers[1]!, workers[3]!];
      await operation.expectOneMembership(survivors);

      const whole = [workers[0]!, workers[1]!, await cluster.join(2), workers[3]!];
      await Promise.all(whole.map((worker) => membership(worker, [0, 1, 2, 3])));
      await expectWholeOperation(whole);
      expect(whole.map(({ completed }) => completed)).toEqual([3, 3, 3, 3]);
    },
  );
});

describe('workers are killed', () => {
  it('one after the other, until one is left, which goes on alone', async () => {
    const cluster = await Cluster.start({ workers: 4, slots: 4, elastic: true });
    let alive = await cluster.joinAll({ mortal: true });
    for (const victim of [3, 1, 2]) {
      const operation = new Operation(alive, 0.4);
      await operation.reached;
      await cluster.kill(alive.find(({ rank }) => rank === victim)!);
      alive = alive.filter(({ rank }) => rank !== victim);
      await operation.expectOneMembership(alive);
    }
    const [stats] = await new Operation(alive, 0).stats();
    expect(stats).toMatchObject({ operation: 4, workers: 1 });
  });

  it('when one of the others has the whole sum, and another one not: no mixture of sums', async () => {
    const cluster = await Cluster.start({ workers: 3, slots: 8, elastic: true });
    const workers = await cluster.joinAll({ mortal: true });
    const [first, second, third] = workers as [Worker, Worker, Worker];
    const cable = cluster.network.cables.get(cluster.transports.get(second)!.localAddress.switchPort!)!;
    const lastChunk = Math.ceil(LENGTH / 16) - 1;
    // It has sent all of its data when the result of the last chunk but 8 is there.
    cable.loses = (frame) =>
      readHeader(new DataView(frame.buffer, frame.byteOffset + FRAME_OVERHEAD_BYTES)).chunk >= lastChunk - 1;
    const operation = new Operation(workers, 1);
    await operation.reached;
    await cluster.kill(third);
    cable.loses = () => false;
    await operation.expectOneMembership([first, second]);
    await expectWholeOperation([first, second]);
  });

  it('two at the same time, on a network that loses packets', async () => {
    const cluster = await Cluster.start({
      workers: 5,
      slots: 8,
      elastic: true,
      transport: 'udp',
      faults: { seed: 11, drop: 0.05, duplicate: 0.05, reorder: 0.1 },
    });
    const workers = await cluster.joinAll({ mortal: true });
    const operation = new Operation(workers, 0.5);
    await operation.reached;
    await Promise.all([cluster.kill(workers[1]!), cluster.kill(workers[4]!)]);
    const survivors = [workers[0]!, workers[2]!, workers[3]!];
    const stats = await operation.stats(survivors);
    // The two are lost one after the other, so the sum may be over four, too; but over the same four.
    const ranks = [
      [0, 1, 2, 3, 4],
      [0, 1, 2, 3],
      [0, 2, 3, 4],
      [0, 2, 3],
    ].find((members) => operation.tensors.get(workers[0]!)![0] === markedSum(members, 1)[0]);
    expect(ranks).toBeDefined();
    operation.expectSums(
      ranks!.map((rank) => workers[rank]!),
      survivors,
    );
    for (const each of stats) expect(each.workers).toBe(ranks!.length);
  });
});

describe('a worker leaves', () => {
  it('with its last operation done: the others need nothing more of it', async () => {
    const cluster = await Cluster.start({ workers: 3, elastic: true });
    const workers = await cluster.joinAll();
    const operation = new Operation(workers, 0);
    const left = workers[2]!.leave();
    await operation.stats();
    operation.expectSums(workers);
    await left;
    const stay = workers.slice(0, 2);
    await expectWholeOperation(stay);
    expect((await cluster.job()).members.map(({ rank }) => rank)).toEqual([0, 1]);
  });
});

describe.each(TRANSPORTS)('the controller is stopped, %s', (transport) => {
  it('while an operation runs, which completes without it; its successor takes the workers back', async () => {
    const cluster = await Cluster.start({ workers: 3, slots: 4, transport });
    const workers = await cluster.joinAll();
    await expectWholeOperation(workers);
    const epoch = (await cluster.job()).epoch;

    const operation = new Operation(workers, 0.3);
    await operation.reached;
    await cluster.stopController();
    const stats = await operation.stats();
    operation.expectSums(workers);
    expect(stats.map(({ restarts }) => restarts)).toEqual([0, 0, 0]);
    // Without a controller the same members still can add.
    await expectWholeOperation(workers);

    const back = Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('resumed', resolve))));
    await cluster.startController();
    await back;
    await expectWholeOperation(workers);
    const job = await cluster.job();
    expect(job.epoch).toBeGreaterThan(epoch);
    expect(job).toMatchObject({ state: 'running', workers: 3 });
    expect(workers.map((worker) => [worker.epoch, worker.completed])).toEqual(workers.map(() => [job.epoch, 4]));
  });

  it('and comes back while the operation still runs, which is then repeated', async () => {
    const cluster = await Cluster.start({ workers: 3, transport });
    const workers = await cluster.joinAll();
    await expectWholeOperation(workers);
    const [first, second, late] = workers as [Worker, Worker, Worker];
    const tensors = new Map(workers.map((worker) => [worker, marked(worker.rank, 500)]));
    // Without the third it cannot end.
    const early = [first, second].map((worker) => worker.allreduce(tensors.get(worker)!));
    const back = Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('membership', resolve))));
    await cluster.stopController();
    await cluster.startController();
    await back;
    const stats = await Promise.all([...early, late.allreduce(tensors.get(late)!)]);
    for (const tensor of tensors.values()) expectSameBits(tensor, markedSum([0, 1, 2], 500));
    expect(stats.slice(0, 2).map(({ restarts }) => restarts > 0)).toEqual([true, true]);
  });
});

describe.each(TRANSPORTS)('the switch is stopped, %s', (transport) => {
  it.each([0, 0.5])(
    'when %d of an operation is done, and starts again empty: programmed anew, the operation is repeated',
    async (share) => {
      const cluster = await Cluster.start({ workers: 3, slots: 4, transport });
      const workers = await cluster.joinAll();
      await expectWholeOperation(workers);
      const { epoch } = await cluster.job();

      const operation = new Operation(workers, share);
      await operation.reached;
      await cluster.network.stop();
      await cluster.network.start();
      const stats = await operation.stats();
      operation.expectSums(workers);
      for (const { restarts } of stats) expect(restarts).toBeGreaterThan(0);

      const job = await cluster.job();
      expect(job.epoch).toBeGreaterThan(epoch);
      expect(job.state).toBe('running');
      expect((await cluster.status()).switches[0]).toMatchObject({ state: 'ready' });
      await expectWholeOperation(workers);
    },
  );

  it('together with the controller: both come back, and so does the operation', async () => {
    const cluster = await Cluster.start({ workers: 3, slots: 4, transport });
    const workers = await cluster.joinAll();
    await expectWholeOperation(workers);
    const operation = new Operation(workers, 0.5);
    await operation.reached;
    await Promise.all([cluster.stopController(), cluster.network.stop()]);
    await Promise.all([cluster.startController(), cluster.network.start()]);
    await operation.stats();
    operation.expectSums(workers);
    await expectWholeOperation(workers);
  });
});
