import { encapsulate, FRAME_OVERHEAD_BYTES, udpOffset, type FrameEndpoint } from '../../../net/frames.js';
import { putUint16, uint16, uint32 } from '../../../net/big-endian.js';
import { ipv4ToBytes } from '../../../net/ipv4.js';
import { foldSum, sumOfWords } from '../../../net/checksum.js';
import type { Libc } from '../../../net/linux/libc.js';
import { macOfIpv4 } from '../../../net/mac.js';
import { UdpReceiver } from '../../../net/linux/udp-receiver.js';
import { UdpSender } from '../../../net/linux/udp-sender.js';
import { openUdpSocket, UdpSocketRefused } from '../../../net/linux/udp-socket.js';
import type { PortStatistics } from '../port.js';
import { serviceEndpoint, UDP_PORT_BUFFER_BYTES, udpOpenError, type UdpServiceAddress } from '../udp-address.js';
import type { FrameSocket, FrameSocketOptions } from './frame-socket.js';
import { FRAME_ALIGNMENT, frameStride, MAX_PIECES, MessagePlaces } from './message-places.js';

/** Messages per system call; each may hold up to 64 datagrams that the kernel joined. */
const BATCH_MESSAGES = 32;
const HEADER_BYTES = FRAME_OVERHEAD_BYTES;
/** Memory for the datagrams of messages that do not lie as frames do. */
const SEGMENT_BYTES = 1 << 20;
const MAX_FRAMES = BATCH_MESSAGES * MAX_PIECES + Math.ceil(SEGMENT_BYTES / frameStride(0));
/** Datagrams may come from any number of forged addresses; what is forgotten is made again. */
const MAX_SENDERS = 4096;

/** Offsets in a frame without IPv4 options. */
const IP = 14;
const IP_LENGTH = IP + 2;
const IP_CHECKSUM = IP + 10;
const IP_RECEIVER = IP + 16;
const UDP_BYTES = 8;

export interface UdpMemorySocketSpec {
  readonly number: number;
  readonly bindAddress: string;
  /** 0: the kernel chooses. */
  readonly bindPort: number;
  readonly service: UdpServiceAddress;
}

/** The bytes before every payload of one sender, lengths and checksum apart. */
interface SenderHeader {
  readonly bytes: Uint8Array;
  /** Sum of the IPv4 header's words without its length. */
  readonly sum: number;
}

/**
 * A switch port that is one UDP socket, like {@link UdpPort}, but whose frames lie in the caller's memory and travel in
 * batches. A datagram that comes in gets the headers of a frame from its sender to the service in front of it; the
 * datagram of a frame that leaves is sent from where it lies. {@link MessagePlaces} has messages of several datagrams
 * scattered to where they are frames; others are taken apart by a copy, as frames need space for their headers.
 */
export class UdpMemorySocket implements FrameSocket {
  /** Bytes of memory that a socket needs. */
  static readonly REGION_BYTES = MessagePlaces.bytes(BATCH_MESSAGES) + SEGMENT_BYTES + FRAME_ALIGNMENT;

  private readonly counts: PortStatistics = { received: 0, sent: 0, notCarried: 0, sendErrors: 0 };
  private readonly incoming: UdpReceiver;
  private readonly places: MessagePlaces;
  private readonly outgoing: UdpSender;
  private readonly service: FrameEndpoint;
  private readonly senders = new Map<number, SenderHeader>();
  private lastSender = -1;
  private lastHeader: SenderHeader | undefined;
  private readonly offsets = new Uint32Array(MAX_FRAMES);
  private readonly lengths = new Uint32Array(MAX_FRAMES);
  private frames = 0;
  /** Messages of the kernel's last batch, and how many of them have been made into frames. */
  private arrived = 0;
  private taken = 0;
  private segmentTop = 0;
  private isClosed = false;
  private base = 0;
  private segmentsAt = 0;
  private memory: { readonly buffer: ArrayBufferLike };
  private bytes: Uint8Array;

  private constructor(
    libc: Libc,
    private readonly handle: { readonly fd: number; readonly segments: boolean },
    /** HOST:UDPPORT */
    readonly place: string,
    spec: UdpMemorySocketSpec,
    region: Uint8Array,
    { memory }: FrameSocketOptions,
    private readonly libcOf = libc,
  ) {
    this.service = serviceEndpoint(spec.number, spec.service);
    this.incoming = new UdpReceiver(libc, handle.fd, BATCH_MESSAGES, MAX_PIECES);
    this.places = new MessagePlaces(this.incoming);
    this.outgoing = new UdpSender(libc, handle.fd, handle.segments);
    this.memory = memory ?? region;
    this.bytes = new Uint8Array(region.buffer);
    this.settle(region, memory);
  }

  /**
   * @param region at least {@link REGION_BYTES}, for this socket alone until it is closed; its buffer must stay where
   *   it is, as that of a shared WebAssembly memory does, even when it grows
   * @throws PortError; RangeError if the region is too small
   */
  static openWith(
    libc: Libc,
    spec: UdpMemorySocketSpec,
    region: Uint8Array,
    options: FrameSocketOptions = {},
  ): UdpMemorySocket {
    requireRoom(region);
    const { number, bindAddress, bindPort } = spec;
    serviceEndpoint(number, spec.service);
    const at = `${bindAddress}:${bindPort}`;
    const ip = ipv4ToBytes(bindAddress);
    if (ip === undefined) throw udpOpenError(number, at, 'EADDRNOTAVAIL');
    const handle = openUdpSocket(libc, { ip, port: bindPort, bufferBytes: UDP_PORT_BUFFER_BYTES });
    if (handle instanceof UdpSocketRefused) throw udpOpenError(number, at, handle.symbol);
    return new UdpMemorySocket(libc, handle, `${bindAddress}:${handle.port}`, spec, region, options);
  }

  get statistics(): PortStatistics {
    const { counts, outgoing } = this;
    const { sent, full, tooLarge, failed } = outgoing.counts;
    return {
      ...counts,
      sent,
      notCarried: counts.notCarried + tooLarge,
      sendErrors: counts.sendErrors + full + failed,
    };
  }

  get closed(): boolean {
    return this.isClosed;
  }

  get descriptor(): number {
    return this.handle.fd;
  }

  get hasLeft(): boolean {
    return this.taken < this.arrived;
  }

  moveTo(region: Uint8Array, { memory }: FrameSocketOptions = {}): void {
    requireRoom(region);
    if (this.hasLeft || this.isClosed)
      throw new RangeError('a socket can only move while it is open and has no frames left from the last receive()');
    this.flush();
    this.frames = 0;
    this.settle(region, memory);
  }

  receive(): number {
    if (this.isClosed) return 0;
    const { incoming } = this;
    if (this.taken === this.arrived) {
      for (let i = 0; i < this.arrived; i++) this.places.prepare(i);
      this.arrived = incoming.receive();
      this.taken = 0;
    }
    this.frames = 0;
    this.segmentTop = this.segmentsAt;
    while (this.taken < this.arrived && this.take(this.taken)) this.taken++;
    this.counts.received += this.frames;
    return this.frames;
  }

  offset(i: number): number {
    return this.offsets[i]!;
  }

  length(i: number): number {
    return this.lengths[i]!;
  }

  room(i: number): number {
    return i + 1 < this.frames ? Math.abs(this.offsets[i + 1]! - this.offsets[i]!) : Infinity;
  }

  send(offset: number, length: number): void {
    if (this.isClosed) {
      this.counts.sendErrors++;
      return;
    }
    if (offset + length > this.bytes.length) this.bytes = new Uint8Array(this.memory.buffer);
    const { bytes } = this;
    const udp = udpOffset(bytes, offset, length);
    const port = udp < 0 ? 0 : uint16(bytes, udp + 2);
    if (port === 0) {
      this.counts.notCarried++;
      return;
    }
    const ip = uint32(bytes, offset + IP_RECEIVER);
    this.outgoing.put(ip, port, this.base + udp + UDP_BYTES, uint16(bytes, udp + 4) - UDP_BYTES);
  }

  flush(): void {
    if (!this.isClosed) this.outgoing.flush();
  }

  /** Frames that are queued are not sent. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.outgoing.clear();
    this.libcOf.close(this.handle.fd);
  }

  private settle(region: Uint8Array, memory: { readonly buffer: ArrayBufferLike } | undefined): void {
    this.memory = memory ?? region;
    this.bytes = new Uint8Array(region.buffer);
    this.base = Number(this.libcOf.addressOf(this.bytes));
    const at = Math.ceil(region.byteOffset / FRAME_ALIGNMENT) * FRAME_ALIGNMENT;
    this.segmentsAt = at + MessagePlaces.bytes(BATCH_MESSAGES);
    this.places.settle(at, this.base);
    for (let i = 0; i < BATCH_MESSAGES; i++) this.incoming.prepare(i);
    this.arrived = this.taken = 0;
  }

  /** Turns message i into frames. @returns false if there is no space for them next to those already there */
  private take(i: number): boolean {
    const { incoming, places, bytes } = this;
    const length = incoming.length(i);
    if (incoming.isCutOff(i)) {
      this.counts.notCarried++;
      return true;
    }
    const header = this.headerOf(incoming.senderIp(i), incoming.senderPort(i));
    const size = incoming.datagramBytes(i);
    if (length <= size && places.isWhole(i, length)) {
      this.add(places.frame(i), length, header);
      return true;
    }
    if (length > size) places.expect(size);
    if (places.isScattered(i, size)) {
      for (let k = 0; k * size < length; k++) this.add(places.frame(i, k), Math.min(size, length - k * size), header);
      return true;
    }
    const stride = frameStride(size);
    if (this.segmentTop + Math.ceil(length / size) * stride > this.segmentsAt + SEGMENT_BYTES) return false;
    for (let done = 0; done < length; done += size) {
      const payload = Math.min(size, length - done);
      places.copy(bytes, i, done, payload, this.segmentTop + HEADER_BYTES);
      this.add(this.segmentTop, payload, header);
      this.segmentTop += stride;
    }
    return true;
  }

  /** Writes the headers in front of a payload. */
  private add(frame: number, payload: number, header: SenderHeader): void {
    const { bytes } = this;
    const ipLength = HEADER_BYTES - IP + payload;
    const checksum = ~foldSum(header.sum + ipLength) & 0xffff;
    bytes.set(header.bytes, frame);
    putUint16(bytes, frame + IP_LENGTH, ipLength);
    putUint16(bytes, frame + IP_CHECKSUM, checksum);
    putUint16(bytes, frame + HEADER_BYTES - UDP_BYTES + 4, UDP_BYTES + payload);
    this.offsets[this.frames] = frame;
    this.lengths[this.frames++] = HEADER_BYTES + payload;
  }

  private headerOf(ip: number, port: number): SenderHeader {
    const key = ip * 0x1_0000 + port;
    if (key === this.lastSender) return this.lastHeader!;
    let header = this.senders.get(key);
    if (header === undefined) {
      if (this.senders.size >= MAX_SENDERS) this.senders.clear();
      const address = Uint8Array.of(ip >>> 24, ip >>> 16, ip >>> 8, ip);
      const bytes = encapsulate(
        { mac: macOfIpv4(address), ip: address, udpPort: port },
        this.service,
        new Uint8Array(0),
      );
      for (const at of [IP_LENGTH, IP_CHECKSUM]) bytes[at] = bytes[at + 1] = 0;
      header = { bytes, sum: sumOfWords(bytes, IP, IP + 20) };
      this.senders.set(key, header);
    }
    this.lastSender = key;
    this.lastHeader = header;
    return header;
  }
}

function requireRoom(region: Uint8Array): void {
  if (region.length < UdpMemorySocket.REGION_BYTES)
    throw new RangeError(`a socket needs ${UdpMemorySocket.REGION_BYTES} bytes of memory, not ${region.length}`);
}
