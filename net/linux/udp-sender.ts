import { AF_INET, Iovec, Mmsghdr, MSG_DONTWAIT, NumberMessage, SockaddrIn, SOL_UDP, UDP_SEGMENT } from './abi.js';
import type { Libc } from './libc.js';

/** Messages of one system call, and datagrams that one message may hold (UDP_MAX_SEGMENTS of older kernels). */
const MESSAGES = 64;
const SEGMENTS = 64;
/** Largest payload of IPv4's UDP, which also limits what is cut into datagrams. */
const MESSAGE_BYTES = 65_507;
const SEGMENT_CONTROL_LENGTH = NumberMessage.data + 2;
/** Sizes and offsets in 32-bit words. */
const HEADER = Mmsghdr.bytes / 4;
const VECTOR = Iovec.bytes / 4;
const HIGH = 2 ** 32;

export interface UdpSenderCounts {
  /** Datagrams. */
  sent: number;
  /** Datagrams for which the kernel had no space. */
  full: number;
  /** Datagrams that are larger than the path or the protocol carries. */
  tooLarge: number;
  /** Datagrams that the kernel refused for another reason. */
  failed: number;
}

/**
 * Sends datagrams in batches. Those for one receiver and of one size become one message, which the kernel cuts
 * (UDP_SEGMENT): the path through the kernel is then taken once for all of them. Payloads are gathered from where they
 * lie, and must stay there until {@link flush}. Datagrams for one receiver leave in the order in which they were put.
 *
 * Addresses are numbers: user space has 47 bits, and a bigint would be an allocation for each datagram.
 */
export class UdpSender {
  readonly counts: UdpSenderCounts = { sent: 0, full: 0, tooLarge: 0, failed: 0 };
  /** By symbol: what the kernel reported. */
  readonly errors = new Map<string, number>();
  private readonly headers = new Uint32Array(MESSAGES * HEADER);
  private readonly vectors = new Uint32Array(MESSAGES * SEGMENTS * VECTOR);
  private readonly names = new Uint32Array(MESSAGES * (SockaddrIn.bytes / 4));
  private readonly controls = new Uint8Array(MESSAGES * NumberMessage.bytes);
  private readonly controlView = new DataView(this.controls.buffer);
  private readonly headersAt: readonly bigint[];
  private readonly vectorsAt: number;
  /** Of each pending message: its receiver, datagrams, their size, all bytes, and whether more may follow. */
  private readonly ips = new Uint32Array(MESSAGES);
  private readonly ports = new Uint16Array(MESSAGES);
  private readonly segments = new Uint16Array(MESSAGES);
  private readonly sizes = new Uint32Array(MESSAGES);
  private readonly bytes = new Uint32Array(MESSAGES);
  private readonly isOpen = new Uint8Array(MESSAGES);
  private pending = 0;

  /** @param cuts whether the kernel cuts messages into datagrams */
  constructor(
    private readonly libc: Libc,
    private readonly fd: number,
    private cuts: boolean,
  ) {
    const addressOf = (memory: Uint8Array): bigint => libc.addressOf(memory);
    const headersAt = addressOf(new Uint8Array(this.headers.buffer));
    const namesAt = addressOf(new Uint8Array(this.names.buffer));
    const controlsAt = addressOf(this.controls);
    this.vectorsAt = Number(addressOf(new Uint8Array(this.vectors.buffer)));
    this.headersAt = Array.from({ length: MESSAGES }, (_, i) => headersAt + BigInt(i * Mmsghdr.bytes));
    const headers = new DataView(this.headers.buffer);
    const names = new DataView(this.names.buffer);
    for (let i = 0; i < MESSAGES; i++) {
      const at = i * Mmsghdr.bytes;
      names.setUint16(i * SockaddrIn.bytes + SockaddrIn.family, AF_INET, true);
      headers.setBigUint64(at + Mmsghdr.name, namesAt + BigInt(i * SockaddrIn.bytes), true);
      headers.setBigUint64(at + Mmsghdr.control, controlsAt + BigInt(i * NumberMessage.bytes), true);
      this.point(i, 0);
      const control = i * NumberMessage.bytes;
      this.controlView.setBigUint64(control + NumberMessage.length, BigInt(SEGMENT_CONTROL_LENGTH), true);
      this.controlView.setInt32(control + NumberMessage.level, SOL_UDP, true);
      this.controlView.setInt32(control + NumberMessage.type, UDP_SEGMENT, true);
    }
  }

  /** Whether datagrams share messages; becomes false when the kernel refuses one that holds several. */
  get segmentation(): boolean {
    return this.cuts;
  }

  /**
   * Queues a datagram, and sends what is queued when the queue is full.
   * @param ip of the receiver as a number, 10.0.0.1 as 0x0a000001; 0 on a connected socket
   * @param address of the payload in this process
   */
  put(ip: number, port: number, address: number, length: number): void {
    let i = this.messageFor(ip, port, length);
    if (i < 0) {
      if (this.pending === MESSAGES) this.flush();
      i = this.begin(ip, port, length);
    }
    const at = (i * SEGMENTS + this.segments[i]!++) * VECTOR;
    this.vectors[at] = address % HIGH;
    this.vectors[at + 1] = address / HIGH;
    this.vectors[at + Iovec.length / 4] = length;
    this.bytes[i]! += length;
    // Only the last datagram of a message may be smaller. An empty one cannot be cut off.
    this.isOpen[i] = this.cuts && length > 0 && length === this.sizes[i] ? 1 : 0;
  }

  /** Sends what is queued; never waits. */
  flush(): void {
    const { libc, headers, pending } = this;
    for (let i = 0; i < pending; i++) this.finish(i);
    let done = 0;
    let retried = -1;
    while (done < pending) {
      const count = libc.sendmmsg(this.fd, this.headersAt[done]!, pending - done, MSG_DONTWAIT);
      for (let i = 0; i < count; i++) this.counts.sent += this.segments[done++]!;
      if (count > 0) continue;
      const symbol = libc.errorName(libc.errno());
      // What an earlier datagram met is reported here once; nothing of this message was sent.
      if ((symbol === 'ECONNREFUSED' || symbol === 'EMSGSIZE') && retried !== done) {
        this.note(symbol);
        retried = done;
        continue;
      }
      if (this.segments[done]! > 1 && isAboutSegments(symbol)) this.sendSingly(done);
      else this.lost(symbol, this.segments[done]!);
      done++;
    }
    for (let i = 0; i < pending; i++) headers[i * HEADER + Mmsghdr.iovLength / 4] = 1;
    this.pending = 0;
  }

  /** Forgets what is queued. */
  clear(): void {
    this.pending = 0;
  }

  /** The pending message that takes another datagram; -1 if there is none. */
  private messageFor(ip: number, port: number, length: number): number {
    for (let i = this.pending - 1; i >= 0; i--) {
      if (this.ips[i] !== ip || this.ports[i] !== port) continue;
      const fits =
        this.isOpen[i] === 1 &&
        length <= this.sizes[i]! &&
        length > 0 &&
        this.segments[i]! < SEGMENTS &&
        this.bytes[i]! + length <= MESSAGE_BYTES;
      return fits ? i : -1;
    }
    return -1;
  }

  private begin(ip: number, port: number, length: number): number {
    const i = this.pending++;
    this.ips[i] = ip;
    this.ports[i] = port;
    this.segments[i] = 0;
    this.sizes[i] = length;
    this.bytes[i] = 0;
    const name = i * (SockaddrIn.bytes / 4);
    this.names[name] = AF_INET | (((port & 0xff) << 24) | ((port >> 8) << 16));
    this.names[name + 1] = swap32(ip);
    this.headers[i * HEADER + Mmsghdr.nameLength / 4] = ip === 0 ? 0 : SockaddrIn.bytes;
    return i;
  }

  private finish(i: number): void {
    const count = this.segments[i]!;
    this.headers[i * HEADER + Mmsghdr.iovLength / 4] = count;
    this.headers[i * HEADER + Mmsghdr.controlLength / 4] = count > 1 ? NumberMessage.bytes : 0;
    if (count > 1) this.controlView.setUint16(i * NumberMessage.bytes + NumberMessage.data, this.sizes[i]!, true);
  }

  /**
   * The kernel, the card or the path does not cut messages: from now on each holds one datagram. Unless a datagram is too
   * large by itself: that was why, and those of other sizes may share messages.
   */
  private sendSingly(i: number): void {
    const { libc, headers } = this;
    const tooLarge = this.counts.tooLarge;
    headers[i * HEADER + Mmsghdr.iovLength / 4] = 1;
    headers[i * HEADER + Mmsghdr.controlLength / 4] = 0;
    for (let k = 0; k < this.segments[i]!; k++) {
      this.point(i, k);
      if (libc.sendmmsg(this.fd, this.headersAt[i]!, 1, MSG_DONTWAIT) === 1) this.counts.sent++;
      else this.lost(libc.errorName(libc.errno()), 1);
    }
    this.point(i, 0);
    if (this.counts.tooLarge === tooLarge) this.cuts = false;
  }

  /** Lets message i begin at its k-th datagram. */
  private point(i: number, k: number): void {
    const address = this.vectorsAt + (i * SEGMENTS + k) * Iovec.bytes;
    this.headers[i * HEADER + Mmsghdr.iov / 4] = address % HIGH;
    this.headers[i * HEADER + Mmsghdr.iov / 4 + 1] = address / HIGH;
  }

  private lost(symbol: string, datagrams: number): void {
    const { counts } = this;
    if (symbol === 'EAGAIN' || symbol === 'EWOULDBLOCK' || symbol === 'ENOBUFS') counts.full += datagrams;
    else if (symbol === 'EMSGSIZE') counts.tooLarge += datagrams;
    else counts.failed += datagrams;
    this.note(symbol);
  }

  private note(symbol: string): void {
    this.errors.set(symbol, (this.errors.get(symbol) ?? 0) + 1);
  }
}

/** EIO: the card cannot sum; EINVAL, EMSGSIZE: datagrams larger than the path's MTU; EOPNOTSUPP: options in the way. */
function isAboutSegments(symbol: string): boolean {
  return symbol === 'EIO' || symbol === 'EINVAL' || symbol === 'EMSGSIZE' || symbol === 'EOPNOTSUPP';
}

function swap32(word: number): number {
  return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
