/** Ethernet/IPv4/UDP frames around datagrams (RFC 894, RFC 791, RFC 768). */

const ETHERNET_BYTES = 14;
const IPV4_BYTES = 20;
const UDP_BYTES = 8;
const ETHERTYPE_IPV4 = 0x0800;
const PROTOCOL_UDP = 17;
const TIME_TO_LIVE = 64;

/** Frame bytes around a payload. */
const OVERHEAD_BYTES = ETHERNET_BYTES + IPV4_BYTES + UDP_BYTES;
/** The IPv4 total length has 16 bits. */
const MAX_PAYLOAD_BYTES = 0xffff - IPV4_BYTES - UDP_BYTES;

export interface Endpoint {
  /** Six bytes. */
  readonly mac: Uint8Array;
  /** Four bytes. */
  readonly address: Uint8Array;
  readonly port: number;
}

export interface Datagram {
  /** Dotted decimal. */
  readonly address: string;
  readonly port: number;
  readonly payload: Uint8Array;
}

/** @returns the four bytes, or undefined if it is not a dotted decimal address. */
export function parseAddress(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return Uint8Array.from(parts, Number);
}

/** @returns the six bytes, or undefined if it is not six hexadecimal bytes with colons. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(text)) return undefined;
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
}

/** A locally administered MAC address that follows from the IPv4 address: 02:00 and its four bytes. */
export function macOf(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0x02, 0x00, ...address);
}

/** @param payload at most {@link MAX_PAYLOAD_BYTES}. */
export function dressDatagram(from: Endpoint, to: Endpoint, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(OVERHEAD_BYTES + payload.length);
  const view = new DataView(frame.buffer);
  frame.set(to.mac, 0);
  frame.set(from.mac, 6);
  view.setUint16(12, ETHERTYPE_IPV4);

  const ip = ETHERNET_BYTES;
  view.setUint8(ip, 0x45);
  view.setUint16(ip + 2, IPV4_BYTES + UDP_BYTES + payload.length);
  view.setUint8(ip + 8, TIME_TO_LIVE);
  view.setUint8(ip + 9, PROTOCOL_UDP);
  frame.set(from.address, ip + 12);
  frame.set(to.address, ip + 16);
  view.setUint16(ip + 10, headerChecksum(view, ip));

  const udp = ip + IPV4_BYTES;
  view.setUint16(udp, from.port);
  view.setUint16(udp + 2, to.port);
  view.setUint16(udp + 4, UDP_BYTES + payload.length);
  // A UDP checksum of 0 says that there is none; the kernel has checked the datagram that came in.
  frame.set(payload, OVERHEAD_BYTES);
  return frame;
}

function headerChecksum(view: DataView, offset: number): number {
  let sum = 0;
  for (let i = 0; i < IPV4_BYTES; i += 2) sum += view.getUint16(offset + i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** @returns the datagram of a whole IPv4/UDP frame and where it goes to; undefined for any other frame. */
export function undressDatagram(frame: Uint8Array): Datagram | undefined {
  if (frame.length < OVERHEAD_BYTES) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const ip = ETHERNET_BYTES;
  if (view.getUint16(12) !== ETHERTYPE_IPV4 || frame[ip]! >> 4 !== 4 || frame[ip + 9] !== PROTOCOL_UDP)
    return undefined;
  const isFragment = (view.getUint16(ip + 6) & 0x3fff) !== 0;
  const udp = ip + (frame[ip]! & 0xf) * 4;
  const end = ip + view.getUint16(ip + 2);
  if (isFragment || udp < ip + IPV4_BYTES || end > frame.length || udp + UDP_BYTES > end) return undefined;
  const length = view.getUint16(udp + 4);
  if (length < UDP_BYTES || udp + length > end) return undefined;
  return {
    address: frame.subarray(ip + 16, ip + 20).join('.'),
    port: view.getUint16(udp + 2),
    payload: frame.subarray(udp + UDP_BYTES, udp + length),
  };
}
