/** Memory that holds the packets of an operation: its input, as it is sent, and as it is restored from. */
import { HEADER_BYTES, messageBytes } from '../../protocol/message.js';
import { stepFor } from '../../protocol/packet-steps.js';
import type { MemoryPool } from './memory-pool.js';

/** How an operation's elements are divided among packets. */
export interface PacketLayout {
  readonly valuesPerPacket: number;
  /** Values that a packet may hold, ascending; the last is at least `valuesPerPacket`. */
  readonly steps: readonly number[];
}

export function sameLayout(a: PacketLayout, b: PacketLayout): boolean {
  return a.valuesPerPacket === b.valuesPerPacket && String(a.steps) === String(b.steps);
}

/** Bytes of the shortest packet that holds `count` values. */
export function packetBytes(count: number, { steps }: PacketLayout): number {
  return messageBytes(steps[stepFor(count, steps)]!);
}

/**
 * The packets of one operation, one after the other, by chunk. Values are copied here when their chunk is sent first,
 * which is before its result overwrites them in the caller's memory.
 */
export class PacketStore {
  readonly view: DataView;
  /** Chunks whose packets are complete: all below this one. */
  loaded = 0;

  private constructor(
    readonly bytes: Uint8Array,
    readonly layout: PacketLayout,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Memory for `chunks` data chunks and the commit. */
  static from(pool: MemoryPool, chunks: number, layout: PacketLayout): PacketStore {
    return new PacketStore(pool.take(PacketStore.bytesFor(chunks, layout), layout.valuesPerPacket), layout);
  }

  static bytesFor(chunks: number, layout: PacketLayout): number {
    return chunks * messageBytes(layout.valuesPerPacket) + packetBytes(0, layout);
  }

  /** Gives the memory back. */
  release(pool: MemoryPool): void {
    pool.give(this.bytes, this.layout.valuesPerPacket);
  }

  /** Where the packet of `chunk` begins. */
  at(chunk: number): number {
    return chunk * messageBytes(this.layout.valuesPerPacket);
  }

  /** Where its values begin. */
  valuesAt(chunk: number): number {
    return this.at(chunk) + HEADER_BYTES;
  }

  /** Fills the packet of `chunk` up after its `count` values. */
  pad(chunk: number, count: number): void {
    const at = this.at(chunk);
    this.bytes.fill(0, at + messageBytes(count), at + packetBytes(count, this.layout));
    this.loaded = chunk + 1;
  }
}
