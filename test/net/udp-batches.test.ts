import { afterEach, describe, expect, it } from 'vitest';
import { LibcMissing, loadLibc, type Libc } from '../../net/linux/libc.js';
import { UdpReceiver } from '../../net/linux/udp-receiver.js';
import { UdpSender } from '../../net/linux/udp-sender.js';
import { openUdpSocket, UdpSocketRefused, type UdpSocketHandle } from '../../net/linux/udp-socket.js';

const loaded = await loadLibc();
const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const LOOPBACK_NUMBER = 0x7f000001;
const MESSAGE_BYTES = 65_536;

describe.skipIf(loaded instanceof LibcMissing)(
  loaded instanceof LibcMissing ? `batches of datagrams (${loaded.reason})` : 'batches of datagrams',
  () => {
    const libc = loaded as Libc;
    const open: number[] = [];
    afterEach(() => open.splice(0).forEach((fd) => libc.close(fd)));

    function socket(offloads: boolean): UdpSocketHandle {
      const handle = openUdpSocket(libc, { ip: LOOPBACK, port: 0, bufferBytes: 4 << 20, offloads });
      if (handle instanceof UdpSocketRefused) throw new Error(handle.symbol);
      open.push(handle.fd);
      return handle;
    }

    /** All datagrams that wait, with the port of their sender, and the number of messages that they came in. */
    function drain(receiver: UdpReceiver, memory: Uint8Array): { datagrams: [number, Uint8Array][]; messages: number } {
      const datagrams: [number, Uint8Array][] = [];
      let messages = 0;
      for (let count = receiver.receive(); count > 0; count = receiver.receive()) {
        messages += count;
        for (let i = 0; i < count; i++) {
          const size = receiver.datagramBytes(i);
          for (let at = 0; at < receiver.length(i) || at === 0; at += Math.max(1, size)) {
            const from = i * MESSAGE_BYTES + at;
            const bytes = Math.min(size, receiver.length(i) - at);
            datagrams.push([receiver.senderPort(i), memory.slice(from, from + bytes)]);
          }
          receiver.prepare(i);
        }
      }
      return { datagrams, messages };
    }

    function receiverOf(handle: UdpSocketHandle): { receiver: UdpReceiver; memory: Uint8Array } {
      const memory = new Uint8Array(8 * MESSAGE_BYTES);
      const receiver = new UdpReceiver(libc, handle.fd, 8);
      const at = Number(libc.addressOf(memory));
      for (let i = 0; i < 8; i++) receiver.place(i, at + i * MESSAGE_BYTES, MESSAGE_BYTES);
      return { receiver, memory };
    }

    it.each([
      ['both sides', true, true],
      ['the sender alone', true, false],
      ['the receiver alone', false, true],
      ['neither', false, false],
    ])('with offloads at %s: nothing is lost, mixed up or joined', (_, sends, receives) => {
      const from = socket(sends);
      const targets = [socket(receives), socket(receives)];
      const sender = new UdpSender(libc, from.fd, from.segments);
      const source = Uint8Array.from({ length: 300_000 }, (__, i) => i ^ (i >> 8));
      const base = Number(libc.addressOf(source));
      const lengths = [1000, 1000, 1000, 400, 1000, 2000, 2000, 0, 1, 1, 9000, 9000, 9000, 100, 100, 65_000, 5, 65_507];
      const sent: number[][] = targets.map(() => []);
      let at = 0;
      lengths.forEach((length, i) => {
        const to = i % 5 === 3 ? 1 : 0;
        sender.put(LOOPBACK_NUMBER, targets[to]!.port, base + at, length);
        sent[to]!.push(at, length);
        at += length;
      });
      sender.flush();
      expect(sender.counts).toEqual({ sent: lengths.length, full: 0, tooLarge: 0, failed: 0 });
      targets.forEach((target, i) => {
        const { receiver, memory } = receiverOf(target);
        const { datagrams } = drain(receiver, memory);
        expect(datagrams.map(([port]) => port)).toEqual(datagrams.map(() => from.port));
        expect(datagrams.map(([, { length }]) => length)).toEqual(sent[i]!.filter((__, k) => k % 2 === 1));
        datagrams.forEach(([, bytes], k) => {
          const start = sent[i]![2 * k]!;
          expect(Buffer.compare(bytes, source.subarray(start, start + bytes.length)), `datagram ${k}`).toBe(0);
        });
      });
    });

    it('joins datagrams of one size to few messages', ({ skip }) => {
      const [from, to] = [socket(true), socket(true)];
      skip(!from.segments || !to.joins, 'this kernel has no UDP_SEGMENT or no UDP_GRO');
      const sender = new UdpSender(libc, from.fd, true);
      const source = new Uint8Array(64_000);
      const base = Number(libc.addressOf(source));
      for (let i = 0; i < 64; i++) sender.put(LOOPBACK_NUMBER, to.port, base + i * 1000, 1000);
      sender.flush();
      const { receiver, memory } = receiverOf(to);
      const { datagrams, messages } = drain(receiver, memory);
      expect(datagrams).toHaveLength(64);
      expect(messages).toBeLessThanOrEqual(2);
    });

    it('counts a datagram that nobody takes, and sends the next ones', () => {
      const [from, gone, to] = [socket(true), socket(true), socket(true)];
      libc.close(gone.fd);
      open.splice(open.indexOf(gone.fd), 1);
      const sender = new UdpSender(libc, from.fd, from.segments);
      const source = new Uint8Array(2000);
      const base = Number(libc.addressOf(source));
      sender.put(LOOPBACK_NUMBER, gone.port, base, 100);
      sender.put(LOOPBACK_NUMBER, to.port, base, 100);
      sender.put(LOOPBACK_NUMBER, to.port, base, 65_508);
      sender.put(LOOPBACK_NUMBER, to.port, base, 200);
      sender.flush();
      expect(sender.counts).toMatchObject({ sent: 3, tooLarge: 1 });
      const { receiver, memory } = receiverOf(to);
      expect(drain(receiver, memory).datagrams.map(([, { length }]) => length)).toEqual([100, 200]);
    });

    it('says why an address is refused', () => {
      const refused = openUdpSocket(libc, { ip: Uint8Array.of(192, 0, 2, 1), port: 9, bufferBytes: 1 << 16 });
      expect(refused).toEqual(new UdpSocketRefused('EADDRNOTAVAIL'));
      const taken = socket(true);
      const again = openUdpSocket(libc, { ip: LOOPBACK, port: taken.port, bufferBytes: 1 << 16 });
      expect(again).toEqual(new UdpSocketRefused('EADDRINUSE'));
    });
  },
);
