/** What becomes of a sum when some of the job's workers are gone. */
import { describe, expect, it } from 'vitest';
import type { AllreduceStats, MembersLostError, Worker } from '../../host/index.js';
import { Cluster } from './support/cluster.js';
import { expectSameBits, marked, markedSum } from './support/data.js';

const LENGTH = 800;

const failureOf = (call: Promise<unknown>): Promise<MembersLostError> =>
  call.then(
    () => Promise.reject(new Error('the call succeeded')),
    (error: unknown) => error as MembersLostError,
  );

async function expectWholeOperation(workers: readonly Worker[]): Promise<AllreduceStats[]> {
  const tensors = workers.map(({ rank }) => marked(rank, LENGTH));
  const stats = await Promise.all(workers.map((worker, index) => worker.allreduce(tensors[index]!)));
  for (const tensor of tensors)
    expectSameBits(
      tensor,
      markedSum(
        workers.map(({ rank }) => rank),
        LENGTH,
      ),
    );
  return stats;
}

describe('a job that needs all of its workers', () => {
  it.each([
    ['is killed', 'sum'],
    ['is killed', 'mean'],
    ['leaves', 'sum'],
  ] as const)(
    'a worker %s: the %s of the others fails, names it, and leaves their input as it was',
    { timeout: 60_000 },
    async (how, op) => {
      const cluster = await Cluster.start({ workers: 3, returnTimeoutMs: 2_000 });
      const workers = await cluster.joinAll({ mortal: true });
      const whole = await expectWholeOperation(workers);
      expect(whole[0]).toMatchObject({ workers: 3, jobWorkers: 3, missing: [], partial: undefined });
      const survivors = [workers[0]!, workers[2]!];
      const told = new Promise((resolve) => survivors[0]!.once('missing', resolve));
      const tensors = survivors.map(({ rank }) => marked(rank, LENGTH));
      const calls = survivors.map((worker, index) => failureOf(worker.allreduce(tensors[index]!, { op })));
      if (how === 'leaves') await workers[1]!.leave();
      else await cluster.kill(workers[1]!);
      const verb = how === 'leaves' ? 'left' : 'was lost';
      expect(await told).toMatchObject({
        ranks: [{ rank: 1, left: how === 'leaves' }],
        reason: `rank 1 ${verb}`,
      });
      for (const error of await Promise.all(calls)) {
        expect(error).toMatchObject({ code: 'FPISA_MEMBERS_LOST', missingRanks: [1] });
        expect(error.message).toBe(
          `rank 1 ${verb} and did not return within 2 s, but an operation of job 'training' needs all of its 3 workers: ` +
            'start all of them again, or create the job with --elastic to go on with fewer',
        );
      }
      for (const [index, { rank }] of survivors.entries()) expectSameBits(tensors[index]!, marked(rank, LENGTH));
      // Nothing comes after it.
      expect((await failureOf(survivors[0]!.allreduce(marked(0, 10)))).code).toBe('FPISA_MEMBERS_LOST');
      cluster.unplug(...workers);
      await expectWholeOperation(await cluster.joinAll());
    },
  );

  it('a new process takes the lost rank in time: the operation is summed over all', async () => {
    const cluster = await Cluster.start({ workers: 3, ports: 4 });
    const workers = await cluster.joinAll({ mortal: true });
    await expectWholeOperation(workers);
    const survivors = [workers[0]!, workers[2]!];
    const tensors = new Map(survivors.map((worker) => [worker, marked(worker.rank, LENGTH)]));
    const missing = new Promise((resolve) => survivors[0]!.once('missing', resolve));
    const calls = survivors.map((worker) => worker.allreduce(tensors.get(worker)!));
    await cluster.kill(workers[1]!);
    await missing;
    const successor = await cluster.join(1);
    tensors.set(successor, marked(1, LENGTH));
    const stats = await Promise.all([...calls, successor.allreduce(tensors.get(successor)!)]);
    for (const tensor of tensors.values()) expectSameBits(tensor, markedSum([0, 1, 2], LENGTH));
    for (const each of stats) expect(each).toMatchObject({ operation: 2, workers: 3, partial: undefined });
  });

  it('its last worker to finish needs nobody of those that have left', async () => {
    const cluster = await Cluster.start({ workers: 3 });
    const workers = await cluster.joinAll();
    for (let round = 0; round < 3; round++) {
      const calls = workers.map(async (worker) => {
        const tensor = marked(worker.rank, LENGTH);
        await worker.allreduce(tensor);
        expectSameBits(tensor, markedSum([0, 1, 2], LENGTH));
        if (round === 2) await worker.leave();
      });
      await Promise.all(calls);
    }
    await expect.poll(async () => (await cluster.job()).state).toBe('waiting');
  });
});

describe('an elastic job', () => {
  it('goes on, and every result says over whom', async () => {
    const cluster = await Cluster.start({ workers: 3, elastic: true });
    const workers = await cluster.joinAll({ mortal: true });
    await expectWholeOperation(workers);
    const said: string[] = [];
    workers[0]!.on('partial', ({ partial }) => said.push(partial));
    const membership = new Promise((resolve) => workers[0]!.once('resumed', resolve));
    await cluster.kill(workers[1]!);
    await membership;
    const [stats] = await expectWholeOperation([workers[0]!, workers[2]!]);
    expect(stats).toMatchObject({
      workers: 2,
      ranks: [0, 2],
      jobWorkers: 3,
      missing: [{ rank: 1, left: false }],
      partial: 'summed over 2 of 3 workers (rank 1 was lost)',
    });
    const again = new Promise((resolve) => workers[0]!.once('resumed', resolve));
    await workers[2]!.leave();
    await again;
    const [alone] = await expectWholeOperation([workers[0]!]);
    expect(alone!.partial).toBe('summed over 1 of 3 workers (rank 1 was lost and rank 2 left)');
    expect(said).toEqual([stats!.partial, alone!.partial]);
  });
});
