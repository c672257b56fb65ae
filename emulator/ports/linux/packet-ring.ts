import {
  MAP_ANONYMOUS,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  PACKET_COPY_THRESH,
  PACKET_RESERVE,
  PACKET_RX_RING,
  PACKET_VERSION,
  PROT_READ_WRITE,
  SO_ERROR,
  SOL_PACKET,
  SOL_SOCKET,
  Tpacket2Hdr,
  TpacketReq,
  TP_STATUS_COPY,
  TP_STATUS_KERNEL,
  TP_STATUS_USER,
  TP_STATUS_VLAN_TPID_VALID,
  TP_STATUS_VLAN_VALID,
  TPACKET_V2,
} from '../../../net/linux/abi.js';
import type { Libc } from '../../../net/linux/libc.js';
import { BATCH_FRAMES, type Arrivals } from './arrivals.js';
import { InterfaceError } from './interface-error.js';
import { MESSAGE_BYTES, MessageArrivals } from './message-arrivals.js';
import { ETHERTYPE_VLAN } from './offload.js';
import { int32, setOption } from './packet-socket.js';

const PAGE_BYTES = 4096;
/** Slots of one block of the ring, which is then a whole number of pages whatever the slots' size. */
const BLOCK_SLOTS = 32;
/** Frames too long for a slot that one turn takes, and the memory for them at the end of the region. */
const LONG_FRAMES = 8;
/** The kernel puts a frame at 76 bytes of its slot, with the virtio header; words are read at the start of frames. */
const RESERVED_BYTES = 4;
const FRAME_OFFSET = 80;
const ETHERNET_BYTES = 14;
/** Two VLAN tags. */
const TAGS_BYTES = 8;
/** Longer slots would leave too few of them. */
const MAX_MTU = 4000;
/** Empty turns between two looks at the socket's error, which would end every wait at once. */
const ERROR_TURNS = 64;

/**
 * Frames that the kernel puts into a ring (TPACKET_V2, Documentation/networking/packet_mmap.rst) on the processor of
 * the one who sends them. The ring is mapped into the caller's memory: no system call takes a frame, and no copy. Frames
 * that are too long for a slot, as those that hold several segments, are taken from the socket one by one.
 */
export class PacketRing implements Arrivals {
  private readonly long: MessageArrivals;
  private longs = 0;
  /** Of each frame of the last {@link take}: its slot's offset in the buffer, and its number among the long ones, or -1. */
  private readonly slotAt = new Uint32Array(BATCH_FRAMES);
  private readonly longIndex = new Int8Array(BATCH_FRAMES);
  private taken = 0;
  /** The slot of the first frame of the last {@link take}. */
  private first = 0;
  private emptyTurns = 0;
  private readonly ringBytes: number;
  private readonly error = new Uint8Array(72);
  private readonly errorBytes = new Uint8Array(72);
  private region: Uint8Array;
  private mappedAt = 0;
  private words: Int32Array;

  private constructor(
    private readonly libc: Libc,
    private readonly fd: number,
    region: Uint8Array,
    private readonly slots: number,
    private readonly slotBytes: number,
  ) {
    this.ringBytes = slots * slotBytes;
    this.region = region;
    this.words = wordsOf(region);
    this.long = new MessageArrivals(libc, fd, longFrames(region), LONG_FRAMES);
  }

  /**
   * To be called before the socket is bound.
   * @param fd a packet socket with virtio headers
   * @param region for {@link BATCH_FRAMES} of {@link MESSAGE_BYTES}; part of it becomes the kernel's memory
   * @returns undefined where the kernel refuses, or frames are so long that a ring would hold too few: the socket then
   *   has no ring
   */
  static open(libc: Libc, fd: number, mtu: number, region: Uint8Array): PacketRing | undefined {
    if (mtu > MAX_MTU) return undefined;
    // An odd number of half lines, so that frames do not compete for the same sets of the cache.
    const units = Math.ceil((FRAME_OFFSET + ETHERNET_BYTES + mtu + TAGS_BYTES) / 128) | 1;
    const slotBytes = units * 128;
    const available = (BATCH_FRAMES - LONG_FRAMES) * MESSAGE_BYTES - PAGE_BYTES;
    const blocks = Math.floor(available / (slotBytes * BLOCK_SLOTS));
    const request = (count: number): Uint8Array => {
      const bytes = new Uint8Array(TpacketReq.bytes);
      const view = new DataView(bytes.buffer);
      if (count === 0) return bytes;
      view.setUint32(TpacketReq.blockSize, slotBytes * BLOCK_SLOTS, true);
      view.setUint32(TpacketReq.blocks, count, true);
      view.setUint32(TpacketReq.slotSize, slotBytes, true);
      view.setUint32(TpacketReq.slots, count * BLOCK_SLOTS, true);
      return bytes;
    };
    const set = (option: number, value: Uint8Array): boolean => setOption(libc, fd, SOL_PACKET, option, value);
    const isThere =
      set(PACKET_VERSION, int32(TPACKET_V2)) &&
      set(PACKET_RESERVE, int32(RESERVED_BYTES)) &&
      set(PACKET_COPY_THRESH, int32(1)) &&
      set(PACKET_RX_RING, request(blocks));
    if (!isThere) return undefined;
    const ring = new PacketRing(libc, fd, region, blocks * BLOCK_SLOTS, slotBytes);
    if (ring.map()) return ring;
    set(PACKET_RX_RING, request(0));
    return undefined;
  }

  get mayHaveMore(): boolean {
    return this.taken === BATCH_FRAMES || this.longs === LONG_FRAMES;
  }

  take(): number {
    const { words, slots, slotBytes, slotAt, longIndex } = this;
    for (let i = 0; i < this.taken; i++) Atomics.store(words, slotAt[i]! >>> 2, TP_STATUS_KERNEL);
    let next = this.first + this.taken;
    if (next >= slots) next -= slots;
    this.first = next;
    this.longs = 0;
    let count = 0;
    let at = this.mappedAt + next * slotBytes;
    while (count < BATCH_FRAMES) {
      // An atomic load costs a call; what it orders matters only once there is a frame.
      if ((words[at >>> 2]! & TP_STATUS_USER) === 0) break;
      const status = Atomics.load(words, at >>> 2);
      let long = -1;
      if ((status & TP_STATUS_COPY) !== 0) {
        if (this.longs === LONG_FRAMES) break;
        if (this.long.takeOne(this.longs)) long = this.longs++;
      }
      slotAt[count] = at;
      longIndex[count++] = long;
      if (++next === slots) {
        next = 0;
        at = this.mappedAt;
      } else at += slotBytes;
    }
    if (count > 0) this.emptyTurns = 0;
    else if (++this.emptyTurns % ERROR_TURNS === 0) this.clearError();
    return (this.taken = count);
  }

  at(i: number): number {
    const long = this.longIndex[i]!;
    const slot = this.slotAt[i]!;
    return long >= 0 ? this.long.at(long) : slot + (this.words[(slot + Tpacket2Hdr.frame) >>> 2]! & 0xffff);
  }

  length(i: number): number {
    const long = this.longIndex[i]!;
    return long >= 0 ? this.long.length(long) : this.words[(this.slotAt[i]! + Tpacket2Hdr.length) >>> 2]!;
  }

  room(i: number): number {
    return this.longIndex[i]! >= 0 ? this.long.room() : this.slotAt[i]! + this.slotBytes - this.at(i);
  }

  isWhole(i: number): boolean {
    const long = this.longIndex[i]!;
    if (long >= 0) return this.long.isWhole(long);
    return this.words[(this.slotAt[i]! + Tpacket2Hdr.captured) >>> 2]! === this.length(i);
  }

  hasVlan(i: number): boolean {
    return (this.status(i) & TP_STATUS_VLAN_VALID) !== 0;
  }

  vlan(i: number): { readonly tpid: number; readonly tci: number } | undefined {
    if (!this.hasVlan(i)) return undefined;
    const tag = this.words[(this.slotAt[i]! + Tpacket2Hdr.vlanTci) >>> 2]!;
    return {
      tpid: (this.status(i) & TP_STATUS_VLAN_TPID_VALID) === 0 ? ETHERTYPE_VLAN : tag >>> 16,
      tci: tag & 0xffff,
    };
  }

  /** The ring stays the same, so frames that wait in it are not lost. @throws InterfaceError EMULATOR_PORT_FAILED */
  moveTo(region: Uint8Array): void {
    const { words, slotAt, taken } = this;
    for (let i = 0; i < taken; i++) Atomics.store(words, slotAt[i]! >>> 2, TP_STATUS_KERNEL);
    this.first = (this.first + taken) % this.slots;
    this.taken = 0;
    this.leave();
    this.region = region;
    this.words = wordsOf(region);
    this.long.moveTo(longFrames(region));
    if (!this.map())
      throw new InterfaceError('EMULATOR_PORT_FAILED', 'the kernel does not map the ring of received frames again');
  }

  close(): void {
    this.taken = 0;
    this.leave();
  }

  private status(i: number): number {
    return this.words[this.slotAt[i]! >>> 2]!;
  }

  private map(): boolean {
    const base = this.base();
    const from = base + BigInt(this.region.byteOffset);
    const at = from + BigInt((PAGE_BYTES - Number(from % BigInt(PAGE_BYTES))) % PAGE_BYTES);
    this.mappedAt = Number(at - base);
    if (this.libc.mapAt(at, this.fd, this.ringBytes, PROT_READ_WRITE, MAP_SHARED | MAP_POPULATE)) return true;
    // The kernel may have taken away what was there.
    this.leave();
    return false;
  }

  /** The memory is the caller's again, and zero. */
  private leave(): void {
    const at = this.base() + BigInt(this.mappedAt);
    this.libc.mapAt(at, -1, this.ringBytes, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  }

  private base(): bigint {
    return this.libc.addressOf(new Uint8Array(this.region.buffer));
  }

  private clearError(): void {
    this.errorBytes[0] = 4;
    this.libc.getsockopt(this.fd, SOL_SOCKET, SO_ERROR, this.error, this.errorBytes);
  }
}

function wordsOf({ buffer }: Uint8Array): Int32Array {
  return new Int32Array(buffer, 0, buffer.byteLength >>> 2);
}

function longFrames(region: Uint8Array): Uint8Array {
  return region.subarray((BATCH_FRAMES - LONG_FRAMES) * MESSAGE_BYTES, BATCH_FRAMES * MESSAGE_BYTES);
}
