import { describe, expect, it } from 'vitest';
import type { FakeOptions } from './support/fake-controller.js';
import { failure, join, joinAll, network, ramp } from './support/network.js';

describe('membership', () => {
  it('a worker that leaves is not waited for, and those that stay need no result from it', async () => {
    const net = await network({ workers: 3 });
    const workers = await joinAll(net, 3);
    await Promise.all(workers.map((worker, rank) => worker.allreduce(ramp(rank, 100))));
    await workers[2]!.leave();
    expect(net.farewells).toEqual([expect.objectContaining({ completed: 1, received: 1 })]);
    const tensors = [ramp(0, 100), ramp(1, 100)];
    const stats = await Promise.all([0, 1].map((rank) => workers[rank]!.allreduce(tensors[rank]!, { op: 'mean' })));
    expect(stats.map((one) => one.workers)).toEqual([2, 2]);
    expect(tensors[0]![1]).toBe(3);
    expect((await failure(workers[2]!.allreduce(ramp(0, 1)))).code).toBe('FPISA_CLOSED');
  });

  it('leave() waits for calls under way, close() does not', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    const call = workers[0]!.allreduce(ramp(0, 10));
    const left = workers[0]!.leave();
    const [stats] = await Promise.all([call, workers[1]!.allreduce(ramp(1, 10)), left]);
    expect(stats.workers).toBe(2);
    // Alone now, so the call runs; closing before the epoch does is what counts.
    const late = failure(workers[1]!.allreduce(ramp(1, 100_000)));
    await workers[1]!.close();
    expect((await late).code).toBe('FPISA_CLOSED');
  });

  it('a dead worker: the operation begins again without it, and a new process takes its rank', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    await Promise.all(workers.map((worker, rank) => worker.allreduce(ramp(rank, 10))));
    const tensor = ramp(0, 40);
    const under = workers[0]!.allreduce(tensor);
    await workers[1]!.close();
    const stats = await under;
    expect(stats).toMatchObject({ operation: 2, workers: 1, restarts: 1 });
    expect(tensor).toEqual(ramp(0, 40));
    const again = await join(net, 1);
    const pair = await Promise.all([workers[0]!, again].map((worker, rank) => worker.allreduce(ramp(rank, 10))));
    expect(pair.map(({ operation, workers: count }) => [operation, count])).toEqual([
      [3, 2],
      [3, 2],
    ]);
    expect(again.completed).toBe(3);
  });

  it('a controller that is killed and comes back is found again, with where this worker stands', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    await Promise.all(workers.map((worker, rank) => worker.allreduce(ramp(rank, 10))));
    const broken = Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('disconnected', resolve))));
    net.killController();
    await broken;
    // The switch still has its tables.
    await Promise.all(workers.map((worker, rank) => worker.allreduce(ramp(rank, 500))));
    const back = Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('resumed', resolve))));
    await net.startController();
    await back;
    expect(net.hellos.slice(-2).map(({ completed }) => completed)).toEqual([2, 2]);
    const stats = await Promise.all(workers.map((worker, rank) => worker.allreduce(ramp(rank, 10))));
    expect(stats.map(({ operation }) => operation)).toEqual([3, 3]);
  });

  it('a controller that stays away fails an operation only if there is no progress either', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2, { timeoutMs: 500 });
    await Promise.all(workers.map((worker, rank) => worker.allreduce(ramp(rank, 10))));
    const broken = new Promise((resolve) => workers[0]!.once('disconnected', resolve));
    net.killController();
    await broken;
    const error = await failure(workers[0]!.allreduce(ramp(0, 10)));
    expect(error.code).toBe('FPISA_CONTROLLER_UNREACHABLE');
    expect(error.message).toMatch(/no connection to the controller/);
  });

  it('a rank that another process has taken meanwhile is given up', async () => {
    const net = await network({ workers: 1 });
    const worker = await join(net, 0, { joinTimeoutMs: 400 });
    await worker.allreduce(ramp(0, 3));
    const closed = new Promise((resolve) => worker.once('closed', resolve));
    net.killController();
    net.occupied.add(0);
    await net.startController();
    expect(await closed).toMatchObject({ code: 'FPISA_JOIN', message: expect.stringContaining('rank 0 is taken') });
  });

  it('a job that is gone when the controller comes back ends the worker', async () => {
    const net = await network({ workers: 1 });
    const worker = await join(net, 0);
    await worker.allreduce(ramp(0, 3));
    const closed = new Promise((resolve) => worker.once('closed', resolve));
    net.killController();
    Object.assign(net, { options: { ...(net as unknown as { options: FakeOptions }).options, job: 'other' } });
    await net.startController();
    expect(await closed).toMatchObject({ code: 'FPISA_JOIN', jobs: ['other'] });
    expect((await failure(worker.allreduce(ramp(0, 3)))).code).toBe('FPISA_JOIN');
  });
});
