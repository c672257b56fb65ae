import { afterEach, describe, expect, it } from 'vitest';
import { UdpMemorySocket } from '../../../emulator/ports/linux/udp-memory-socket.js';
import { FRAME_OVERHEAD_BYTES } from '../../../net/frames.js';
import { LibcMissing, loadLibc, type Libc } from '../../../net/linux/libc.js';
import { UdpSender } from '../../../net/linux/udp-sender.js';
import { openUdpSocket, UdpSocketRefused } from '../../../net/linux/udp-socket.js';
import { Random } from '../../../net/random.js';

const loaded = await loadLibc();
const LOOPBACK = 0x7f000001;
/** At the end of a socket's memory: what had to be copied. */
const COPIES_BYTES = 1 << 20;
const IP = Uint8Array.of(127, 0, 0, 1);
const SERVICE = { mac: '02:00:00:00:00:fe', address: '10.0.0.254', udpPort: 1 };

describe.skipIf(loaded instanceof LibcMissing)(
  loaded instanceof LibcMissing ? `a port's frames in memory (${loaded.reason})` : "a port's frames in memory",
  () => {
    const libc = loaded as Libc;
    const closing: (() => void)[] = [];
    afterEach(() => closing.splice(0).forEach((close) => close()));

    function open(): {
      socket: UdpMemorySocket;
      region: Uint8Array;
      send: (lengths: readonly number[]) => Uint8Array[];
    } {
      const region = new Uint8Array(UdpMemorySocket.REGION_BYTES);
      const spec = { number: 1, bindAddress: '127.0.0.1', bindPort: 0, service: SERVICE };
      const socket = UdpMemorySocket.openWith(libc, spec, region);
      const from = openUdpSocket(libc, { ip: IP, port: 0, bufferBytes: 4 << 20 });
      if (from instanceof UdpSocketRefused) throw new Error(from.symbol);
      closing.push(
        () => socket.close(),
        () => libc.close(from.fd),
      );
      const sender = new UdpSender(libc, from.fd, from.segments);
      const port = Number(socket.place.split(':')[1]);
      const source = Uint8Array.from({ length: 1 << 20 }, (_, i) => i ^ (i >> 8) ^ (i >> 16));
      const base = Number(libc.addressOf(source));
      let at = 0;
      const send = (lengths: readonly number[]): Uint8Array[] => {
        const payloads = lengths.map((length) => {
          if (at + length > source.length) at = 0;
          sender.put(LOOPBACK, port, base + at, length);
          return source.slice(at, (at += length));
        });
        sender.flush();
        return payloads;
      };
      return { socket, region, send };
    }

    /** Payloads of all frames that wait; every byte after a frame may be overwritten up to the slack that it has. */
    function drain(socket: UdpMemorySocket, region: Uint8Array, places: number[] = []): Uint8Array[] {
      const payloads: Uint8Array[] = [];
      for (let idle = 0; idle < 3;) {
        const frames = socket.receive();
        idle = frames === 0 && !socket.hasLeft ? idle + 1 : 0;
        for (let i = 0; i < frames; i++) {
          const [at, length] = [socket.offset(i), socket.length(i)];
          places.push(at);
          expect(at % 16).toBe(0);
          expect(socket.room(i)).toBeGreaterThanOrEqual(length + 64);
          payloads.push(region.slice(at + FRAME_OVERHEAD_BYTES, at + length));
          region.fill(0xee, at, at + length + 64);
        }
      }
      return payloads;
    }

    it('datagrams of one size, joined, are frames where they lie from the second message on', () => {
      const { socket, region, send } = open();
      const sizes = Array<number>(21).fill(8240);
      send(sizes);
      drain(socket, region);
      const payloads = send([...sizes, 100]);
      const places: number[] = [];
      expect(drain(socket, region, places)).toEqual(payloads);
      expect(Math.max(...places)).toBeLessThan(region.length - COPIES_BYTES);
    });

    it('datagrams of any sizes, joined or not, arrive as they were sent', () => {
      const random = new Random(13n);
      const { socket, region, send } = open();
      for (let round = 0; round < 200; round++) {
        const lengths: number[] = [];
        for (let total = 0; total < 150_000 && lengths.length < 40;) {
          const length = [0, 1, 1000, 4127, 4128, 8240, 8240, 9000, 30_000, 65_507][random.below(10)]!;
          const times = 1 + random.below(8);
          for (let k = 0; k < times; k++) lengths.push(length);
          if (random.below(2) === 0) lengths.push(Math.floor(length / 2));
          total += length * times;
        }
        const payloads = send(lengths);
        const arrived = drain(socket, region);
        expect(arrived.map(({ length }) => length)).toEqual(lengths);
        expect(arrived.every((bytes, i) => Buffer.compare(bytes, payloads[i]!) === 0)).toBe(true);
      }
    });
  },
);
