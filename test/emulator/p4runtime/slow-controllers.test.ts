/** Controllers that do not read, and controllers that are no longer there. */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { credentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { Outbox } from '../../../emulator/p4runtime/outbox.js';
import { P4RuntimeServiceClient, type Init, type StreamMessageResponse } from '../../../p4runtime/index.js';
import { Stream, TestBed } from './support.js';

describe('messages for a controller that does not read', () => {
  const error = (bytes: number): Init<StreamMessageResponse> => ({ error: { message: 'x'.repeat(bytes) } });
  const arbitration = (low: bigint): Init<StreamMessageResponse> => ({
    arbitration: { deviceId: 1n, electionId: { low, high: 0n } },
  });

  function outbox() {
    const queued: { readonly message: unknown; readonly left: () => void }[] = [];
    return { queued, box: new Outbox((message, left) => queued.push({ message, left })) };
  }

  it('are dropped beyond a number, whatever they are', () => {
    const { queued, box } = outbox();
    for (let i = 0; i < 100_000; i++) box.send(error(10));
    expect(queued.length).toBeLessThan(5000);
  });

  it('are dropped beyond a size', () => {
    const { queued, box } = outbox();
    for (let i = 0; i < 100; i++) box.send(error(2 ** 20));
    expect(queued.length).toBeLessThan(20);
  });

  it('end with the latest news of who is primary', () => {
    const { queued, box } = outbox();
    for (let i = 0; i < 100_000; i++) box.send(error(10));
    const full = queued.length;
    for (let i = 1n; i <= 1000n; i++) box.send(arbitration(i));
    expect(queued.length).toBe(full);
    for (const { left } of queued.slice(0, full)) left();
    expect(queued.length).toBe(full + 1);
    box.send(error(10));
    expect(queued.length).toBe(full + 2);
  });

  it('are not sent after the stream has ended', () => {
    const { queued, box } = outbox();
    box.close();
    box.send(error(10));
    expect(queued).toEqual([]);
  });
});

describe('a controller behind a link that was cut', () => {
  let bed: TestBed;
  afterEach(() => bed.stop());

  it('is not primary for longer than the server waits for a sign of life', async () => {
    bed = await TestBed.start({ keepalive: { intervalMs: 200, timeoutMs: 300 } });
    const sockets: Socket[] = [];
    const proxy = createServer((near) => {
      const far = connect(bed.port, '127.0.0.1');
      near.pipe(far).pipe(near);
      sockets.push(near, far);
      for (const each of [near, far]) each.on('error', () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const { port } = proxy.address() as AddressInfo;
    const stub = new P4RuntimeServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
    try {
      const far = new Stream(stub);
      far.arbitrate(2n);
      expect(await far.verdict()).toEqual(['OK', 2n]);
      const near = bed.stream();
      near.arbitrate(1n);
      expect(await near.verdict()).toEqual(['ALREADY_EXISTS', 2n]);
      // Nothing passes any more, and neither end is told.
      for (const each of sockets) each.unpipe().pause();
      expect(await near.verdict()).toEqual(['NOT_FOUND', 2n]);
    } finally {
      for (const each of sockets) each.destroy();
      stub.close();
      proxy.close();
    }
  }, 60_000);
});
