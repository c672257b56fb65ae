import { once } from 'node:events';
import { Worker as Thread } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { type Tensor, Worker, type WorkerError } from '../../../host/index.js';
import type { StartThread } from '../../../host/thread/start.js';
import { failure, join, joinAll, network, placeWorkers, ramp } from '../support/network.js';
import { compiled, threadFromSources } from '../support/thread-from-sources.js';

placeWorkers(threadFromSources);

/** Starts the thread as usual, and keeps it for the test. */
function kept(): { start: StartThread; thread(): Thread } {
  let thread: Thread | undefined;
  return { start: (data) => (thread = threadFromSources(data)), thread: () => thread! };
}

const Resizable = ArrayBuffer as unknown as new (bytes: number, options: { maxByteLength: number }) => ArrayBuffer;

function resizable(bytes: number): ArrayBuffer {
  return new Resizable(bytes, { maxByteLength: 2 * bytes });
}

describe('memory', () => {
  const kinds: [string, (bytes: number) => ArrayBufferLike][] = [
    ['of the caller alone', (bytes) => new ArrayBuffer(bytes)],
    ['shared', (bytes) => new SharedArrayBuffer(bytes)],
    // What another thread must not use in place.
    ['that can be resized', resizable],
  ];
  it.each(kinds)('%s takes the sum in place, beside bytes that stay', async (_, memory) => {
    const net = await network({ workers: 2, valuesPerPacket: 1024, slots: 64 });
    const workers = await joinAll(net, 2);
    // More than one piece of those that are copied at once.
    const length = 300_000;
    const buffers = workers.map(() => memory(4 * (length + 2)));
    const tensors = buffers.map((buffer, rank) => {
      new Float32Array(buffer).fill(-1);
      const tensor = new Float32Array(buffer, 4, length);
      tensor.set(ramp(rank, length));
      return tensor;
    });
    await Promise.all(workers.map((worker, rank) => worker.allreduce([tensors[rank]!, new Float32Array(0)])));
    for (const buffer of buffers) {
      const all = new Float32Array(buffer);
      expect([all[0], all[1], all[length], all[length + 1]]).toEqual([-1, 3, 3 * length, -1]);
    }
  });

  it('of a call that fails contains the input again', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    for (const [, memory] of kinds) {
      const tensors = [100, 90].map((length, rank) => {
        const tensor = new Float32Array(memory(4 * length));
        tensor.set(ramp(rank, length));
        return tensor;
      });
      const errors = await Promise.all(workers.map((worker, rank) => failure(worker.allreduce(tensors[rank]!))));
      expect(errors.map(({ code }) => code)).toEqual(['FPISA_SHAPE_MISMATCH', 'FPISA_SHAPE_MISMATCH']);
      tensors.forEach((tensor, rank) => expect([...tensor]).toEqual([...ramp(rank, tensor.length)]));
    }
  });

  it('of a call in progress is refused to the next one', async () => {
    const net = await network({ workers: 1 });
    const worker = await join(net, 0);
    const tensor = ramp(0, 50);
    const [first, second] = [worker.allreduce(tensor), failure(worker.allreduce(tensor.subarray(20, 30)))];
    expect(await second).toMatchObject({ code: 'FPISA_ARGUMENT' });
    await first;
    expect((await worker.allreduce(tensor.subarray(20, 30))).operation).toBe(2);
  });

  it('that cannot be copied fails its own call, and no other', async () => {
    const net = await network({ workers: 1 });
    const worker = await join(net, 0);
    const copied = new Float32Array(resizable(4 * 300_000));
    const call = failure(worker.allreduce(copied));
    const next = worker.allreduce(ramp(0, 5));
    // Breaks the rule that it is not touched, between two pieces.
    copied.subarray = () => {
      throw new Error('gone');
    };
    expect((await call).message).toBe('gone');
    expect((await next).operation).toBe(1);
    await worker.leave();
  });

  it('calls keep their order, whether their tensors are copied or not', async () => {
    const net = await network({ workers: 2, valuesPerPacket: 1024, slots: 64 });
    const workers = await joinAll(net, 2);
    const copied = (rank: number): Tensor => new Float32Array(resizable(4 * 300_000)).fill(rank + 1);
    const stats = await Promise.all(
      workers.flatMap((worker, rank) =>
        [copied(rank), ramp(rank, 3), copied(rank), ramp(rank, 5)].map((tensor) => worker.allreduce(tensor)),
      ),
    );
    expect(stats.map(({ operation, elements }) => [operation, elements])).toEqual(
      [0, 1].flatMap(() => [
        [1, 300_000],
        [2, 3],
        [3, 300_000],
        [4, 5],
      ]),
    );
  });
});

describe('the thread', () => {
  it('goes on while the caller does something else', async () => {
    const net = await network({ workers: 2 });
    const other = await join(net, 1);
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const caller = new Thread(
      `import(${JSON.stringify(compiled('host/index.js'))}).then(async ({ Worker }) => {
        const { parentPort, workerData: { address, gate } } = require('node:worker_threads');
        const worker = await Worker.join({ controller: address, job: 'train', rank: 0 });
        const tensor = new Float32Array(5000).fill(1);
        const call = worker.allreduce(tensor);
        parentPort.postMessage(worker.transportDescription);
        Atomics.wait(gate, 0, 0);
        await call;
        parentPort.postMessage(tensor[4999]);
        await worker.leave();
      });`,
      { eval: true, workerData: { address: net.address, gate } },
    );
    const [description] = (await once(caller, 'message')) as [string];
    expect(description).toMatch(/, on a thread of its own$/);
    // This result needs every packet of the caller that does not run.
    await other.allreduce(new Float32Array(5000).fill(2));
    const answer = once(caller, 'message');
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    expect(await answer).toEqual([3]);
    await once(caller, 'exit');
  });

  it('that dies is an error with a code for everyone who waits', async () => {
    const net = await network({ workers: 2 });
    const { start, thread } = kept();
    const worker = await join(net, 0, { thread: start });
    const closed = new Promise<WorkerError | undefined>((resolve) => worker.once('closed', resolve));
    const calls = [ramp(0, 10), ramp(0, 20)].map((tensor) => failure(worker.allreduce(tensor)));
    const left = worker.leave();
    await thread().terminate();
    for (const error of [...(await Promise.all(calls)), await closed]) {
      expect(error).toMatchObject({ code: 'FPISA_THREAD', name: 'ThreadError' });
      expect(error!.message).toMatch(/^the thread of rank 0 in job 'train' ended: it was stopped; /);
    }
    await left;
    await worker.close();
    expect(worker.closed).toBe(true);
    expect((await failure(worker.allreduce(ramp(0, 1)))).code).toBe('FPISA_THREAD');
  });

  it('that throws is quoted', async () => {
    const net = await network({ workers: 2 });
    const start: StartThread = () => new Thread('throw new Error("no memory left")', { eval: true });
    const error = await failure(join(net, 0, { thread: start }));
    expect(error).toMatchObject({ code: 'FPISA_THREAD', cause: expect.any(Error) });
    expect(error.message).toContain('the worker\'s thread did not start: no memory left; join with "thread: false"');
  });

  it('ends with the membership', async () => {
    const net = await network({ workers: 1 });
    const { start, thread } = kept();
    const worker = await join(net, 0, { thread: start });
    let exitCode: number | undefined;
    thread().on('exit', (code) => (exitCode = code));
    await worker.allreduce(ramp(0, 10));
    await worker.leave();
    expect(exitCode).toBe(0);
  });

  it('gives up joining when its caller does', async () => {
    const net = await network({ workers: 1 });
    const { start, thread } = kept();
    const abort = new AbortController();
    const reason = new Error('enough');
    // Nobody answers there, so it would try for long.
    const joining = failure(
      Worker.join({ controller: '127.0.0.1:1', job: net.jobName, rank: 0, thread: start, signal: abort.signal }),
    );
    while (thread() === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    abort.abort(reason);
    expect(await joining).toBe(reason);
  });

  it('is not for what cannot leave the caller, which a description says', async () => {
    const options = { controller: '127.0.0.1:1', job: 'train', rank: 0, transport: {} as never };
    const error = await failure(Worker.join({ ...options, thread: true }));
    expect(error).toMatchObject({ code: 'FPISA_ARGUMENT' });
    expect(error.message).toBe(
      `the worker has to stay on the caller's thread: transport cannot leave it; leave "thread" out`,
    );
    const net = await network({ workers: 1 });
    // From sources: there is no main.js beside the worker's program.
    const worker = await Worker.join({ controller: net.address, job: net.jobName, rank: 0 });
    const stats = await worker.allreduce(ramp(0, 4));
    await worker.close();
    expect(worker.transportDescription).toMatch(
      /, on the caller's thread \(the program of a thread is not beside that of the worker\)$/,
    );
    expect(stats.transport).toBe(worker.transportDescription);
  });
});
