import { randomFillSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, it } from 'vitest';
import { wasm, type WasmMemory } from '../../../emulator/machine/wasm.js';
import type { Libc } from '../../../net/linux/libc.js';
import { requireLibc } from '../../../emulator/ports/linux/require-libc.js';
import { waitForFrames, type FrameSocketOptions } from '../../../emulator/ports/linux/frame-socket.js';
import { MemorySocket } from '../../../emulator/ports/linux/memory-socket.js';
import { namespacesMissing } from '../support/network-namespace.js';
import { hasRightChecksum, numbered, until, Wire } from '../support/wire.js';

const missing = await namespacesMissing();
const PAGE = 65_536;

describe.skipIf(missing !== undefined)(
  missing === undefined ? 'sockets over a WebAssembly memory' : `sockets over a WebAssembly memory (${missing})`,
  () => {
    const site = Wire.forEachTest();
    const { closers, end: wireEnd } = site;
    let libc: Libc;
    beforeAll(async () => {
      libc = await requireLibc();
    });

    /** Space for this many sockets, after the caller's own part. */
    function memoryFor(sockets: number): { memory: WasmMemory; region: (i: number) => Uint8Array } {
      const memory = new wasm.Memory({
        initial: 1 + Math.ceil((sockets * MemorySocket.REGION_BYTES) / PAGE),
        maximum: PAGE,
        shared: true,
      });
      return {
        memory,
        region: (i) => new Uint8Array(memory.buffer, PAGE + i * MemorySocket.REGION_BYTES, MemorySocket.REGION_BYTES),
      };
    }

    function open(name: string, region: Uint8Array, options?: FrameSocketOptions): MemorySocket {
      const socket = MemorySocket.openWith(libc, name, region, options);
      closers.push(() => socket.close());
      return socket;
    }

    /** Copies of all frames that wait. */
    function drain(socket: MemorySocket, memory: WasmMemory): Uint8Array[] {
      const frames: Uint8Array[] = [];
      do {
        const count = socket.receive();
        for (let i = 0; i < count; i++)
          frames.push(new Uint8Array(memory.buffer).slice(socket.offset(i), socket.offset(i) + socket.length(i)));
      } while (socket.hasMore);
      return frames;
    }

    it('frames come in byte for byte and in order, also after the memory has grown', async () => {
      const { memory, region } = memoryFor(1);
      const socket = open('inner', region(0));
      const wire = await wireEnd('outer');
      const sent = [14, 18, 60, 61, 1000, 1514].flatMap((length, i) =>
        Array.from({ length: 40 }, (_, n) => numbered(i * 40 + n, Math.max(18, length))),
      );
      for (const half of [sent.slice(0, 120), sent.slice(120)]) {
        for (const frame of half) wire.send(frame);
        wire.flush();
        const got: Uint8Array[] = [];
        await until(() => got.push(...drain(socket, memory)) > 0 && got.length === half.length);
        expect(got).toEqual(half);
        memory.grow(500);
      }
      expect(socket.statistics).toEqual({ received: 240, unfinished: 0, sent: 0, badSize: 0, sendErrors: 0 });
    });

    it.each(['AF_XDP', 'AF_PACKET'] as const)(
      'frames go out from anywhere in the memory by %s; what cannot be carried is counted',
      async (way) => {
        const { memory, region } = memoryFor(1);
        const socket = open('inner', region(0), { useXdp: way === 'AF_XDP', memory });
        expect(socket.sendsBy).toBe(way);
        const wire = await wireEnd('outer');
        memory.grow(10);
        const bytes = new Uint8Array(memory.buffer);
        const sent = Array.from({ length: 300 }, (_, n) => numbered(n, 18 + 4 * n));
        let at = bytes.length;
        for (const frame of sent) {
          at -= frame.length;
          if (at < bytes.length - 10 * PAGE) throw new Error('frames must lie in what has grown');
          bytes.set(frame, at);
          socket.send(at, frame.length);
          if (frame.length === 258) {
            socket.send(at, 13);
            socket.send(at, 1519);
            socket.send(at, 70_000);
          }
        }
        socket.flush();
        const got: Uint8Array[] = [];
        await until(() => {
          while (wire.receive((memory, length) => got.push(memory.slice(0, length))));
          return got.length === sent.length;
        });
        // Not toEqual: it would take minutes to report the difference.
        expect(got.findIndex((frame, n) => Buffer.compare(frame, sent[n]!) !== 0)).toBe(-1);
        expect(socket.statistics).toEqual({ received: 0, unfinished: 0, sent: 300, badSize: 3, sendErrors: 0 });
      },
    );

    it.each(['AF_XDP', 'AF_PACKET'] as const)(
      'frames sent by %s to an interface that is down are lost and counted, and later ones go out',
      async (way) => {
        const { memory, region } = memoryFor(1);
        const socket = open('inner', region(0), { useXdp: way === 'AF_XDP', memory });
        const bytes = new Uint8Array(memory.buffer);
        const send = (from: number, to: number): void => {
          for (let n = from; n < to; n++) {
            bytes.set(numbered(n, 60), 64 * n);
            socket.send(64 * n, 60);
          }
          socket.flush();
        };
        site.namespace.ip('link set inner down');
        send(0, 200);
        expect(socket.statistics).toMatchObject({ sent: 0, sendErrors: 200 });
        site.namespace.ip('link set inner up');
        const wire = await wireEnd('outer');
        const got: Uint8Array[] = [];
        await until(() => {
          send(200, 201);
          while (wire.receive((frame, length) => got.push(frame.slice(0, length))));
          return got.length > 0;
        });
        expect(got[0]).toEqual(numbered(200, 60));
        const { sent, sendErrors } = socket.statistics;
        // More than there are chunks, in bursts.
        for (let burst = 0; burst < 5; burst++) send(201, 301);
        expect(socket.statistics).toMatchObject({ sent: sent + 500, sendErrors });
        got.length = 0;
        await until(() => {
          while (wire.receive((frame, length) => got.push(frame.slice(0, length))));
          return got.length >= 500;
        });
        expect(got.slice(-500)).toEqual(Array.from({ length: 500 }, (_, n) => numbered(201 + (n % 100), 60)));
      },
    );

    it('it can move to another memory, with nothing lost on the way', async () => {
      const [before, after] = [memoryFor(1), memoryFor(1)];
      const socket = open('inner', before.region(0), { useXdp: false });
      const wire = await wireEnd('outer');
      const exchange = async ({ memory }: { memory: WasmMemory }, from: number, frames: number): Promise<void> => {
        for (let n = from; n < from + frames; n++) wire.send(numbered(n, 100));
        wire.flush();
        const got: Uint8Array[] = [];
        await until(() => got.push(...drain(socket, memory)) > 0 && got.length === frames);
        expect(got).toEqual(Array.from({ length: frames }, (_, n) => numbered(from + n, 100)));
        socket.send(socket.offset(0), 100);
        socket.flush();
      };
      await exchange(before, 0, 10);
      wire.send(numbered(10, 100));
      wire.flush();
      expect(socket.hasLeft).toBe(false);
      socket.send(socket.offset(0), 100);
      socket.moveTo(after.region(0));
      expect(socket.sendsBy).toBe('AF_XDP');
      await until(() => socket.receive() === 1);
      expect(new Uint8Array(after.memory.buffer).slice(socket.offset(0), socket.offset(0) + 100)).toEqual(
        numbered(10, 100),
      );
      await exchange(after, 11, 10);
      expect(socket.statistics).toMatchObject({ received: 21, sent: 3, sendErrors: 0 });
      socket.moveTo(before.region(0));
      expect(socket.sendsBy).toBe('AF_XDP');
      await exchange(before, 21, 10);
      expect(() => socket.moveTo(after.region(0).subarray(1))).toThrow(RangeError);
    });

    it('VLAN tags that the kernel took out are in their place', async () => {
      const { memory, region } = memoryFor(1);
      const socket = open('inner', region(0));
      const wire = await wireEnd('outer');
      const sent = [
        [],
        [0x81, 0x00, 0x20, 0x05],
        [0x88, 0xa8, 0x60, 0x03],
        [0x88, 0xa8, 0x00, 0x04, 0x81, 0x00, 0x00, 0x00],
      ].map((tags, n) => {
        const frame = numbered(n, 64);
        return Uint8Array.of(...frame.subarray(0, 12), ...tags, ...frame.subarray(12));
      });
      for (const frame of sent) wire.send(frame);
      wire.flush();
      const got: Uint8Array[] = [];
      await until(() => got.push(...drain(socket, memory)) > 0 && got.length === sent.length);
      expect(got).toEqual(sent);
    });

    it('UDP checksums that were left to the card are there, of even and odd lengths', async () => {
      const { memory, region } = memoryFor(1);
      const socket = open('inner', region(0));
      site.namespace.ip('addr add 10.9.0.1/24 dev outer', 'neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev outer');
      const udp = createSocket('udp4');
      closers.push(() => new Promise<void>((done) => udp.close(() => done())));
      await new Promise<void>((done) => udp.bind(0, '10.9.0.1', done));
      const payloads = [0, 1, 2, 63, 1000, 1001, 1472].map((length) => Buffer.alloc(length, 0xa7));
      for (const payload of payloads) udp.send(payload, 7777, '10.9.0.2');
      const got: Uint8Array[] = [];
      await until(() => got.push(...drain(socket, memory)) > 0 && got.length === payloads.length);
      expect(got.map((frame) => Buffer.from(frame.subarray(42)))).toEqual(payloads);
      expect(got.map(hasRightChecksum)).toEqual(payloads.map(() => true));
    });

    it('TCP between two machines is cut into segments with right checksums', async () => {
      const far = await site.farMachine();
      const { memory, region } = memoryFor(2);
      const sockets = [open('inner', region(0)), open('inner2', region(1))] as const;
      const bytes = new Uint8Array(memory.buffer);
      const wrong: Uint8Array[] = [];
      let checked = 0;
      const repeat = (from: MemorySocket, to: MemorySocket): void => {
        do {
          const count = from.receive();
          for (let i = 0; i < count; i++) {
            const frame = bytes.subarray(from.offset(i), from.offset(i) + from.length(i));
            if (frame[12] === 8 && frame[13] === 0) {
              checked++;
              if (frame.length > 1514 || !hasRightChecksum(frame)) wrong.push(frame.slice());
            }
            to.send(from.offset(i), from.length(i));
          }
          to.flush();
        } while (from.hasMore);
      };
      const timer = setInterval(() => {
        repeat(sockets[0], sockets[1]);
        repeat(sockets[1], sockets[0]);
      }, 0);
      closers.push(() => clearInterval(timer));

      const data = randomFillSync(Buffer.alloc(2_000_000));
      await site.expectTcp(far, data);
      expect(wrong).toEqual([]);
      expect(checked).toBeGreaterThan(data.length / 1448);
    });

    it('waiting ends when a frame is there, or something else is readable, and not before', async () => {
      const { memory, region } = memoryFor(1);
      const socket = open('inner', region(0));
      const wire = await wireEnd('outer');
      drain(socket, memory);
      expect(waitForFrames(libc, [socket], 1)).toBe(false);
      wire.send(numbered(1, 60));
      wire.flush();
      expect(waitForFrames(libc, [socket], 10_000)).toBe(true);
      expect(drain(socket, memory)).toHaveLength(1);
      // A descriptor that is readable: a socket with a frame.
      const other = open('outer', memoryFor(1).region(0));
      socket.send(socket.offset(0), socket.length(0));
      socket.flush();
      expect(waitForFrames(libc, [socket], 10_000, other.descriptor)).toBe(true);
    });

    it('works on a thread of its own', async () => {
      const { memory, region } = memoryFor(1);
      const wire = await wireEnd('outer');
      const loader = new URL('../../controlplane/typescript-loader.mjs', import.meta.url).href;
      const file = (name: string): string =>
        JSON.stringify(new URL(`../../../emulator/ports/linux/${name}.ts`, import.meta.url).href);
      // Threads that exist or begin are in the namespace of the thread that starts them.
      const worker = new Worker(
        `(async () => {
        const { parentPort, workerData: { memory, at, length } } = require('node:worker_threads');
        require('node:module').register(${JSON.stringify(loader)});
        const { requireLibc } = await import(${file('require-libc')});
        const { MemorySocket } = await import(${file('memory-socket')});
        const { waitForFrames } = await import(${file('frame-socket')});
        const libc = await requireLibc();
        const socket = MemorySocket.openWith(libc, 'inner', new Uint8Array(memory.buffer, at, length));
        parentPort.postMessage('open');
        for (let echoed = 0; echoed < 1000; ) {
          waitForFrames(libc, [socket], 1000);
          const count = socket.receive();
          for (let i = 0; i < count; i++) socket.send(socket.offset(i), socket.length(i));
          socket.flush();
          echoed += count;
        }
        socket.close();
      })();`,
        { eval: true, workerData: { memory, at: region(0).byteOffset, length: region(0).length } },
      );
      await new Promise<void>((resolve, reject) => worker.once('message', () => resolve()).once('error', reject));
      let next = 0;
      for (let n = 0; n < 1000; n++) wire.send(numbered(n, 100));
      wire.flush();
      await until(() => {
        while (
          wire.receive((frame, length) => {
            expect(frame.slice(0, length)).toEqual(numbered(next++, 100));
          })
        );
        return next === 1000;
      });
      await worker.terminate();
    });

    it('a closed socket receives nothing and drops what it is given', () => {
      const socket = open('inner', memoryFor(1).region(0));
      socket.close();
      socket.close();
      expect([socket.receive(), socket.closed, waitForFrames(libc, [socket], 0)]).toEqual([0, true, false]);
      socket.send(0, 60);
      socket.flush();
      expect(socket.statistics.sendErrors).toBe(1);
    });

    it('refuses too little memory, and an interface that is not there', () => {
      const { region } = memoryFor(1);
      expect(() => MemorySocket.openWith(libc, 'inner', region(0).subarray(1))).toThrow(RangeError);
      expect(() => MemorySocket.openWith(libc, 'eth77', region(0))).toThrow(
        expect.objectContaining({ code: 'EMULATOR_INTERFACE', reason: 'EMULATOR_PORT_NO_INTERFACE' }) as Error,
      );
    });
  },
);
