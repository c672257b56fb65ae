import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PacketPort, RawSocket, type Port } from '../../../emulator/index.js';
import { namespacesMissing } from '../support/network-namespace.js';
import { carries, hasRightChecksum, numbered, until, Wire } from '../support/wire.js';

const missing = await namespacesMissing();

/** Some turns of the event loop, and time for whatever the kernel has in flight. */
async function pause(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((next) => setTimeout(next, 5));
}

describe.skipIf(missing !== undefined)(missing === undefined ? 'packet ports' : `packet ports (${missing})`, () => {
  const site = Wire.forEachTest();
  const { closers, end: wireEnd } = site;

  async function portAt(name: string, receive: (frame: Uint8Array) => void = () => {}): Promise<PacketPort> {
    const port = new PacketPort({ number: 1, interface: name });
    await port.open(receive);
    closers.push(() => port.close());
    return port;
  }

  /** Everything that waits at the socket, copied. */
  function drain(socket: RawSocket): Uint8Array[] {
    const frames: Uint8Array[] = [];
    while (socket.receive((memory, length) => frames.push(memory.slice(0, length))));
    return frames;
  }

  describe('frames', () => {
    it('come in as they were sent, byte for byte and in order', async () => {
      const wire = await wireEnd('outer');
      const got: Uint8Array[] = [];
      const port = await portAt('inner', (frame) => got.push(frame));
      const sent = [18, 19, 60, 61, 1000, 1514].flatMap((length, i) =>
        Array.from({ length: 40 }, (_, n) => numbered(i * 40 + n, length)),
      );
      for (const frame of sent) wire.send(frame);
      wire.flush();
      await until(() => got.length === sent.length);
      expect(got).toEqual(sent);
      expect(port.statistics).toEqual({ received: sent.length, sent: 0, notCarried: 0, sendErrors: 0 });
    });

    it('go out as they are, byte for byte and in order', async () => {
      const wire = await wireEnd('outer');
      const port = await portAt('inner');
      const sent = Array.from({ length: 300 }, (_, n) => numbered(n, 18 + 4 * n));
      for (const frame of sent) port.send(frame);
      const got: Uint8Array[] = [];
      await until(() => got.push(...drain(wire)) > 0 && got.length === sent.length);
      expect(got).toEqual(sent);
      expect(port.statistics).toEqual({ received: 0, sent: 300, notCarried: 0, sendErrors: 0 });
    });

    it('that leave are not received, whoever sends them', async () => {
      const got: Uint8Array[] = [];
      const port = await portAt('inner', (frame) => got.push(frame));
      const other = await wireEnd('inner');
      const wire = await wireEnd('outer');
      port.send(numbered(1, 60));
      other.send(numbered(2, 60));
      other.flush();
      await until(() => port.statistics.sent === 1);
      wire.send(numbered(3, 60));
      wire.flush();
      await until(() => got.length > 0);
      expect(got).toEqual([numbered(3, 60)]);
    });

    it('come in to whichever address they go: the card is told so, and told again at the end', async () => {
      const promiscuity = (): number => {
        const [link] = JSON.parse(
          execFileSync('ip', ['-json', '-details', 'link', 'show', 'inner'], { encoding: 'utf8' }),
        ) as { promiscuity: number }[];
        return link!.promiscuity;
      };
      const port = await portAt('inner');
      expect(promiscuity()).toBe(1);
      await port.close();
      expect(promiscuity()).toBe(0);
    });

    it('do not share bytes: changing one leaves the others', async () => {
      const wire = await wireEnd('outer');
      const got: Uint8Array[] = [];
      await portAt('inner', (frame) => got.push(frame));
      for (let n = 0; n < 100; n++) wire.send(numbered(n, 61));
      wire.flush();
      await until(() => got.length === 100);
      for (const frame of got) frame.fill(0xff);
      wire.send(numbered(100, 61));
      wire.flush();
      await until(() => got.length === 101);
      expect(got.slice(0, 100).every((frame) => frame.length === 61 && frame.every((byte) => byte === 0xff))).toBe(
        true,
      );
      expect(got[100]).toEqual(numbered(100, 61));
    });

    it('that the interface cannot carry are counted, and those beside them go out', async () => {
      const wire = await wireEnd('outer');
      const port = await portAt('inner');
      for (const frame of [
        numbered(1, 60),
        numbered(2, 1519),
        new Uint8Array(13),
        new Uint8Array(70_000),
        numbered(3, 1514),
      ])
        port.send(frame);
      const got: Uint8Array[] = [];
      await until(() => got.push(...drain(wire)) > 0 && got.length === 2);
      expect(got).toEqual([numbered(1, 60), numbered(3, 1514)]);
      expect(port.statistics).toEqual({ received: 0, sent: 2, notCarried: 3, sendErrors: 0 });
    });

    it('keep their VLAN tag', async () => {
      const got: Uint8Array[] = [];
      await portAt('inner', (frame) => got.push(frame));
      const wire = await wireEnd('outer');
      const sent = [
        [0x81, 0x00, 0x20, 0x05],
        [0x88, 0xa8, 0x60, 0x03],
        [0x88, 0xa8, 0x00, 0x04, 0x81, 0x00, 0x00, 0x00],
      ].map((tags, n) => {
        const frame = numbered(n, 64);
        return Uint8Array.of(...frame.subarray(0, 12), ...tags, ...frame.subarray(12));
      });
      for (const frame of sent) wire.send(frame);
      wire.flush();
      await until(() => got.length === sent.length);
      expect(got).toEqual(sent);
    });

    it('of a burst all arrive: 10,000', async () => {
      const wire = await wireEnd('outer');
      const got = new Uint8Array(10_000);
      let count = 0;
      const port = await portAt('inner', (frame) => {
        got[new DataView(frame.buffer, frame.byteOffset).getUint32(14)]!++;
        count++;
      });
      for (let n = 0; n < got.length; n++) {
        wire.send(numbered(n, 200));
        if (n % 500 === 499) {
          wire.flush();
          await new Promise((next) => setImmediate(next));
        }
      }
      await until(() => count >= got.length);
      expect(got.every((times) => times === 1)).toBe(true);
      expect([port.statistics.received, port.overruns, wire.statistics.sent]).toEqual([10_000, 0, 10_000]);
    });
  });

  describe('what senders leave to their card', () => {
    it('UDP checksums are there, of even and odd lengths', async () => {
      const got: Uint8Array[] = [];
      await portAt('inner', (frame) => got.push(frame));
      site.namespace.ip('addr add 10.9.0.1/24 dev outer', 'neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev outer');
      const socket = createSocket('udp4');
      closers.push(() => new Promise<void>((done) => socket.close(() => done())));
      await new Promise<void>((done) => socket.bind(0, '10.9.0.1', done));
      const payloads = [0, 1, 2, 63, 1000, 1001, 1472].map((length) => Buffer.alloc(length, 0xa7));
      for (const payload of payloads) socket.send(payload, 7777, '10.9.0.2');
      await until(() => got.length === payloads.length);
      expect(got.map((frame) => Buffer.from(frame.subarray(42)))).toEqual(payloads);
      expect(got.map(hasRightChecksum)).toEqual(payloads.map(() => true));
    });

    it('TCP goes through a switch between two machines, cut into segments with right checksums', async () => {
      const far = await site.farMachine();
      let checked = 0;
      const wrong: Uint8Array[] = [];
      const ports: Port[] = [];
      const repeat = (to: number) => (frame: Uint8Array) => {
        if (frame[12] === 8 && frame[13] === 0) {
          checked++;
          if (frame.length > 1514 || !hasRightChecksum(frame)) wrong.push(frame);
        }
        ports[to]!.send(frame);
      };
      ports.push(await portAt('inner', repeat(1)), await portAt('inner2', repeat(0)));

      const data = randomFillSync(Buffer.alloc(3_000_000));
      await site.expectTcp(far, data);
      expect(wrong).toEqual([]);
      expect(checked).toBeGreaterThan(data.length / 1448);
    });
  });

  describe('errors', () => {
    it('a missing interface: lists those there are', async () => {
      await expect(new PacketPort({ number: 4, interface: 'eth77' }).open(() => {})).rejects.toMatchObject({
        name: 'PortError',
        code: 'EMULATOR_PORT_NO_INTERFACE',
        port: 4,
        message: expect.stringMatching(
          /^port 4: there is no network interface "eth77"; valid: (?=.*\binner\b)(?=.*\bouter\b).*$/,
        ) as string,
      });
    });

    it('an interface that is down: says how to bring it up', async () => {
      site.namespace.ip('link set inner down');
      await expect(new PacketPort({ number: 1, interface: 'inner' }).open(() => {})).rejects.toMatchObject({
        code: 'EMULATOR_PORT_DOWN',
        message: 'port 1: network interface "inner" is down; bring it up with "ip link set inner up"',
      });
    });

    it('no permission: says what is needed', () => {
      const script = `
        import { PacketPort } from ${JSON.stringify(new URL('../../../emulator/index.ts', import.meta.url).href)};
        await new PacketPort({ number: 1, interface: 'inner' }).open(() => {}).catch((error) => console.log(JSON.stringify({ code: error.code, message: error.message })));`;
      const loader = new URL('../../controlplane/typescript-loader.mjs', import.meta.url).href;
      const output = execFileSync(
        'setpriv',
        ['--bounding-set=-net_raw', process.execPath, '--import', loader, '--input-type=module', '-e', script],
        { encoding: 'utf8' },
      );
      expect(JSON.parse(output)).toEqual({
        code: 'EMULATOR_PORT_PERMISSION',
        message: `port 1: opening network interface "inner" needs the capability CAP_NET_RAW: run as root, or give it to node with "setcap cap_net_raw+ep ${process.execPath}"`,
      });
    });

    it('an interface that goes down and comes up again, under way', async () => {
      const got: Uint8Array[] = [];
      const port = await portAt('inner', (frame) => got.push(frame));
      site.namespace.ip('link set inner down');
      await until(() => port.wakeups > 0);
      port.send(numbered(1, 60));
      await until(() => port.statistics.sendErrors === 1);
      site.namespace.ip('link set inner up');
      await carries('outer', 'inner');
      await until(() => got.length > 0);
      expect(got[0]).toEqual(numbered(0, 60));
    });

    it('an interface that is removed: what is sent counts as an error, and nothing spins', async () => {
      site.namespace.ip('link add lost type veth peer name lost2', 'link set lost up', 'link set lost2 up');
      const port = await portAt('lost');
      site.namespace.ip('link del lost');
      port.send(numbered(1, 60));
      await until(() => port.statistics.sendErrors === 1);
      await pause();
      const { wakeups } = port;
      await pause();
      expect(port.wakeups).toBe(wakeups);
    });
  });

  it('an idle port is never woken', async () => {
    const wire = await wireEnd('outer');
    let count = 0;
    const port = await portAt('inner', () => count++);
    await pause();
    expect(port.wakeups).toBe(0);
    wire.send(numbered(1, 60));
    wire.flush();
    await until(() => count === 1);
    const { wakeups } = port;
    await pause();
    expect(port.wakeups).toBe(wakeups);
  });

  it('closing releases the socket, keeps the counts, and may be done while frames come in', async () => {
    const sockets = (): string[] =>
      readdirSync('/proc/self/fd').flatMap((fd) => {
        try {
          const target = readlinkSync(`/proc/self/fd/${fd}`);
          return target.startsWith('socket:') ? [target] : [];
        } catch {
          return [];
        }
      });
    const before = sockets();
    const wire = await RawSocket.open('outer');
    let count = 0;
    const port = new PacketPort({ number: 1, interface: 'inner' });
    await port.open(() => {
      if (++count === 5) void port.close();
    });
    expect(sockets()).toHaveLength(before.length + 2);
    for (let n = 0; n < 50; n++) wire.send(numbered(n, 60));
    wire.flush();
    await until(() => count === 5);
    await pause();
    port.send(numbered(1, 60));
    expect(count).toBe(5);
    expect(port.statistics).toMatchObject({ received: 5, sendErrors: 1 });
    wire.close();
    wire.close();
    expect(sockets()).toEqual(before);
    await port.open(() => count++);
    const again = await wireEnd('outer');
    again.send(numbered(1, 60));
    again.flush();
    await until(() => count === 6);
    expect(port.statistics.received).toBe(6);
    await port.close();
  });
});
