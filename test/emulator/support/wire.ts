/** Frames on a veth pair, and machines at its ends: what the tests of network interfaces have in common. */
import { spawn, type ChildProcess } from 'node:child_process';
import { RawSocket } from '../../../emulator/index.js';
import type { Namespace } from './network-namespace.js';

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
  return (ip[field]! | ip[field + 1]!) !== 0 && onesComplementSum(Uint8Array.of(...pseudoHeader, ...segment)) === 0xffff && onesComplementSum(ip.subarray(0, 20)) === 0xffff;
}

/** A process of node on a machine. */
export function node(where: Namespace, script: string): ChildProcess {
  return where.inside(() => spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] }));
}

/** Listens on TCP port 5001 of an address, prints "ready", and the SHA-256 of what the first connection brings. */
export function hashingServer(address: string): string {
  return `
    const hash = require('crypto').createHash('sha256');
    const server = require('net').createServer((c) => { c.on('data', (d) => hash.update(d)); c.on('end', () => { console.log(hash.digest('hex')); c.end(); server.close(); }); });
    server.listen(5001, '${address}', () => console.log('ready'));`;
}

/** Carries standard input to {@link hashingServer}. */
export function hashingClient(address: string): string {
  return `process.stdin.pipe(require('net').connect(5001, '${address}'))`;
}
