import { Auxdata, Iovec, Mmsghdr, TP_STATUS_VLAN_TPID_VALID, TP_STATUS_VLAN_VALID } from '../../../net/linux/abi.js';
import type { Libc } from '../../../net/linux/libc.js';
import { ETHERTYPE_VLAN } from './offload.js';

/** Sizes and offsets in 32-bit words. */
const HEADER = Mmsghdr.bytes / 4;
const VECTOR = Iovec.bytes / 4;
const CONTROL = Auxdata.bytes / 4;

/**
 * Headers for one call of recvmmsg or sendmmsg whose messages lie somewhere in one memory, each in one piece. Numbers
 * only: a bigint for an address would be an allocation for each frame.
 */
export class MessageVectors {
  /** Address of each `struct mmsghdr`. */
  readonly addresses: readonly bigint[];
  private readonly headers: Uint32Array;
  private readonly vectors: Uint32Array;
  private readonly control: Uint32Array;
  /** Of the memory. */
  private baseLow = 0;
  private baseHigh = 0;

  /** @param receives whether messages have space for the kernel's control messages */
  constructor(libc: Libc, count: number, receives: boolean) {
    this.headers = new Uint32Array(count * HEADER);
    this.vectors = new Uint32Array(count * VECTOR);
    this.control = new Uint32Array(count * CONTROL);
    const addressOf = (words: Uint32Array): bigint => libc.addressOf(new Uint8Array(words.buffer));
    const [headersAt, vectorsAt, controlAt] = [
      addressOf(this.headers),
      addressOf(this.vectors),
      addressOf(this.control),
    ];
    const headers = new DataView(this.headers.buffer);
    for (let i = 0; i < count; i++) {
      const header = i * Mmsghdr.bytes;
      headers.setBigUint64(header + Mmsghdr.iov, vectorsAt + BigInt(i * Iovec.bytes), true);
      headers.setBigUint64(header + Mmsghdr.iovLength, 1n, true);
      if (!receives) continue;
      headers.setBigUint64(header + Mmsghdr.control, controlAt + BigInt(i * Auxdata.bytes), true);
      this.prepareToReceive(i);
    }
    this.addresses = Array.from({ length: count }, (_, i) => headersAt + BigInt(i * Mmsghdr.bytes));
  }

  /** Address of the memory. Messages placed in another memory stay there. */
  set base(address: bigint) {
    this.baseLow = Number(address & 0xffff_ffffn);
    this.baseHigh = Number(address >> 32n);
  }

  /** Sets where in the memory message i is. */
  place(i: number, offset: number, length: number): void {
    const low = this.baseLow + offset;
    const at = i * VECTOR;
    // A double holds the sum; the array takes its lower 32 bits.
    this.vectors[at] = low;
    this.vectors[at + 1] = low > 0xffff_ffff ? this.baseHigh + 1 : this.baseHigh;
    this.vectors[at + Iovec.length / 4] = length;
  }

  /** The kernel overwrites the length of the control message. */
  prepareToReceive(i: number): void {
    this.headers[i * HEADER + Mmsghdr.controlLength / 4] = Auxdata.bytes;
  }

  /** Bytes of what was received as message i. */
  length(i: number): number {
    return this.headers[i * HEADER + Mmsghdr.length / 4]!;
  }

  flags(i: number): number {
    return this.headers[i * HEADER + Mmsghdr.flags / 4]!;
  }

  /** Whether the kernel took a VLAN tag out of message i. */
  hasVlan(i: number): boolean {
    return this.headers[i * HEADER + Mmsghdr.controlLength / 4] !== 0 && (this.status(i) & TP_STATUS_VLAN_VALID) !== 0;
  }

  /** Tag protocol identifier and tag control information of that tag; undefined: no tag. */
  vlan(i: number): { readonly tpid: number; readonly tci: number } | undefined {
    if (!this.hasVlan(i)) return undefined;
    const tag = this.control[i * CONTROL + Auxdata.vlanTci / 4]!;
    return {
      tpid: (this.status(i) & TP_STATUS_VLAN_TPID_VALID) === 0 ? ETHERTYPE_VLAN : tag >>> 16,
      tci: tag & 0xffff,
    };
  }

  private status(i: number): number {
    return this.control[i * CONTROL + Auxdata.status / 4]!;
  }
}
