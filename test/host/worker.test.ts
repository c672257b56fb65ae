import { describe, expect, it } from 'vitest';
import { type FramePort, InProcessTransport, Worker } from '../../host/index.js';
import { encapsulate, payloadFor } from '../../net/frames.js';
import { macToBytes } from '../../net/mac.js';
import { failure, join, joinAll, network, placed, ramp } from './support/network.js';

describe('allreduce', () => {
  it('sums a tensor over all workers in place', async () => {
    const net = await network({ workers: 3 });
    const workers = await joinAll(net, 3);
    const tensors = workers.map((_, rank) => ramp(rank, 1000));
    const stats = await Promise.all(workers.map((worker, rank) => worker.allreduce(tensors[rank]!)));
    for (const tensor of tensors) expect(tensor).toEqual(Float32Array.from({ length: 1000 }, (_, i) => 6 * (i + 1)));
    expect(stats[0]).toMatchObject({
      operation: 1,
      elements: 1000,
      chunks: 64,
      workers: 3,
      restarts: 0,
      packetsReceived: 64,
    });
    expect(stats[0]!.rttMicros).toBeGreaterThan(0);
    expect(workers.map((worker) => worker.completed)).toEqual([1, 1, 1]);
  });

  it('packs several tensors, also empty ones, and keeps them apart', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    const lists = [0, 1].map((rank) => [ramp(rank, 5), new Float32Array(0), ramp(rank, 30), ramp(rank, 1)]);
    await Promise.all(workers.map((worker, rank) => worker.allreduce(lists[rank]!)));
    expect(lists[1]!.map((tensor) => [...tensor].slice(0, 2))).toEqual([[3, 6], [], [3, 6], [3]]);
    expect(lists[0]).toEqual(lists[1]);
  });

  it('takes records by name, whatever order they were written in', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    const a = { w: new Float32Array([1, 2]), b: new Float32Array([10]) };
    const b = { b: new Float32Array([20]), w: new Float32Array([3, 4]) };
    await Promise.all([workers[0]!.allreduce(a), workers[1]!.allreduce(b)]);
    expect(a).toEqual({ w: new Float32Array([4, 6]), b: new Float32Array([30]) });
    expect(b.w).toEqual(a.w);
  });

  it('divides a mean by the members', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    const tensors = [ramp(0, 20), ramp(1, 20)];
    await Promise.all(workers.map((worker, rank) => worker.allreduce(tensors[rank]!, { op: 'mean' })));
    expect(tensors[0]![3]).toBe(6);
  });

  it('sums integers for a job of format int32', async () => {
    const net = await network({ workers: 2, format: 'int32' });
    const workers = await joinAll(net, 2);
    const tensors = [new Int32Array([1, -7, 2 ** 31 - 1]), new Int32Array([2, 3, 1])];
    await Promise.all(workers.map((worker, rank) => worker.allreduce(tensors[rank]!)));
    expect([...tensors[0]!]).toEqual([3, -4, 2 ** 31 - 1]);
    expect((await failure(workers[0]!.allreduce(new Float32Array(1)))).message).toMatch(/Float32Array.*Int32Array/);
    expect((await failure(workers[0]!.allreduce(new Int32Array(1), { op: 'mean' }))).code).toBe('FPISA_ARGUMENT');
  });

  it('keeps workers in step for an empty tensor and refuses an empty list', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    expect((await failure(workers[0]!.allreduce([]))).message).toMatch(/empty/);
    const stats = await Promise.all(workers.map((worker) => worker.allreduce(new Float32Array(0))));
    expect(stats.map(({ elements, chunks, operation }) => [elements, chunks, operation])).toEqual([
      [0, 1, 1],
      [0, 1, 1],
    ]);
  });

  it('carries out concurrent calls in order and reports progress', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    const reports: number[][] = [];
    const stats = await Promise.all(
      workers.flatMap((worker, rank) =>
        [400, 7, 90].map((length) =>
          worker.allreduce(ramp(rank, length), {
            onProgress: ({ operation, chunksDone, chunksTotal }) => {
              if (rank === 0) reports.push([operation, chunksDone, chunksTotal]);
            },
          }),
        ),
      ),
    );
    expect(stats.map(({ operation }) => operation)).toEqual([1, 2, 3, 1, 2, 3]);
    expect(reports.map(([operation]) => operation)).toEqual(reports.map(([operation]) => operation).sort());
    expect(reports.filter(([, done, total]) => done === total)).toEqual([
      [1, 26, 26],
      [2, 2, 2],
      [3, 7, 7],
    ]);
  });

  it('survives loss in both directions', async () => {
    let packets = 0;
    const net = await network({ workers: 3, loses: () => ++packets % 11 === 0 });
    const workers = await joinAll(net, 3);
    const tensors = workers.map((_, rank) => ramp(rank, 3000));
    const stats = await Promise.all(workers.map((worker, rank) => worker.allreduce(tensors[rank]!)));
    expect(tensors[2]).toEqual(Float32Array.from({ length: 3000 }, (_, i) => 6 * (i + 1)));
    expect(stats.reduce((sum, one) => sum + one.retransmissions, 0)).toBeGreaterThan(0);
  });
});

describe('in process', () => {
  it('workers on frame ports of one switch need no socket', async () => {
    const net = await network({ workers: 2 });
    const ports: FramePort[] = [];
    const transport = (rank: number) => {
      const mac = `02:00:00:00:00:0${rank}`;
      const me = { mac: macToBytes(mac)!, ip: Uint8Array.of(10, 0, 0, rank + 1), udpPort: 4000 };
      const port: FramePort = {
        onFrame: undefined,
        send(frame) {
          const service = { mac: frame.slice(0, 6), ip: Uint8Array.of(127, 0, 0, 1), udpPort: net.portOf(rank) };
          for (const { rank: to, message } of net.switch.handle(rank, payloadFor(service, frame)!)) {
            const receiver = { mac: macToBytes(mac)!, ip: Uint8Array.of(10, 0, 0, to + 1), udpPort: 4000 };
            ports[to]!.onFrame?.(encapsulate(service, receiver, message));
          }
        },
      };
      ports[rank] = port;
      return new InProcessTransport(port, { ip: me.ip.join('.'), udpPort: me.udpPort, mac });
    };
    const workers = await Promise.all([0, 1].map((rank) => join(net, rank, { transport: transport(rank) })));
    const tensors = [ramp(0, 500), ramp(1, 500)];
    const stats = await Promise.all(workers.map((worker, rank) => worker.allreduce(tensors[rank]!)));
    expect(tensors[0]).toEqual(Float32Array.from({ length: 500 }, (_, i) => 3 * (i + 1)));
    expect(stats.map(({ strays }) => strays)).toEqual([0, 0]);
    expect(net.hellos.map(({ mac }) => mac).sort()).toEqual(['02:00:00:00:00:00', '02:00:00:00:00:01']);
  });
});

describe('failures', () => {
  it('join: an unknown job is refused with the list of jobs, a taken rank too', async () => {
    const net = await network({ workers: 2 });
    const unknown = await failure(Worker.join({ controller: net.address, job: 'nope', rank: 0, ...placed() }));
    expect(unknown).toMatchObject({ code: 'FPISA_JOIN', jobs: ['train'] });
    expect(unknown.message).toMatch(/no job 'nope'.*train/);
    await join(net, 0);
    expect((await failure(join(net, 0))).message).toMatch(/rank 0 is taken/);
  });

  it('join: no controller', async () => {
    const error = await failure(
      Worker.join({ controller: '127.0.0.1:1', job: 'train', rank: 0, joinTimeoutMs: 300, ...placed() }),
    );
    expect(error.code).toBe('FPISA_CONTROLLER_UNREACHABLE');
    expect(error.message).toContain('127.0.0.1:1');
  });

  it('join: options that cannot be', async () => {
    const base = { controller: 'localhost:1', job: 'train', rank: 0, ...placed() };
    for (const bad of [
      { controller: 'nohost' },
      { job: '' },
      { rank: 32 },
      { rank: -1 },
      { timeoutMs: 0 },
      { burst: 0 },
    ]) {
      expect((await failure(Worker.join({ ...base, ...bad }))).code).toBe('FPISA_ARGUMENT');
    }
  });

  it('join: cancelled', async () => {
    const net = await network({ workers: 2 });
    const reason = new Error('enough');
    expect(
      await failure(
        Worker.join({ controller: net.address, job: 'train', rank: 0, signal: AbortSignal.abort(reason), ...placed() }),
      ),
    ).toBe(reason);
  });

  it('different shapes reject everywhere, name both, give the input back, and the next operation works', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    const tensors = [ramp(0, 100), ramp(1, 90)];
    const errors = await Promise.all(workers.map((worker, rank) => failure(worker.allreduce(tensors[rank]!))));
    expect(errors.map((error) => error.code)).toEqual(['FPISA_SHAPE_MISMATCH', 'FPISA_SHAPE_MISMATCH']);
    expect(errors[0]!.message).toContain('[100]');
    expect(errors[1]!.message).toContain('[90]');
    for (const error of errors)
      expect(error.message).toMatch(
        /tensors differ: tensor 0 has shape \[\d+\] at rank \d \(this worker\) and \[\d+\] at/,
      );
    expect(tensors).toEqual([ramp(0, 100), ramp(1, 90)]);
    const stats = await Promise.all(workers.map((worker, rank) => worker.allreduce(ramp(rank, 50))));
    expect(stats.map(({ operation }) => operation)).toEqual([2, 2]);
  });

  it('sum at one worker and mean at another is told apart', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    const errors = await Promise.all([
      failure(workers[0]!.allreduce(ramp(0, 10))),
      failure(workers[1]!.allreduce(ramp(0, 10), { op: 'mean' })),
    ]);
    expect(errors[0]!.message).toContain('rank 0 (this worker) asks for a sum, rank 1 for a mean');
    expect(errors[1]!.message).toContain('rank 1 (this worker) asks for a mean, rank 0 for a sum');
  });

  it('names of equal shapes that differ reject everywhere, and each names the first', async () => {
    const net = await network({ workers: 3 });
    const workers = await joinAll(net, 3);
    const tensors = ['beta', 'beta', 'gamma'].map((name, rank) => ({ [name]: ramp(rank, 40), weight: ramp(rank, 8) }));
    const errors = await Promise.all(workers.map((worker, rank) => failure(worker.allreduce(tensors[rank]!))));
    for (const error of errors) {
      expect(error.code).toBe('FPISA_SHAPE_MISMATCH');
      expect(error.message).toMatch(/rank [01].* has tensor "beta", rank 2.* has none of that name/);
    }
    for (const [rank, { weight }] of tensors.entries()) expect(weight).toEqual(ramp(rank, 8));
    const late = await Promise.all(workers.map((worker, rank) => worker.allreduce(ramp(rank, 50))));
    expect(late.map(({ operation }) => operation)).toEqual([2, 2, 2]);
  });

  it('says after two seconds which rank has not begun, and after it has, no more', async () => {
    const net = await network({ workers: 3 });
    const workers = await joinAll(net, 3);
    const said: string[] = [];
    workers[0]!.on('waiting', ({ message, ranks }) => said.push(`${message}: ${String(ranks)}`));
    const early = [0, 2].map((rank) => workers[rank]!.allreduce(ramp(rank, 100)));
    while (said.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(said).toEqual(['waiting for rank 1 to begin: 1']);
    await Promise.all([...early, workers[1]!.allreduce(ramp(1, 100))]);
  });

  it('a cancelled call rejects everywhere, also one that was still queued', async () => {
    const net = await network({ workers: 2 });
    const workers = await joinAll(net, 2);
    const abort = new AbortController();
    const cancelled = failure(workers[0]!.allreduce(ramp(0, 64), { signal: abort.signal }));
    const waiting = failure(workers[0]!.allreduce(ramp(0, 3), { signal: abort.signal }));
    abort.abort(new Error('stop'));
    expect((await cancelled).code).toBe('FPISA_ABORTED');
    expect(((await waiting).cause as Error).message).toBe('stop');
    const others = [
      await failure(workers[1]!.allreduce(ramp(1, 64))),
      await failure(workers[1]!.allreduce(ramp(1, 3))),
    ];
    expect(others.map((error) => error.code)).toEqual(['FPISA_ABORTED', 'FPISA_ABORTED']);
    const stats = await Promise.all(workers.map((worker, rank) => worker.allreduce(ramp(rank, 50))));
    expect(stats.map(({ operation }) => operation)).toEqual([3, 3]);
  });

  it('a switch that never answers', async () => {
    const net = await network({ workers: 2, answers: false });
    const workers = await joinAll(net, 2, { timeoutMs: 400 });
    const errors = await Promise.all(workers.map((worker, rank) => failure(worker.allreduce(ramp(rank, 40)))));
    expect(errors.some((error) => error.code === 'FPISA_SWITCH_UNREACHABLE')).toBe(true);
    const own = errors.find((error) => error.code === 'FPISA_SWITCH_UNREACHABLE')!;
    expect(own.message).toMatch(/never answered: \d+ packets were sent to 127\.0\.0\.1:\d+/);
  });

  it('a worker that does not call is named', async () => {
    const net = await network({ workers: 3 });
    const workers = await joinAll(net, 3, { timeoutMs: 600 });
    const errors = await Promise.all([0, 2].map((rank) => failure(workers[rank]!.allreduce(ramp(rank, 40)))));
    const stalled = errors.find((error) => error.code === 'FPISA_STALLED')!;
    expect(stalled.message).toMatch(/waits for ranks 1\b/);
    expect(stalled).toMatchObject({
      report: { missingRanks: [1], chunksDone: 0, chunksTotal: 4, outstandingSlots: [0, 1, 2] },
    });
    expect(errors.every((error) => ['FPISA_STALLED', 'FPISA_ABORTED'].includes(error.code))).toBe(true);
  });

  it('members that never come', async () => {
    const net = await network({ workers: 2 });
    const worker = await join(net, 0, { membershipTimeoutMs: 200 });
    expect((await failure(worker.allreduce(ramp(0, 4)))).message).toMatch(
      /rank 0 has waited .* its members are ranks 0/,
    );
  });
});
