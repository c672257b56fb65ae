import { MSG_DONTWAIT, VnetHeader } from '../../../net/linux/abi.js';
import type { Libc } from '../../../net/linux/libc.js';
import { BATCH_FRAMES, type Arrivals } from './arrivals.js';
import type { FrameSocket, FrameSocketOptions } from './frame-socket.js';
import { mtuOf } from './interfaces.js';
import { MESSAGE_BYTES, MessageArrivals } from './message-arrivals.js';
import { MAX_FRAME_BYTES } from './message-batch.js';
import { MessageVectors } from './message-vectors.js';
import { finish, insertTag, isFinished, readOffload, segmentCount, VLAN_TAG_BYTES } from './offload.js';
import { PacketRing } from './packet-ring.js';
import { openReceiver, openSender, takeDrops } from './packet-socket.js';
import { XdpSender } from './xdp-sender.js';

const ETHERNET_BYTES = 14;
/** Segments begin at multiples of this, after space to put back a VLAN tag. */
const SEGMENT_ALIGNMENT = 16;
/** Memory for the segments of frames that hold several. */
const SEGMENT_BYTES = 1 << 20;
/** What a segment takes besides its payload and the bytes before its transport header: TCP's at most, and a tag's gap. */
const SEGMENT_OVERHEAD = 96;
const MAX_FRAMES = BATCH_FRAMES + Math.ceil(SEGMENT_BYTES / SEGMENT_OVERHEAD);

export interface MemorySocketStatistics {
  /** Frames given to the caller, after segmentation. */
  received: number;
  /** Frames that came in but could not be completed into what a wire would carry. */
  unfinished: number;
  sent: number;
  /** Frames that are larger than the interface's MTU allows, or smaller than an Ethernet header. */
  badSize: number;
  /** Frames that the kernel did not take: interface down or gone, queue full. */
  sendErrors: number;
}

/**
 * One network interface of Linux whose frames lie in the caller's memory: for a packet loop on its own thread, over
 * the memory of a WebAssembly module. Like {@link RawSocket} it takes whatever arrives, finished as a network card
 * would have.
 */
export class MemorySocket implements FrameSocket {
  /** Bytes of memory that a socket needs. */
  static readonly REGION_BYTES =
    BATCH_FRAMES * MESSAGE_BYTES + SEGMENT_BYTES + XdpSender.MEMORY_BYTES + XdpSender.ALIGNMENT;

  private readonly counts: MemorySocketStatistics = { received: 0, unfinished: 0, sent: 0, badSize: 0, sendErrors: 0 };
  private readonly outgoing: MessageVectors;
  /** Place and length of each frame of the last {@link receive}, and the bytes from its start that are its own. */
  private readonly offsets = new Uint32Array(MAX_FRAMES);
  private readonly lengths = new Uint32Array(MAX_FRAMES);
  private readonly rooms = new Uint32Array(MAX_FRAMES);
  private frames = 0;
  /** Frames of the kernel's last batch, and how many of them have been finished. */
  private arrived = 0;
  private taken = 0;
  /** Next free byte for segments. */
  private segmentTop = 0;
  /** Messages of `outgoing` that are not sent yet: its first ones. */
  private pending = 0;
  /** Frames that were given to `xdp` since the last flush. */
  private queued = 0;
  private isClosed = false;
  private region: Uint8Array;
  private view: DataView;
  private segmentsAt = 0;
  private readonly segment = new Uint8Array(MAX_FRAME_BYTES);
  private xdp: XdpSender | undefined;

  private constructor(
    private readonly libc: Libc,
    private readonly receiver: number,
    private readonly incoming: Arrivals,
    private readonly sender: number,
    readonly interfaceName: string,
    region: Uint8Array,
    { useXdp = true, memory }: FrameSocketOptions,
  ) {
    this.outgoing = new MessageVectors(libc, BATCH_FRAMES, false);
    this.region = region;
    this.view = new DataView(region.buffer);
    this.settle(memory ?? region, useXdp);
  }

  /**
   * @param interfaceName in the network namespace of the calling thread
   * @param region at least {@link REGION_BYTES}, for this socket alone until it is closed; its buffer must stay where
   *   it is, as that of a shared WebAssembly memory does, even when it grows
   * @throws InterfaceError with one of the reasons EMULATOR_PORT_NO_INTERFACE, EMULATOR_PORT_DOWN,
   *   EMULATOR_PORT_PERMISSION, EMULATOR_PORT_UNSUPPORTED, EMULATOR_PORT_FAILED; RangeError if the region is too small
   */
  static openWith(
    libc: Libc,
    interfaceName: string,
    region: Uint8Array,
    options: FrameSocketOptions = {},
  ): MemorySocket {
    requireRoom(region);
    let ring: PacketRing | undefined;
    const receiver = openReceiver(libc, interfaceName, (fd) => {
      if (options.useRing !== false) ring = PacketRing.open(libc, fd, mtuOf(libc, interfaceName), region);
    });
    try {
      const sender = openSender(libc, interfaceName);
      const incoming = ring ?? new MessageArrivals(libc, receiver, region, BATCH_FRAMES);
      return new MemorySocket(libc, receiver, incoming, sender, interfaceName, region, options);
    } catch (error) {
      ring?.close();
      libc.close(receiver);
      throw error;
    }
  }

  get statistics(): Readonly<MemorySocketStatistics> {
    const { counts, xdp } = this;
    return xdp === undefined
      ? { ...counts }
      : { ...counts, sent: counts.sent + xdp.sent, sendErrors: counts.sendErrors + xdp.failed };
  }

  /** How frames are sent. */
  get sendsBy(): 'AF_XDP' | 'AF_PACKET' {
    return this.xdp === undefined ? 'AF_PACKET' : 'AF_XDP';
  }

  /** How frames are received. */
  get receivesBy(): 'ring' | 'recvmmsg' {
    return this.incoming instanceof PacketRing ? 'ring' : 'recvmmsg';
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /** Descriptor for poll(2): readable when frames are waiting. */
  get descriptor(): number {
    return this.receiver;
  }

  /**
   * Continues in another memory: frames of the last {@link receive} stay in the old one, and what is queued is sent.
   * @param region as in {@link openWith}; so are the options, except that the way of receiving stays
   * @throws RangeError if the region is too small, the socket is closed or frames are left behind ({@link hasLeft});
   *   InterfaceError if the kernel has no memory left
   */
  moveTo(region: Uint8Array, { useXdp = true, memory }: FrameSocketOptions = {}): void {
    requireRoom(region);
    if (this.hasLeft || this.isClosed)
      throw new RangeError('a socket can only move while it is open and has no frames left from the last receive()');
    this.flush();
    this.leaveXdp();
    this.frames = this.arrived = this.taken = 0;
    this.region = region;
    this.view = new DataView(region.buffer);
    this.incoming.moveTo(region);
    this.settle(memory ?? region, useXdp);
  }

  /** Whether the last {@link receive} left frames, already taken from the kernel, for the next call. */
  get hasLeft(): boolean {
    return this.taken < this.arrived;
  }

  /** Whether more frames may be waiting after the last {@link receive}, as far as is known without a system call. */
  get hasMore(): boolean {
    return this.taken < this.arrived || this.incoming.mayHaveMore;
  }

  /**
   * Takes what has arrived. Never waits.
   * @returns how many frames are in memory now, until the next call: at most a batch of the kernel's (64), or more if
   *   some are segments of larger ones
   */
  receive(): number {
    if (this.isClosed) return 0;
    if (this.taken === this.arrived) {
      this.arrived = this.incoming.take();
      this.taken = 0;
    }
    this.frames = 0;
    this.segmentTop = this.segmentsAt;
    while (this.taken < this.arrived && this.take(this.taken)) this.taken++;
    this.counts.received += this.frames;
    return this.frames;
  }

  /** Where frame i of the last {@link receive} begins, counted from the start of the region's buffer. It may be changed. */
  offset(i: number): number {
    return this.offsets[i]!;
  }

  /** Bytes of frame i. */
  length(i: number): number {
    return this.lengths[i]!;
  }

  room(i: number): number {
    return this.rooms[i]!;
  }

  /**
   * Queues a frame that lies anywhere in the region's buffer, and stays there unchanged until {@link flush} or until
   * the queue is full, when the oldest 64 are sent; frames that the kernel has no room for are dropped and counted.
   * @param offset from the start of the buffer
   */
  send(offset: number, length: number): void {
    if (this.isClosed) {
      this.counts.sendErrors++;
      return;
    }
    if (length < ETHERNET_BYTES || length > MAX_FRAME_BYTES) {
      this.counts.badSize++;
      return;
    }
    if (this.xdp?.carries(offset, length)) {
      // Frames leave in the order in which they were sent.
      if (this.pending > 0) this.flush();
      this.xdp.put(offset, length);
      if (++this.queued === BATCH_FRAMES) this.flush();
      return;
    }
    this.xdp?.flush();
    this.outgoing.place(this.pending++, offset, length);
    if (this.pending === BATCH_FRAMES) this.flush();
  }

  /** Sends what is queued. */
  flush(): void {
    if (this.isClosed) return;
    const { counts, outgoing, libc, xdp } = this;
    xdp?.flush();
    this.queued = 0;
    let done = 0;
    while (done < this.pending) {
      const count = libc.sendmmsg(this.sender, outgoing.addresses[done]!, this.pending - done, MSG_DONTWAIT);
      if (count > 0) {
        counts.sent += count;
        done += count;
        continue;
      }
      // sendmmsg fails only for its first message; the others get their own chance.
      if (libc.errorName(libc.errno()) === 'EMSGSIZE') counts.badSize++;
      else counts.sendErrors++;
      done++;
    }
    this.pending = 0;
  }

  /** Frames that the kernel dropped since the last call because they were not read in time. */
  takeOverruns(): number {
    return this.isClosed ? 0 : takeDrops(this.libc, this.receiver);
  }

  /** Frames that are queued are not sent. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.pending = 0;
    this.leaveXdp();
    this.incoming.close();
    this.libc.close(this.receiver);
    this.libc.close(this.sender);
  }

  private settle(memory: { readonly buffer: ArrayBufferLike }, useXdp: boolean): void {
    const { libc, region, outgoing } = this;
    this.segmentsAt = region.byteOffset + BATCH_FRAMES * MESSAGE_BYTES;
    const memoryAt = Math.ceil((this.segmentsAt + SEGMENT_BYTES) / XdpSender.ALIGNMENT) * XdpSender.ALIGNMENT;
    if (useXdp) this.xdp = XdpSender.open(libc, this.interfaceName, memory, memoryAt);
    outgoing.base = libc.addressOf(new Uint8Array(region.buffer));
  }

  private leaveXdp(): void {
    const { xdp, counts } = this;
    if (xdp === undefined) return;
    counts.sent += xdp.sent;
    counts.sendErrors += xdp.failed;
    xdp.close();
    this.xdp = undefined;
  }

  private add(offset: number, length: number, room: number): void {
    this.offsets[this.frames] = offset;
    this.rooms[this.frames] = room;
    this.lengths[this.frames++] = length;
  }

  /** Turns what arrived as number i into frames. @returns false if there is no space for them next to those already there */
  private take(i: number): boolean {
    const { incoming, view } = this;
    const frame = incoming.at(i);
    const offload = frame - VnetHeader.bytes;
    const length = incoming.length(i);
    if (!incoming.isWhole(i)) this.counts.unfinished++;
    else if (!incoming.hasVlan(i) && isFinished(view, offload)) this.add(frame, length, incoming.room(i));
    else return this.finish(i, frame, offload, length);
    return true;
  }

  /** The slow path, which few frames need: it allocates. @returns as {@link take} does */
  private finish(i: number, frame: number, offloadAt: number, length: number): boolean {
    const { incoming, segment, counts } = this;
    const { buffer } = this.region;
    const offload = readOffload(this.view, offloadAt);
    const vlan = incoming.vlan(i);
    const needed = length + segmentCount(offload, length) * (offload.checksumStart + SEGMENT_OVERHEAD);
    const free = this.segmentsAt + SEGMENT_BYTES - this.segmentTop;
    if (needed > free && needed <= SEGMENT_BYTES) return false;
    const room = incoming.room(i);
    const memory = new Uint8Array(buffer, frame, Math.min(room, MAX_FRAME_BYTES));
    const isCarried =
      needed <= free &&
      finish(memory, length, offload, segment, (finished, bytes) => {
        let at = frame;
        let free = room;
        if (finished === segment) {
          at = this.segmentTop + SEGMENT_ALIGNMENT;
          free = Math.ceil(bytes / SEGMENT_ALIGNMENT) * SEGMENT_ALIGNMENT;
          this.segmentTop = at + free;
          new Uint8Array(buffer, at, bytes).set(segment.subarray(0, bytes));
        }
        if (vlan === undefined) {
          this.add(at, bytes, free);
          return;
        }
        insertTag(new Uint8Array(buffer, at - VLAN_TAG_BYTES, bytes + VLAN_TAG_BYTES), vlan.tpid, vlan.tci);
        this.add(at - VLAN_TAG_BYTES, bytes + VLAN_TAG_BYTES, free + VLAN_TAG_BYTES);
      });
    if (!isCarried) counts.unfinished++;
    return true;
  }
}

function requireRoom(region: Uint8Array): void {
  if (region.length < MemorySocket.REGION_BYTES)
    throw new RangeError(`a socket needs ${MemorySocket.REGION_BYTES} bytes of memory, not ${region.length}`);
}
