/** Frames on a veth pair, and machines at its ends: what the tests of network interfaces have in common. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { RawSocket } from '../../../emulator/index.js';
import { Namespace } from './network-namespace.js';

/** Waits for a condition that other turns of the event loop bring about. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((next) => setTimeout(next, 1));
}

/** An Ethernet frame of an experimental EtherType, `length` bytes long, that begins with a number. */
export function numbered(number: number, length: number): Uint8Array {
  const frame = new Uint8Array(length).map((_, i) => i * 7 + number);
  frame.set([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5]);
  new DataView(frame.buffer).setUint32(14, number);
  return frame;
}

/** Returns when frames arrive: the kernel drops what is sent before it has noticed that the other end is up. */
export async function carries(from: string, to: string): Promise<void> {
  const [sender, receiver] = [await RawSocket.open(from), await RawSocket.open(to)];
  await until(() => {
    sender.send(numbered(0, 60));
    sender.flush();
    receiver.receive(() => {});
    return receiver.statistics.received > 0;
  });
  sender.close();
  receiver.close();
}

/** RFC 1071. */
function onesComplementSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += i % 2 === 0 ? bytes[i]! << 8 : bytes[i]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** Whether the checksum of a TCP segment or UDP datagram in IPv4 without options is right, and there. */
export function hasRightChecksum(frame: Uint8Array): boolean {
  const ip = frame.subarray(14, 14 + new DataView(frame.buffer, frame.byteOffset).getUint16(16));
  const isUdp = ip[9] === 17;
  const field = isUdp ? 26 : 36;
  const segment = ip.subarray(20);
  const pseudoHeader = Uint8Array.of(...ip.subarray(12, 20), 0, ip[9]!, segment.length >> 8, segment.length & 0xff);
  return (
    (ip[field]! | ip[field + 1]!) !== 0 &&
    onesComplementSum(Uint8Array.of(...pseudoHeader, ...segment)) === 0xffff &&
    onesComplementSum(ip.subarray(0, 20)) === 0xffff
  );
}

/** A namespace for all tests of a group, and for each of them a new pair of interfaces: what goes in at `outer` arrives at `inner`. */
export class Wire {
  namespace!: Namespace;
  /** Run after the test, the last one first. */
  readonly closers: (() => unknown)[] = [];

  private constructor() {}

  /** To be called in a group of tests. All that they open and start is in the namespace. */
  static forEachTest(): Wire {
    const wire = new Wire();
    let leave: () => void;
    beforeAll(async () => {
      wire.namespace = await Namespace.create();
      leave = wire.namespace.enter();
    });
    afterAll(() => {
      leave();
      wire.namespace.remove();
    });
    beforeEach(async () => {
      wire.namespace.ip('link add outer type veth peer name inner', 'link set outer up', 'link set inner up');
      await carries('outer', 'inner');
      await carries('inner', 'outer');
    });
    afterEach(async () => {
      for (const close of wire.closers.splice(0).reverse()) await close();
      wire.namespace.ip('link del outer');
    });
    return wire;
  }

  readonly end = async (name: string): Promise<RawSocket> => {
    const socket = await RawSocket.open(name);
    this.closers.push(() => socket.close());
    return socket;
  };

  /** Another machine, 10.9.0.2, whose cable ends here as `inner2`; this one is 10.9.0.1 at `outer`. */
  async farMachine(): Promise<Namespace> {
    const far = await Namespace.create();
    this.closers.push(() => far.remove());
    this.namespace.ip(
      'addr add 10.9.0.1/24 dev outer',
      'link add inner2 type veth peer name far',
      `link set far netns ${far.path}`,
      'link set inner2 up',
    );
    this.closers.push(() => this.namespace.ip('link del inner2'));
    far.ip('addr add 10.9.0.2/24 dev far', 'link set far up');
    return far;
  }

  /** Sends bytes over TCP from {@link farMachine} to this one; both ends are other processes, as ends are. */
  async expectTcp(far: Namespace, data: Uint8Array): Promise<void> {
    const receiver = this.node(
      this.namespace,
      `
      const hash = require('crypto').createHash('sha256');
      const server = require('net').createServer((c) => { c.on('data', (d) => hash.update(d)); c.on('end', () => { console.log(hash.digest('hex')); c.end(); server.close(); }); });
      server.listen(5001, '10.9.0.1', () => console.log('ready'));`,
    );
    const lines = createInterface({ input: receiver.stdout! })[Symbol.asyncIterator]();
    const line = async (): Promise<unknown> => (await lines.next()).value;
    expect(await line()).toBe('ready');
    this.node(far, `process.stdin.pipe(require('net').connect(5001, '10.9.0.1'))`).stdin!.end(data);
    expect(await line()).toBe(createHash('sha256').update(data).digest('hex'));
  }

  private node(where: Namespace, script: string): ChildProcess {
    const child = where.inside(() => spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }));
    this.closers.push(() => child.kill('SIGKILL'));
    return child;
  }
}
