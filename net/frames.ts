/** Ethernet/IPv4/UDP frames around datagrams (RFC 894, RFC 791, RFC 768). */
import { uint16 } from './big-endian.js';
import { internetChecksum } from './checksum.js';

const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const UDP_BYTES = 8;
const ETHERTYPE_IPV4 = 0x0800;
const PROTOCOL_UDP = 17;
const TIME_TO_LIVE = 64;
/** More-fragments bit and fragment offset. */
const FRAGMENT_MASK = 0x3fff;

/** Frame bytes around a payload. */
export const FRAME_OVERHEAD_BYTES = ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES;
/** The IPv4 total length has 16 bits. */
export const MAX_PAYLOAD_BYTES = 0xffff - IPV4_BYTES - UDP_BYTES;
/** A value of the IPv4 header's flags and fragment offset: routers drop a datagram that is too large for a link. */
export const DONT_FRAGMENT = 0x4000;

/** Source or destination of a datagram. */
export interface FrameEndpoint {
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** Four bytes. */
  readonly ip: Uint8Array;
  readonly udpPort: number;
}

export interface Datagram {
  /** Destination address, dotted decimal. */
  readonly ip: string;
  readonly udpPort: number;
  /** A view of the frame's memory. */
  readonly payload: Uint8Array;
}

/**
 * A new frame around a copy of `payload`.
 * @param payload at most {@link MAX_PAYLOAD_BYTES}
 * @param flags 0 or {@link DONT_FRAGMENT}
 */
export function encapsulate(
  from: Readonly<FrameEndpoint>,
  to: Readonly<FrameEndpoint>,
  payload: Uint8Array,
  flags = 0,
): Uint8Array {
  const frame = new Uint8Array(FRAME_OVERHEAD_BYTES + payload.length);
  const view = new DataView(frame.buffer);
  frame.set(to.mac, 0);
  frame.set(from.mac, 6);
  view.setUint16(12, ETHERTYPE_IPV4);

  const ip = ETHERNET_BYTES;
  view.setUint8(ip, 0x45);
  view.setUint16(ip + 2, IPV4_BYTES + UDP_BYTES + payload.length);
  view.setUint16(ip + 6, flags);
  view.setUint8(ip + 8, TIME_TO_LIVE);
  view.setUint8(ip + 9, PROTOCOL_UDP);
  frame.set(from.ip, ip + 12);
  frame.set(to.ip, ip + 16);
  view.setUint16(ip + 10, internetChecksum(frame, ip, ip + IPV4_BYTES));

  const udp = ip + IPV4_BYTES;
  view.setUint16(udp, from.udpPort);
  view.setUint16(udp + 2, to.udpPort);
  // The UDP checksum stays 0, "not computed".
  view.setUint16(udp + 4, UDP_BYTES + payload.length);
  frame.set(payload, FRAME_OVERHEAD_BYTES);
  return frame;
}

/**
 * @returns the datagram of a whole IPv4/UDP frame and its destination; checksums are not verified; undefined for
 *   any other frame
 */
export function decapsulate(frame: Uint8Array): Datagram | undefined {
  const udp = udpOffset(frame);
  if (udp < 0) return undefined;
  const at = ETHERNET_BYTES + 16;
  return {
    ip: `${frame[at]!}.${frame[at + 1]!}.${frame[at + 2]!}.${frame[at + 3]!}`,
    udpPort: uint16(frame, udp + 2),
    payload: frame.subarray(udp + UDP_BYTES, udp + uint16(frame, udp + 4)),
  };
}

/**
 * The payload that the host `receiver` would accept from a frame, as a view of its memory; undefined for another
 * address or port, a wrong IPv4 header checksum, and frames that {@link decapsulate} rejects.
 */
export function payloadFor(
  receiver: Readonly<Pick<FrameEndpoint, 'ip' | 'udpPort'>>,
  frame: Uint8Array,
): Uint8Array | undefined {
  const udp = udpOffset(frame);
  if (udp < 0 || uint16(frame, udp + 2) !== receiver.udpPort) return undefined;
  if (!receiver.ip.every((byte, i) => frame[ETHERNET_BYTES + 16 + i] === byte)) return undefined;
  if (internetChecksum(frame, ETHERNET_BYTES, udp) !== 0) return undefined;
  return frame.subarray(udp + UDP_BYTES, udp + uint16(frame, udp + 4));
}

/**
 * Offset in `bytes` of the UDP header of a frame that begins at `from`, with a complete datagram whose lengths agree;
 * padding after it is allowed. IPv4 options are skipped. -1 for any other frame: a fragment is not a complete datagram.
 */
export function udpOffset(bytes: Uint8Array, from = 0, length = bytes.length): number {
  if (length < FRAME_OVERHEAD_BYTES || uint16(bytes, from + 12) !== ETHERTYPE_IPV4) return -1;
  const ip = from + ETHERNET_BYTES;
  if (bytes[ip]! >> 4 !== 4 || bytes[ip + 9] !== PROTOCOL_UDP) return -1;
  if ((uint16(bytes, ip + 6) & FRAGMENT_MASK) !== 0) return -1;
  const udp = ip + (bytes[ip]! & 0xf) * 4;
  const end = ip + uint16(bytes, ip + 2);
  if (udp < ip + IPV4_BYTES || end > from + length || udp + UDP_BYTES > end) return -1;
  const udpLength = uint16(bytes, udp + 4);
  return udpLength < UDP_BYTES || udp + udpLength > end ? -1 : udp;
}
