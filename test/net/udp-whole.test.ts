/** Datagrams that are never cut into fragments, on a link that carries less than some of them. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Libc } from '../../net/linux/libc.js';
import { loadLibc } from '../../net/linux/libc.js';
import { UdpReceiver } from '../../net/linux/udp-receiver.js';
import { UdpSender } from '../../net/linux/udp-sender.js';
import { openUdpSocket, UdpSocketRefused, type UdpSocketHandle } from '../../net/linux/udp-socket.js';
import { Namespace, namespacesMissing } from '../emulator/support/network-namespace.js';

const missing = await namespacesMissing();
const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const LOOPBACK_NUMBER = 0x7f000001;
const MESSAGE_BYTES = 65_536;

describe.skipIf(missing !== undefined)(
  missing === undefined ? 'a link of MTU 1,500' : `a link of MTU 1,500 (${missing})`,
  () => {
    const undo: (() => void)[] = [];
    afterEach(() => undo.splice(0).forEach((each) => each()));

    async function link(whole: boolean): Promise<{ sender: UdpSender; to: UdpSocketHandle; libc: Libc }> {
      const libc = (await loadLibc()) as Libc;
      const machine = await Namespace.create();
      undo.push(() => machine.remove());
      machine.ip('link set lo mtu 1500 up');
      const [from, to] = machine.inside(() =>
        [true, false].map((sends) => {
          const options = { ip: LOOPBACK, port: 0, bufferBytes: 1 << 20 };
          const handle = openUdpSocket(libc, sends ? { ...options, whole } : options);
          if (handle instanceof UdpSocketRefused) throw new Error(handle.symbol);
          undo.push(() => libc.close(handle.fd));
          return handle;
        }),
      ) as [UdpSocketHandle, UdpSocketHandle];
      return { sender: new UdpSender(libc, from.fd, from.segments), to, libc };
    }

    /** Lengths of the datagrams that arrive when ones of these are sent. */
    async function arriving(
      { sender, to, libc }: Awaited<ReturnType<typeof link>>,
      lengths: readonly number[],
    ): Promise<number[]> {
      const source = new Uint8Array(Math.max(...lengths));
      const base = Number(libc.addressOf(source));
      for (const length of lengths) sender.put(LOOPBACK_NUMBER, to.port, base, length);
      sender.flush();
      const memory = new Uint8Array(8 * MESSAGE_BYTES);
      const receiver = new UdpReceiver(libc, to.fd, 8);
      for (let i = 0; i < 8; i++) receiver.place(i, Number(libc.addressOf(memory)) + i * MESSAGE_BYTES, MESSAGE_BYTES);
      const arrived: number[] = [];
      for (let count = receiver.receive(); count > 0; count = receiver.receive())
        for (let i = 0; i < count; i++) {
          for (let left = receiver.length(i); left > 0; left -= receiver.datagramBytes(i))
            arrived.push(Math.min(left, receiver.datagramBytes(i)));
          receiver.prepare(i);
        }
      return arrived;
    }

    it('loses those that it does not carry, and no others; and the kernel goes on cutting messages', async () => {
      const site = await link(true);
      const { segmentation } = site.sender;
      expect(await arriving(site, [8224, 8224, 4128, 1056, 1056, 288])).toEqual([1056, 1056, 288]);
      expect(site.sender.counts).toEqual({ sent: 3, full: 0, tooLarge: 3, failed: 0 });
      expect(site.sender.segmentation).toBe(segmentation);
      expect(await arriving(site, [1056, 1056, 1056])).toEqual([1056, 1056, 1056]);
      expect(site.sender.segmentation).toBe(segmentation);
    });

    it('carries them in fragments where that is not forbidden', async () => {
      const site = await link(false);
      expect(await arriving(site, [8224, 1056, 288])).toEqual([8224, 1056, 288]);
    });
  },
);
