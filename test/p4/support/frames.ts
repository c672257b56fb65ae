/** Ethernet/IPv4/UDP frames around fpisa messages, and back. */
import { Opcode, SERVICE_UDP_PORT } from '../../../protocol/constants.js';
import {
  emptyHeader,
  HEADER_BYTES,
  PROBE_BYTES,
  readHeader,
  writeHeader,
  type Header,
} from '../../../protocol/message.js';

export const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const UDP_BYTES = 8;
/** Offset of the fpisa header in a frame without IPv4 options. */
export const MESSAGE_OFFSET = ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES;

export const SERVICE_IP = 0x0a0000fe;
export const SERVICE_MAC = 0x02000a0000fen;

export interface Addresses {
  readonly srcMac: bigint;
  readonly dstMac: bigint;
  readonly srcIp: number;
  readonly dstIp: number;
  readonly srcPort: number;
  readonly dstPort: number;
}

export function workerMac(rank: number): bigint {
  return 0x020000000001n + BigInt(rank);
}

export function workerIp(rank: number): number {
  return 0x0a000001 + rank;
}

export function workerPort(rank: number): number {
  return 40_000 + rank;
}

export function fromWorker(rank: number): Addresses {
  return {
    srcMac: workerMac(rank),
    dstMac: SERVICE_MAC,
    srcIp: workerIp(rank),
    dstIp: SERVICE_IP,
    srcPort: workerPort(rank),
    dstPort: SERVICE_UDP_PORT,
  };
}

export interface FrameOptions extends Partial<Addresses> {
  readonly ttl?: number;
  /** IPv4 options, a multiple of 4 bytes. */
  readonly ipOptions?: Uint8Array;
}

/** One's-complement sum of RFC 1071. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function ipv4Frame(
  payload: Uint8Array,
  protocol: number,
  addresses: Addresses,
  options: FrameOptions = {},
): Uint8Array {
  const ipOptions = options.ipOptions ?? new Uint8Array();
  const headerBytes = IPV4_BYTES + ipOptions.length;
  const frame = new Uint8Array(ETHERNET_BYTES + headerBytes + payload.length);
  const view = new DataView(frame.buffer);
  const all = { ...addresses, ...options };
  view.setBigUint64(0, all.dstMac << 16n);
  view.setBigUint64(6, all.srcMac << 16n);
  view.setUint16(12, 0x0800);
  view.setUint8(14, 0x40 | (headerBytes / 4));
  view.setUint16(16, headerBytes + payload.length);
  view.setUint8(22, options.ttl ?? 64);
  view.setUint8(23, protocol);
  view.setUint32(26, all.srcIp);
  view.setUint32(30, all.dstIp);
  frame.set(ipOptions, ETHERNET_BYTES + IPV4_BYTES);
  view.setUint16(24, checksum(frame.subarray(ETHERNET_BYTES, ETHERNET_BYTES + headerBytes)));
  frame.set(payload, ETHERNET_BYTES + headerBytes);
  return frame;
}

export function udpFrame(message: Uint8Array, addresses: Addresses, options: FrameOptions = {}): Uint8Array {
  const datagram = new Uint8Array(UDP_BYTES + message.length);
  const view = new DataView(datagram.buffer);
  const all = { ...addresses, ...options };
  view.setUint16(0, all.srcPort);
  view.setUint16(2, all.dstPort);
  view.setUint16(4, datagram.length);
  datagram.set(message, UDP_BYTES);
  return ipv4Frame(datagram, 17, all, options);
}

const EMPTY_HEADER: Header = { ...emptyHeader(Opcode.CONTRIBUTE), epoch: 1, operation: 1 };

/** @param words one 32-bit pattern a value, sent little-endian unless `bigEndian` */
export function contribution(header: Partial<Header>, words: ArrayLike<number>, bigEndian = false): Uint8Array {
  const message = new Uint8Array(HEADER_BYTES + 4 * words.length);
  const view = new DataView(message.buffer);
  writeHeader(view, { ...EMPTY_HEADER, count: words.length, flags: bigEndian ? 1 : 0, ...header });
  for (let i = 0; i < words.length; i++) view.setUint32(HEADER_BYTES + 4 * i, words[i]!, !bigEndian);
  return message;
}

/** @param bytes of the message, which zeros fill up */
export function probe(header: Partial<Header>, bytes = PROBE_BYTES): Uint8Array {
  const message = new Uint8Array(bytes);
  writeHeader(new DataView(message.buffer), { ...EMPTY_HEADER, opcode: Opcode.PROBE, ...header });
  return message;
}

export interface Parsed extends Addresses {
  readonly header: Header;
  readonly words: number[];
  /** The UDP payload. */
  readonly message: DataView;
  readonly udpChecksum: number;
}

/** Takes a frame apart; fails when the lengths or the IPv4 checksum are wrong. */
export function parse(frame: Uint8Array): Parsed {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const headerBytes = (view.getUint8(14) & 0xf) * 4;
  if (view.getUint16(16) !== frame.length - ETHERNET_BYTES) throw new Error('IPv4 length is not that of the frame');
  if (checksum(frame.subarray(ETHERNET_BYTES, ETHERNET_BYTES + headerBytes)) !== 0)
    throw new Error('IPv4 checksum is wrong');
  const udp = ETHERNET_BYTES + headerBytes;
  if (view.getUint16(udp + 4) !== frame.length - udp) throw new Error('UDP length is not that of the frame');
  const message = new DataView(view.buffer, view.byteOffset + udp + UDP_BYTES, frame.length - udp - UDP_BYTES);
  const header = readHeader(message);
  const words: number[] = [];
  for (let at = HEADER_BYTES; at + 4 <= message.byteLength; at += 4)
    words.push(message.getUint32(at, (header.flags & 1) === 0));
  return {
    dstMac: view.getBigUint64(0) >> 16n,
    srcMac: view.getBigUint64(6) >> 16n,
    srcIp: view.getUint32(26),
    dstIp: view.getUint32(30),
    srcPort: view.getUint16(udp),
    dstPort: view.getUint16(udp + 2),
    udpChecksum: view.getUint16(udp + 6),
    header,
    words,
    message,
  };
}
