/** What users do wrong, and what they are told: everywhere the same end, and the next operation works. */
import { describe, expect, it } from 'vitest';
import {
  AbortedError,
  ControllerUnreachableError,
  JoinError,
  ShapeMismatchError,
  StalledError,
  SwitchUnreachableError,
  Worker,
} from '../../host/index.js';
import { Cluster, JOB } from './support/cluster.js';
import { allreduce, expectSameBits, failure, marked, markedSum } from './support/data.js';

const TRANSPORTS = ['in-process', 'udp'] as const;

/** All workers, and that they are still in step. */
async function expectNextOperation(workers: readonly Worker[], number: number): Promise<void> {
  const { results, stats } = await allreduce(
    workers,
    workers.map(({ rank }) => marked(rank, 100)),
  );
  for (const result of results)
    expectSameBits(
      result,
      markedSum(
        workers.map(({ rank }) => rank),
        100,
      ),
    );
  expect(stats.map(({ operation }) => operation)).toEqual(workers.map(() => number));
}

describe.each(TRANSPORTS)('operations that cannot be finished, %s', (transport) => {
  it('tensors of different shapes: everybody names the first that differs and has the input back', async () => {
    const cluster = await Cluster.start({ workers: 3, transport });
    const workers = await cluster.joinAll();
    const lengths = [400, 400, 390];
    const tensors = workers.map(({ rank }) => marked(rank, lengths[rank]!));
    const errors = await Promise.all(workers.map((worker, i) => failure(worker.allreduce(tensors[i]!))));
    for (const error of errors) {
      expect(error).toBeInstanceOf(ShapeMismatchError);
      // Whoever did not see the contradiction itself is told what the other side brought.
      expect(error.message).toMatch(/operation 1 .*tensor 0 has shape (\[400\].*\[390\]|\[390\].*\[400\])/);
    }
    tensors.forEach((tensor, rank) => expectSameBits(tensor, marked(rank, lengths[rank]!)));
    await expectNextOperation(workers, 2);
  });

  it('a sum at one worker and a mean at the other', async () => {
    const cluster = await Cluster.start({ workers: 2, transport });
    const workers = await cluster.joinAll();
    const errors = await Promise.all(
      workers.map((worker, i) => failure(worker.allreduce(marked(i, 40), { op: i === 0 ? 'sum' : 'mean' }))),
    );
    for (const error of errors) expect(error).toBeInstanceOf(ShapeMismatchError);
    expect(errors.map(({ message }) => message).join()).toMatch(/mean/);
    await expectNextOperation(workers, 2);
  });

  it('an abort at one worker ends the call at all of them, with the reason', async () => {
    const cluster = await Cluster.start({ workers: 3, transport });
    const workers = await cluster.joinAll();
    const abort = new AbortController();
    const tensors = workers.map(({ rank }) => marked(rank, 3000));
    const calls = workers
      .slice(0, 2)
      .map((worker, i) => failure(worker.allreduce(tensors[i]!, i === 1 ? { signal: abort.signal } : {})));
    // Rank 2 does not take part yet, so this comes in the middle.
    abort.abort(new Error('the training was stopped'));
    const [other, own] = await Promise.all(calls);
    const late = await failure(workers[2]!.allreduce(tensors[2]!));
    for (const error of [other!, own!, late]) expect(error).toBeInstanceOf(AbortedError);
    expect((own!.cause as Error).message).toBe('the training was stopped');
    expect(other!.message).toMatch(/operation 1 was aborted by another worker: .*cancelled/);
    tensors.forEach((tensor, rank) => expectSameBits(tensor, marked(rank, 3000)));
    await expectNextOperation(workers, 2);
  });

  it('an abort of a call that waits behind another one spares the one before', async () => {
    const cluster = await Cluster.start({ workers: 2, transport });
    const workers = await cluster.joinAll();
    const abort = new AbortController();
    const first = workers.map(({ rank }) => marked(rank, 2000));
    const before = workers.map((worker, i) => worker.allreduce(first[i]!));
    const behind = workers.map((worker, i) =>
      failure(worker.allreduce(marked(i, 10), i === 0 ? { signal: abort.signal } : {})),
    );
    abort.abort();
    await Promise.all(before);
    for (const tensor of first) expectSameBits(tensor, markedSum([0, 1], 2000));
    for (const error of await Promise.all(behind)) expect(error).toBeInstanceOf(AbortedError);
    await expectNextOperation(workers, 3);
  });

  it('a worker that never calls is named, in bounded time', async () => {
    const cluster = await Cluster.start({ workers: 3, transport });
    const workers = await cluster.joinAll({ timeoutMs: 4000 });
    const errors = await Promise.all([0, 2].map((rank) => failure(workers[rank]!.allreduce(marked(rank, 100)))));
    const stalled = errors.find((error) => error instanceof StalledError)!;
    expect(stalled.message).toMatch(/operation 1 has made no progress .*waits for ranks 1\b/);
    expect((stalled as StalledError).report.missingRanks).toEqual([1]);
    expect(await failure(workers[1]!.allreduce(marked(1, 100)))).toBeInstanceOf(AbortedError);
    await expectNextOperation(workers, 2);
  });
});

describe('joining', () => {
  it('a job that is full, or whose rank is taken or out of range: says what is free', async () => {
    const cluster = await Cluster.start({ workers: 2, ports: 6 });
    await cluster.join(0);
    const taken = await failure(cluster.join(0));
    expect(taken).toBeInstanceOf(JoinError);
    expect(taken.message).toMatch(/rank 0 of job "training" is held by the worker at .* \(free: 1\)$/);
    expect((await failure(cluster.join(2))).message).toMatch(/2 workers, ranks 0 to 1 \(free: 1\)$/);
    await cluster.join(1);
    expect((await failure(cluster.join(1))).message).toMatch(/job "training" is full: all of its 2 ranks/);
  });

  it('a job that does not exist: lists those that do', async () => {
    const cluster = await Cluster.start({ workers: 1 });
    await cluster.addJob({ name: 'evaluation', workers: 1 });
    const error = await failure(cluster.join(0, { job: 'trainig' }));
    expect(error).toBeInstanceOf(JoinError);
    expect(error).toMatchObject({ jobs: ['evaluation', JOB] });
    expect(error.message).toMatch(/there is no job "trainig" \(jobs: evaluation, training\)$/);
  });

  it('no port of the switch is left: lists them', async () => {
    const cluster = await Cluster.start({ workers: 2, ports: 1, transport: 'udp' });
    await cluster.join(0);
    expect((await failure(cluster.join(1))).message).toMatch(/every worker port of switch "s1" is in use \(ports: 1\)/);
  });

  it('no controller: gives up in the time allowed, and names the address', async () => {
    const error = await failure(Worker.join({ controller: '127.0.0.1:1', job: JOB, rank: 0, joinTimeoutMs: 500 }));
    expect(error).toBeInstanceOf(ControllerUnreachableError);
    expect(error.message).toMatch(
      /no controller answered at 127\.0\.0\.1:1 within 500 ms: .*ECONNREFUSED 127\.0\.0\.1:1$/,
    );
  });

  it('a deleted job ends its workers, which say so', async () => {
    const cluster = await Cluster.start({ workers: 2 });
    const workers = await cluster.joinAll();
    await expectNextOperation(workers, 1);
    const closed = workers.map((worker) => new Promise((resolve) => worker.once('closed', resolve)));
    const refused = await failure(cluster.client.deleteJob(JOB));
    expect(refused).toMatchObject({ code: 'FPISA_JOB_BUSY' });
    await cluster.client.deleteJob(JOB, { force: true });
    for (const error of await Promise.all(closed))
      expect((error as Error).message).toMatch(/job "training" was deleted/);
    expect(await failure(workers[0]!.allreduce(marked(0, 1)))).toBeInstanceOf(JoinError);
  });
});

describe('a switch that is not there', () => {
  it('before the job could run: the operation says after the time allowed that it never did', async () => {
    const cluster = await Cluster.start({ workers: 2, transport: 'udp' });
    await cluster.network.stop();
    const workers = await cluster.joinAll({ membershipTimeoutMs: 1000 });
    const errors = await Promise.all(workers.map((worker, i) => failure(worker.allreduce(marked(i, 10)))));
    for (const error of errors)
      expect(error.message).toMatch(/has waited \d+ ms for the controller to let the job run/);
    const [report] = (await cluster.status()).switches;
    expect(report).toMatchObject({ name: 's1', state: 'unreachable', address: cluster.network.address });
  });

  it('on the way of packets only: the error says what was tried', async () => {
    const cluster = await Cluster.start({ workers: 2, transport: 'udp', faults: { seed: 1, drop: 1 } });
    const workers = await cluster.joinAll({ timeoutMs: 3000 });
    const errors = await Promise.all(workers.map((worker, i) => failure(worker.allreduce(marked(i, 100)))));
    const own = errors.find((error) => error instanceof SwitchUnreachableError)!;
    expect(own.message).toMatch(
      /the switch has never answered: \d+ packets were sent to 127\.0\.0\.1:\d+ \(\d+ of them retransmissions\)/,
    );
    expect((own as SwitchUnreachableError).report).toMatchObject({ packetsReceived: 0, chunksDone: 0, chunksTotal: 8 });
  });

  it('any more: the error says when it was heard last, and when it is back work goes on', async () => {
    const cluster = await Cluster.start({ workers: 2, transport: 'udp' });
    const workers = await cluster.joinAll({ timeoutMs: 4000 });
    await expectNextOperation(workers, 1);
    await cluster.network.stop();
    const errors = await Promise.all(workers.map((worker, i) => failure(worker.allreduce(marked(i, 100)))));
    expect(errors.some((error) => error instanceof StalledError)).toBe(true);
    expect(errors.map(({ message }) => message).join('\n')).toMatch(
      /the last message from the switch arrived \d+ ms ago/,
    );
    await cluster.network.start();
    // Before, the time allowed would have to do for programming it, too.
    await expect
      .poll(async () => (await cluster.job()).state === 'running' && (await cluster.status()).switches[0]!.state)
      .toBe('ready');
    await expectNextOperation(workers, 3);
  });
});
