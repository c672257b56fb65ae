/**
 * What a network card would do to a frame before it is on a wire, for frames that the kernel hands over without it:
 * checksums, segmentation and the VLAN tag. A sender on the other end of a veth pair leaves all of that undone.
 */
import { putUint16, uint16 } from '../../../net/big-endian.js';
import { foldSum, internetChecksum, sumOfWords } from '../../../net/checksum.js';
import { VnetHeader } from '../../../net/linux/abi.js';

const NEEDS_CHECKSUM = 1;
/** Set in the type in addition to one of the others: only the first segment carries CWR. */
const GSO_ECN = 0x80;
const Gso = { none: 0, tcp4: 1, tcp6: 4, udp: 5 } as const;
/** Of UDP and TCP; SCTP's is 8, and a CRC. */
const CHECKSUM_OFFSETS: readonly number[] = [6, 16];

const ETHERNET_BYTES = 14;
const ADDRESSES_BYTES = 12;
export const VLAN_TAG_BYTES = 4;
export const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_SERVICE_VLAN = 0x88a8;
const IPV6_BYTES = 40;
const UDP_BYTES = 8;
const TCP_FIN_PSH = 0x09;
const TCP_CWR = 0x80;
const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;

/** What precedes a frame on a socket with PACKET_VNET_HDR. */
export interface Offload {
  readonly flags: number;
  readonly gsoType: number;
  /** Payload bytes of each segment, if the frame holds several. */
  readonly gsoSize: number;
  /** From where to sum, counted from the start of the frame. */
  readonly checksumStart: number;
  /** Where the sum goes, counted from there; the pseudo-header's sum is there now. */
  readonly checksumOffset: number;
}

export function readOffload(view: DataView, at: number): Offload {
  return {
    flags: view.getUint8(at + VnetHeader.flags),
    gsoType: view.getUint8(at + VnetHeader.gsoType),
    gsoSize: view.getUint16(at + VnetHeader.gsoSize, true),
    checksumStart: view.getUint16(at + VnetHeader.checksumStart, true),
    checksumOffset: view.getUint16(at + VnetHeader.checksumOffset, true),
  };
}

/** Maximum number of frames that {@link finish} makes of one of this length. */
export function segmentCount({ gsoType, gsoSize }: Offload, length: number): number {
  return gsoType === Gso.none || gsoSize === 0 ? 0 : Math.ceil(length / gsoSize);
}

/** Whether the virtio header requests nothing. */
export function isFinished(view: DataView, at: number): boolean {
  return (
    (view.getUint8(at + VnetHeader.flags) & NEEDS_CHECKSUM) === 0 && view.getUint8(at + VnetHeader.gsoType) === Gso.none
  );
}

/**
 * Puts a VLAN tag into a frame (IEEE 802.1Q).
 * @param frame memory that has the untagged frame from byte 4 on
 */
export function insertTag(frame: Uint8Array, tpid: number, tci: number): void {
  frame.copyWithin(0, VLAN_TAG_BYTES, VLAN_TAG_BYTES + ADDRESSES_BYTES);
  putUint16(frame, ADDRESSES_BYTES, tpid);
  putUint16(frame, ADDRESSES_BYTES + 2, tci);
}

/** Of UDP or TCP: 0 becomes its other form, as a UDP checksum of 0 would mean "none". */
function putTransportChecksum(frame: Uint8Array, at: number, total: number): void {
  putUint16(frame, at, ~foldSum(total) & 0xffff || 0xffff);
}

/**
 * Finishes a frame that left its sender unfinished.
 * @param frame memory whose first `length` bytes are the frame; changed in place
 * @param scratch memory for segments, as large as the frame
 * @param emit is given the memory of each finished frame and its length, and may change it: it is `frame` or `scratch`
 * @returns false if the frame cannot be finished; nothing has been emitted then
 */
export function finish(
  frame: Uint8Array,
  length: number,
  offload: Offload,
  scratch: Uint8Array,
  emit: (frame: Uint8Array, length: number) => void,
): boolean {
  const { flags, gsoType, checksumStart, checksumOffset } = offload;
  const isUnsummed = (flags & NEEDS_CHECKSUM) !== 0;
  if (isUnsummed && (!CHECKSUM_OFFSETS.includes(checksumOffset) || checksumStart + checksumOffset + 2 > length))
    return false;
  if (gsoType !== Gso.none) return isUnsummed && segment(frame, length, offload, scratch, emit);
  if (isUnsummed) putTransportChecksum(frame, checksumStart + checksumOffset, sumOfWords(frame, checksumStart, length));
  emit(frame, length);
  return true;
}

/** Where the IP header begins: after Ethernet and any VLAN tags. */
function networkOffset(frame: Uint8Array): number {
  let at = ETHERNET_BYTES;
  for (;;) {
    const type = uint16(frame, at - 2);
    if (type !== ETHERTYPE_VLAN && type !== ETHERTYPE_SERVICE_VLAN) return at;
    at += VLAN_TAG_BYTES;
  }
}

/** Splits a frame of several TCP segments or UDP datagrams, as the card would (Linux: segmentation-offloads.rst). */
function segment(
  frame: Uint8Array,
  length: number,
  { gsoType, gsoSize, checksumStart: transport }: Offload,
  scratch: Uint8Array,
  emit: (frame: Uint8Array, length: number) => void,
): boolean {
  const type = gsoType & ~GSO_ECN;
  const isUdp = type === Gso.udp;
  if (!isUdp && type !== Gso.tcp4 && type !== Gso.tcp6) return false;
  const network = networkOffset(frame);
  const version = frame[network]! >> 4;
  const headers = transport + (isUdp ? UDP_BYTES : (frame[transport + 12]! >> 4) * 4);
  if (gsoSize === 0 || (version !== 4 && version !== 6) || transport < network + 20 || headers > length) return false;

  const sequence = new DataView(frame.buffer, frame.byteOffset).getUint32(transport + 4);
  const view = new DataView(scratch.buffer, scratch.byteOffset);
  for (let n = 0, from = headers; from < length; n++, from += gsoSize) {
    const to = Math.min(from + gsoSize, length);
    scratch.set(frame.subarray(0, headers));
    const end = headers + to - from;
    scratch.set(frame.subarray(from, to), headers);
    if (version === 4) {
      putUint16(scratch, network + 2, end - network);
      putUint16(scratch, network + 4, uint16(frame, network + 4) + n);
      putUint16(scratch, network + 10, 0);
      putUint16(scratch, network + 10, internetChecksum(scratch, network, network + (scratch[network]! & 0xf) * 4));
    } else {
      putUint16(scratch, network + 4, end - network - IPV6_BYTES);
    }
    if (isUdp) {
      putUint16(scratch, transport + 4, end - transport);
    } else {
      view.setUint32(transport + 4, sequence + from - headers);
      let bits = frame[transport + 13]!;
      if (to < length) bits &= ~TCP_FIN_PSH;
      if (n > 0 && (gsoType & GSO_ECN) !== 0) bits &= ~TCP_CWR;
      scratch[transport + 13] = bits;
    }
    const at = transport + (isUdp ? 6 : 16);
    putUint16(scratch, at, 0);
    const addresses =
      version === 4 ? sumOfWords(scratch, network + 12, network + 20) : sumOfWords(scratch, network + 8, network + 40);
    const pseudoHeader = addresses + (isUdp ? PROTOCOL_UDP : PROTOCOL_TCP) + end - transport;
    putTransportChecksum(scratch, at, pseudoHeader + sumOfWords(scratch, transport, end));
    emit(scratch, end);
  }
  return true;
}
