/** Ethernet, IPv4 and UDP around a message, for workers that are attached to a switch port directly. */
import { ArgumentError } from '../errors.js';

const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const UDP_BYTES = 8;
export const FRAME_OVERHEAD = ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES;

const ETHERTYPE_IPV4 = 0x0800;
const PROTOCOL_UDP = 17;
const TTL = 64;
/** "Don't fragment": a message is always one packet. */
const FLAGS_DF = 0x4000;
/** More-fragments bit and fragment offset. */
const FRAGMENT_MASK = 0x3fff;

export interface Endpoint {
  mac: Uint8Array;
  ip: Uint8Array;
  udpPort: number;
}

/** @throws ArgumentError unless `text` is six hex pairs with colons. */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) {
    throw new ArgumentError(`'${text}' is not a MAC address; the form is 02:00:00:00:00:01`);
  }
  return Uint8Array.from(text.split(':'), (pair) => parseInt(pair, 16));
}

/** @throws ArgumentError unless `text` is a dotted IPv4 address. */
export function parseIpv4(text: string): Uint8Array {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    throw new ArgumentError(`'${text}' is not an IPv4 address; the form is 10.0.0.1`);
  }
  return Uint8Array.from(parts, Number);
}

/** A new frame with the first `length` bytes of `payload`. The UDP checksum is 0, "not computed" (RFC 768). */
export function buildFrame(
  from: Readonly<Endpoint>,
  to: Readonly<Endpoint>,
  payload: Uint8Array,
  length: number,
): Uint8Array {
  const frame = new Uint8Array(FRAME_OVERHEAD + length);
  const view = new DataView(frame.buffer);
  frame.set(to.mac, 0);
  frame.set(from.mac, 6);
  view.setUint16(12, ETHERTYPE_IPV4);
  const ip = ETHERNET_BYTES;
  view.setUint8(ip, 0x45);
  view.setUint16(ip + 2, IPV4_BYTES + UDP_BYTES + length);
  view.setUint16(ip + 6, FLAGS_DF);
  view.setUint8(ip + 8, TTL);
  view.setUint8(ip + 9, PROTOCOL_UDP);
  frame.set(from.ip, ip + 12);
  frame.set(to.ip, ip + 16);
  view.setUint16(ip + 10, ipv4Checksum(view, ip, IPV4_BYTES));
  const udp = ip + IPV4_BYTES;
  view.setUint16(udp, from.udpPort);
  view.setUint16(udp + 2, to.udpPort);
  view.setUint16(udp + 4, UDP_BYTES + length);
  frame.set(payload.subarray(0, length), FRAME_OVERHEAD);
  return frame;
}

/**
 * The UDP payload of a frame for `me`, as a view of the frame's memory; undefined for every other frame
 * (not IPv4 and UDP, a fragment, another address or port, a wrong header checksum, lengths that
 * disagree). Ethernet padding behind the datagram is cut off.
 */
export function readFrame(frame: Uint8Array, me: Readonly<Pick<Endpoint, 'ip' | 'udpPort'>>): Uint8Array | undefined {
  if (frame.length < FRAME_OVERHEAD) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const ip = ETHERNET_BYTES;
  if (view.getUint16(12) !== ETHERTYPE_IPV4 || view.getUint8(ip) >> 4 !== 4) return undefined;
  const headerBytes = (view.getUint8(ip) & 0xf) * 4;
  const totalBytes = view.getUint16(ip + 2);
  if (headerBytes < IPV4_BYTES || totalBytes < headerBytes + UDP_BYTES || ip + totalBytes > frame.length)
    return undefined;
  if (view.getUint8(ip + 9) !== PROTOCOL_UDP || (view.getUint16(ip + 6) & FRAGMENT_MASK) !== 0) return undefined;
  if (ipv4Checksum(view, ip, headerBytes) !== 0) return undefined;
  if (!me.ip.every((byte, i) => frame[ip + 16 + i] === byte)) return undefined;
  const udp = ip + headerBytes;
  const udpBytes = view.getUint16(udp + 4);
  if (view.getUint16(udp + 2) !== me.udpPort || udpBytes < UDP_BYTES || udpBytes > totalBytes - headerBytes)
    return undefined;
  return frame.subarray(udp + UDP_BYTES, udp + udpBytes);
}

/** RFC 1071 over a header. 0 over one that contains its right checksum. */
function ipv4Checksum(view: DataView, at: number, bytes: number): number {
  let sum = 0;
  for (let i = 0; i < bytes; i += 2) sum += view.getUint16(at + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
