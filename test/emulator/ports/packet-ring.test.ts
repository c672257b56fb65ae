import { beforeAll, describe, expect, it } from 'vitest';
import { PACKET_RX_RING, SOL_PACKET } from '../../../net/linux/abi.js';
import type { Libc } from '../../../net/linux/libc.js';
import { requireLibc } from '../../../emulator/ports/linux/require-libc.js';
import { waitForFrames, type FrameSocketOptions } from '../../../emulator/ports/linux/frame-socket.js';
import { MemorySocket } from '../../../emulator/ports/linux/memory-socket.js';
import { namespacesMissing } from '../support/network-namespace.js';
import { numbered, until, Wire } from '../support/wire.js';

const missing = await namespacesMissing();
/** More than there are slots in a ring at MTU 1500. */
const FRAMES = 5000;

describe.skipIf(missing !== undefined)(
  missing === undefined ? 'frames from a ring of the kernel' : `frames from a ring of the kernel (${missing})`,
  () => {
    const site = Wire.forEachTest();
    const { closers, end: wireEnd } = site;
    let libc: Libc;
    beforeAll(async () => {
      libc = await requireLibc();
    });

    /** Not a WebAssembly memory, so a ring must find the start of a page in it. */
    function region(): Uint8Array {
      return new Uint8Array(new SharedArrayBuffer(MemorySocket.REGION_BYTES));
    }

    function open(at: Uint8Array, options: FrameSocketOptions = {}): MemorySocket {
      const socket = MemorySocket.openWith(libc, 'inner', at, { useXdp: false, ...options });
      closers.push(() => socket.close());
      return socket;
    }

    /** Copies of the frames of one turn. */
    function turn(socket: MemorySocket, { buffer }: Uint8Array): Uint8Array[] {
      const count = socket.receive();
      return Array.from({ length: count }, (_, i) =>
        new Uint8Array(buffer).slice(socket.offset(i), socket.offset(i) + socket.length(i)),
      );
    }

    it.each(['ring', 'recvmmsg'] as const)(
      'or by its call (%s) come byte for byte and in order, many times round',
      async (way) => {
        const at = region();
        const socket = open(at, { useRing: way === 'ring' });
        expect(socket.receivesBy).toBe(way);
        const wire = await wireEnd('outer');
        let next = 0;
        for (let sent = 0; sent < FRAMES;) {
          for (const end = sent + 500; sent < end; sent++) wire.send(numbered(sent, 18 + (sent % 1497)));
          wire.flush();
          await until(() => {
            for (const frame of turn(socket, at)) {
              expect(Buffer.compare(frame, numbered(next, 18 + (next % 1497)))).toBe(0);
              next++;
            }
            return next === sent;
          });
        }
        expect(socket.statistics).toMatchObject({ received: FRAMES, unfinished: 0 });
        expect(socket.takeOverruns()).toBe(0);
      },
    );

    it('longer than a slot, as after the MTU was raised, come whole, among short ones', async () => {
      const at = region();
      const socket = open(at);
      site.namespace.ip('link set inner mtu 9000', 'link set outer mtu 9000');
      const wire = await wireEnd('outer');
      // More at once than there is memory for in one turn.
      const sent = Array.from({ length: 60 }, (_, n) => numbered(n, n % 3 === 0 ? 100 : 9014 - n));
      for (const frame of sent) wire.send(frame);
      wire.flush();
      const got: Uint8Array[] = [];
      await until(() => {
        got.push(...turn(socket, at));
        return got.length === sent.length;
      });
      expect(got.findIndex((frame, n) => Buffer.compare(frame, sent[n]!) !== 0)).toBe(-1);
      expect(socket.statistics.unfinished).toBe(0);
    });

    it('are taken by recvmmsg where the interface carries frames that would leave a ring few slots', () => {
      site.namespace.ip('link set inner mtu 9000');
      expect(open(region()).receivesBy).toBe('recvmmsg');
    });

    it.each(['has no ring', 'does not map it'] as const)('are taken by recvmmsg where the kernel %s', async (how) => {
      const without: Libc =
        how === 'has no ring'
          ? {
              ...libc,
              setsockopt: (fd, level, option, value, bytes) =>
                level === SOL_PACKET && option === PACKET_RX_RING
                  ? -1
                  : libc.setsockopt(fd, level, option, value, bytes),
            }
          : {
              ...libc,
              mapAt: (address, fd, bytes, protection, flags) =>
                fd < 0 && libc.mapAt(address, fd, bytes, protection, flags),
            };
      const at = region();
      const socket = MemorySocket.openWith(without, 'inner', at, { useXdp: false });
      closers.push(() => socket.close());
      expect(socket.receivesBy).toBe('recvmmsg');
      const wire = await wireEnd('outer');
      for (let n = 0; n < 100; n++) wire.send(numbered(n, 1400));
      wire.flush();
      const got: Uint8Array[] = [];
      await until(() => {
        got.push(...turn(socket, at));
        return got.length === 100;
      });
      expect(got.findIndex((frame, n) => Buffer.compare(frame, numbered(n, 1400)) !== 0)).toBe(-1);
    });

    it('that nobody takes are counted once the ring is full, and the next ones arrive', async () => {
      const at = region();
      const socket = open(at);
      const wire = await wireEnd('outer');
      for (let n = 0; n < FRAMES; n++) wire.send(numbered(n, 60));
      wire.flush();
      const dropped = socket.takeOverruns();
      expect(dropped).toBeGreaterThan(0);
      let next = 0;
      await until(() => {
        for (const frame of turn(socket, at)) expect(frame).toEqual(numbered(next++, 60));
        return next + dropped === FRAMES;
      });
      wire.send(numbered(9, 60));
      wire.flush();
      await until(() => turn(socket, at).length === 1);
    });

    it('may be changed, and as many bytes after them as they have room', async () => {
      const at = region();
      const socket = open(at);
      const wire = await wireEnd('outer');
      for (let round = 0; round < 60; round++) {
        for (let n = 0; n < 64; n++) wire.send(numbered(n, 1400 + n));
        wire.flush();
        let next = 0;
        await until(() => {
          const count = socket.receive();
          for (let i = 0; i < count; i++, next++) {
            const [from, length, room] = [socket.offset(i), socket.length(i), socket.room(i)];
            expect(room).toBeGreaterThanOrEqual(length);
            const frame = new Uint8Array(at.buffer, from, room);
            expect(Buffer.compare(frame.slice(0, length), numbered(next, 1400 + next))).toBe(0);
            frame.fill(0xff);
          }
          return next === 64;
        });
      }
    });

    it('stay where they are when the socket moves, and the memory it leaves is the owner’s again', async () => {
      const [before, after] = [region(), region()];
      const socket = open(before);
      const wire = await wireEnd('outer');
      const arrive = (from: number): void => {
        for (let n = from; n < from + 100; n++) wire.send(numbered(n, 100));
        wire.flush();
      };
      const take = async (at: Uint8Array, from: number): Promise<void> => {
        const got: Uint8Array[] = [];
        await until(() => {
          got.push(...turn(socket, at));
          return got.length === 100;
        });
        expect(got).toEqual(Array.from({ length: 100 }, (_, n) => numbered(from + n, 100)));
      };
      arrive(0);
      await take(before, 0);
      arrive(100);
      socket.moveTo(after, { useXdp: false });
      before.fill(0x55);
      await take(after, 100);
      arrive(200);
      await take(after, 200);
      expect(before.every((byte) => byte === 0x55)).toBe(true);
      socket.close();
      after.fill(0x55);
      expect(after.every((byte) => byte === 0x55)).toBe(true);
    });

    it('of an interface that went down end a wait a few times only; it goes on when it is up again', async () => {
      const at = region();
      const socket = open(at);
      const wire = await wireEnd('outer');
      site.namespace.ip('link set inner down');
      let turns = 0;
      while (waitForFrames(libc, [socket], 20)) {
        turn(socket, at);
        expect(++turns).toBeLessThan(1000);
      }
      site.namespace.ip('link set inner up');
      await until(() => {
        wire.send(numbered(7, 60));
        wire.flush();
        return turn(socket, at).some((frame) => Buffer.compare(frame, numbered(7, 60)) === 0);
      });
    });
  },
);
