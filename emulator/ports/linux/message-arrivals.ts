import { MSG_DONTWAIT, MSG_TRUNC, VnetHeader } from '../../../net/linux/abi.js';
import type { Libc } from '../../../net/linux/libc.js';
import type { Arrivals } from './arrivals.js';
import { MAX_FRAME_BYTES } from './message-batch.js';
import { MessageVectors } from './message-vectors.js';

/** Frames begin at this offset of their slot: before it are the virtio header and space to put back a VLAN tag. */
const FRAME_OFFSET = 16;
/** An odd number of cache lines, so that frames do not compete for the same sets of the cache. */
export const MESSAGE_BYTES = Math.ceil((FRAME_OFFSET + MAX_FRAME_BYTES) / 128) * 128 + 64;

/** Takes frames of any length from a packet socket with recvmmsg. */
export class MessageArrivals implements Arrivals {
  private readonly vectors: MessageVectors;
  private regionAt = 0;
  private arrived = 0;

  /** @param region {@link MESSAGE_BYTES} for each of `slots` messages that one call takes */
  constructor(
    private readonly libc: Libc,
    private readonly fd: number,
    region: Uint8Array,
    private readonly slots: number,
  ) {
    this.vectors = new MessageVectors(libc, slots, true);
    this.moveTo(region);
  }

  get mayHaveMore(): boolean {
    return this.arrived === this.slots;
  }

  take(): number {
    for (let i = 0; i < this.arrived; i++) this.vectors.prepareToReceive(i);
    return (this.arrived = this.receive(0, this.slots));
  }

  /** Takes one frame as number i. @returns whether there was one */
  takeOne(i: number): boolean {
    this.vectors.prepareToReceive(i);
    return this.receive(i, 1) === 1;
  }

  at(i: number): number {
    return this.regionAt + i * MESSAGE_BYTES + FRAME_OFFSET;
  }

  /** Negative if not even the virtio header is there. */
  length(i: number): number {
    return this.vectors.length(i) - VnetHeader.bytes;
  }

  room(): number {
    return MESSAGE_BYTES - FRAME_OFFSET;
  }

  isWhole(i: number): boolean {
    return this.length(i) >= 0 && (this.vectors.flags(i) & MSG_TRUNC) === 0;
  }

  hasVlan(i: number): boolean {
    return this.vectors.hasVlan(i);
  }

  vlan(i: number): { readonly tpid: number; readonly tci: number } | undefined {
    return this.vectors.vlan(i);
  }

  moveTo(region: Uint8Array): void {
    this.regionAt = region.byteOffset;
    this.arrived = 0;
    this.vectors.base = this.libc.addressOf(new Uint8Array(region.buffer));
    for (let i = 0; i < this.slots; i++) {
      this.vectors.place(i, this.at(i) - VnetHeader.bytes, VnetHeader.bytes + MAX_FRAME_BYTES);
      this.vectors.prepareToReceive(i);
    }
  }

  close(): void {}

  /** An interface that goes down reports one error; when it comes up again the socket continues. */
  private receive(from: number, count: number): number {
    return Math.max(0, this.libc.recvmmsg(this.fd, this.vectors.addresses[from]!, count, MSG_DONTWAIT));
  }
}
