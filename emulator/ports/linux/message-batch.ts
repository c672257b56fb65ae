import {
  Auxdata,
  Iovec,
  Mmsghdr,
  TP_STATUS_VLAN_TPID_VALID,
  TP_STATUS_VLAN_VALID,
  VnetHeader,
} from '../../../net/linux/abi.js';
import type { Libc } from '../../../net/linux/libc.js';
import { ETHERTYPE_VLAN, VLAN_TAG_BYTES } from './offload.js';

/** The largest frame: IPv4's total length, or Linux's limit for several segments in one, and a tagged Ethernet header. */
export const MAX_FRAME_BYTES = 0xffff + 18;

/**
 * Frames begin at this offset of their memory: the virtio header precedes it, and a VLAN tag that the kernel
 * took out can be put back by moving the addresses forward.
 */
const FRAME_OFFSET = 16;
const STRIDE = Math.ceil((FRAME_OFFSET + MAX_FRAME_BYTES) / 64) * 64;

/**
 * Memory for one call of recvmmsg or sendmmsg: message headers, control messages, and a frame each. All pointers
 * in it are written once. Pages of frame memory that no frame has reached are never touched.
 */
export class MessageBatch {
  /** Memory of each frame, from its first byte. */
  readonly frames: readonly Uint8Array[];
  /** The same, from four bytes earlier: for a frame whose VLAN tag was put back. */
  readonly taggedFrames: readonly Uint8Array[];
  /** Over the memory of all frames; see {@link offloadAt}. */
  readonly view: DataView;
  /** Address of each `struct mmsghdr`. */
  readonly addresses: readonly bigint[];
  private readonly headers: DataView;
  private readonly vectors: DataView;
  private readonly control: DataView;

  constructor(
    libc: Libc,
    readonly count: number,
  ) {
    const headers = new Uint8Array(count * Mmsghdr.bytes);
    const vectors = new Uint8Array(count * Iovec.bytes);
    const control = new Uint8Array(count * Auxdata.bytes);
    const memory = new Uint8Array(count * STRIDE);
    this.headers = new DataView(headers.buffer);
    this.vectors = new DataView(vectors.buffer);
    this.control = new DataView(control.buffer);
    this.view = new DataView(memory.buffer);
    const headersAt = libc.addressOf(headers);
    this.addresses = Array.from({ length: count }, (_, i) => headersAt + BigInt(i * Mmsghdr.bytes));
    const [vectorsAt, controlAt, memoryAt] = [libc.addressOf(vectors), libc.addressOf(control), libc.addressOf(memory)];
    for (let i = 0; i < count; i++) {
      const n = BigInt(i);
      const header = i * Mmsghdr.bytes;
      this.headers.setBigUint64(header + Mmsghdr.iov, vectorsAt + n * BigInt(Iovec.bytes), true);
      this.headers.setBigUint64(header + Mmsghdr.iovLength, 1n, true);
      this.vectors.setBigUint64(
        i * Iovec.bytes + Iovec.base,
        memoryAt + n * BigInt(STRIDE) + BigInt(FRAME_OFFSET - VnetHeader.bytes),
        true,
      );
      this.headers.setBigUint64(header + Mmsghdr.control, controlAt + n * BigInt(Auxdata.bytes), true);
    }
    const frame = (i: number, offset: number) => memory.subarray(i * STRIDE + offset, (i + 1) * STRIDE);
    this.frames = Array.from({ length: count }, (_, i) => frame(i, FRAME_OFFSET));
    this.taggedFrames = Array.from({ length: count }, (_, i) => frame(i, FRAME_OFFSET - VLAN_TAG_BYTES));
  }

  /** Makes message i ready to receive. */
  prepareToReceive(i: number): void {
    this.vectors.setUint32(i * Iovec.bytes + Iovec.length, VnetHeader.bytes + MAX_FRAME_BYTES, true);
    this.headers.setUint32(i * Mmsghdr.bytes + Mmsghdr.controlLength, Auxdata.bytes, true);
  }

  /** Makes message i send the first `length` bytes of its frame. It requests no offload and has no control message. */
  prepareToSend(i: number, length: number): void {
    this.vectors.setUint32(i * Iovec.bytes + Iovec.length, VnetHeader.bytes + length, true);
  }

  /** Bytes of the frame that was received as message i; negative if it was shorter than a virtio header. */
  length(i: number): number {
    return this.headers.getUint32(i * Mmsghdr.bytes + Mmsghdr.length, true) - VnetHeader.bytes;
  }

  flags(i: number): number {
    return this.headers.getUint32(i * Mmsghdr.bytes + Mmsghdr.flags, true);
  }

  /** Offset in {@link view} of the virtio header of message i. */
  offloadAt(i: number): number {
    return i * STRIDE + FRAME_OFFSET - VnetHeader.bytes;
  }

  /** Tag protocol identifier and tag control information that the kernel took out of message i; undefined: no tag. */
  vlan(i: number): { readonly tpid: number; readonly tci: number } | undefined {
    const at = i * Auxdata.bytes;
    const controlLength = this.headers.getUint32(i * Mmsghdr.bytes + Mmsghdr.controlLength, true);
    const status = controlLength === 0 ? 0 : this.control.getUint32(at + Auxdata.status, true);
    if ((status & TP_STATUS_VLAN_VALID) === 0) return undefined;
    const tpid =
      (status & TP_STATUS_VLAN_TPID_VALID) === 0 ? ETHERTYPE_VLAN : this.control.getUint16(at + Auxdata.vlanTpid, true);
    return { tpid, tci: this.control.getUint16(at + Auxdata.vlanTci, true) };
  }
}
