import { Iovec, Mmsghdr, MSG_DONTWAIT, MSG_TRUNC, NumberMessage, SockaddrIn } from './abi.js';
import type { Libc } from './libc.js';

/** Sizes and offsets in 32-bit words. */
const HEADER = Mmsghdr.bytes / 4;
const VECTOR = Iovec.bytes / 4;
const NAME = SockaddrIn.bytes / 4;
const CONTROL = NumberMessage.bytes / 4;
const HIGH = 2 ** 32;

/**
 * Receives messages in batches, each of which is one datagram, or several of one sender and one size that the kernel
 * joined (UDP_GRO). Every message has its place in memory, which may be several pieces, see {@link place}. Nothing is
 * allocated per message.
 */
export class UdpReceiver {
  private readonly headers: Uint32Array;
  private readonly vectors: Uint32Array;
  private readonly names: Uint32Array;
  private readonly nameBytes: DataView;
  private readonly controls: Uint32Array;
  private readonly headersAt: bigint;
  /** The last failure that was not "nothing there". */
  lastError: string | undefined;

  constructor(
    private readonly libc: Libc,
    private readonly fd: number,
    /** Messages that one call may return. */
    readonly messages: number,
    /** The most pieces of memory that one message may be scattered to. */
    readonly pieces = 1,
  ) {
    this.headers = new Uint32Array(messages * HEADER);
    this.vectors = new Uint32Array(messages * pieces * VECTOR);
    this.names = new Uint32Array(messages * NAME);
    this.nameBytes = new DataView(this.names.buffer);
    this.controls = new Uint32Array(messages * CONTROL);
    const addressOf = (words: Uint32Array): bigint => libc.addressOf(new Uint8Array(words.buffer));
    const [vectorsAt, namesAt, controlsAt] = [addressOf(this.vectors), addressOf(this.names), addressOf(this.controls)];
    this.headersAt = addressOf(this.headers);
    const headers = new DataView(this.headers.buffer);
    for (let i = 0; i < messages; i++) {
      const at = i * Mmsghdr.bytes;
      headers.setBigUint64(at + Mmsghdr.name, namesAt + BigInt(i * SockaddrIn.bytes), true);
      headers.setBigUint64(at + Mmsghdr.iov, vectorsAt + BigInt(i * pieces * Iovec.bytes), true);
      headers.setBigUint64(at + Mmsghdr.iovLength, 1n, true);
      headers.setBigUint64(at + Mmsghdr.control, controlsAt + BigInt(i * NumberMessage.bytes), true);
      this.prepare(i);
    }
  }

  /**
   * Sets where in this process message i goes, or a piece of it: the kernel fills pieces 0 to `piece` one after the other.
   * What is longer than all of them is cut off.
   */
  place(i: number, address: number, length: number, piece = 0): void {
    this.headers[i * HEADER + Mmsghdr.iovLength / 4] = piece + 1;
    const at = (i * this.pieces + piece) * VECTOR;
    this.vectors[at] = address % HIGH;
    this.vectors[at + 1] = address / HIGH;
    this.vectors[at + Iovec.length / 4] = length;
  }

  /** Takes what has arrived, without waiting. @returns the number of messages, at most {@link messages} */
  receive(): number {
    const { libc } = this;
    const count = libc.recvmmsg(this.fd, this.headersAt, this.messages, MSG_DONTWAIT);
    if (count >= 0) return count;
    const symbol = libc.errorName(libc.errno());
    // ECONNREFUSED and the like belong to a datagram that this socket sent; reading continues after them.
    this.lastError = symbol === 'EAGAIN' || symbol === 'EWOULDBLOCK' || symbol === 'EINTR' ? undefined : symbol;
    return 0;
  }

  /** Makes message i ready for another {@link receive}: the kernel has overwritten the lengths in its header. */
  prepare(i: number): void {
    this.headers[i * HEADER + Mmsghdr.nameLength / 4] = SockaddrIn.bytes;
    this.headers[i * HEADER + Mmsghdr.controlLength / 4] = NumberMessage.bytes;
  }

  /** Bytes of message i. */
  length(i: number): number {
    return this.headers[i * HEADER + Mmsghdr.length / 4]!;
  }

  isCutOff(i: number): boolean {
    return (this.headers[i * HEADER + Mmsghdr.flags / 4]! & MSG_TRUNC) !== 0;
  }

  /** Bytes of each datagram in message i, the last of which may be shorter. */
  datagramBytes(i: number): number {
    // The only control message that the socket asks for is UDP_GRO's, a 32-bit number.
    const size =
      this.headers[i * HEADER + Mmsghdr.controlLength / 4] === 0
        ? 0
        : this.controls[i * CONTROL + NumberMessage.data / 4]!;
    return size === 0 ? this.length(i) : size;
  }

  /** Sender's address as a number: 10.0.0.1 is 0x0a000001. */
  senderIp(i: number): number {
    return this.nameBytes.getUint32(i * SockaddrIn.bytes + SockaddrIn.address);
  }

  senderPort(i: number): number {
    return this.nameBytes.getUint16(i * SockaddrIn.bytes + SockaddrIn.port);
  }
}
