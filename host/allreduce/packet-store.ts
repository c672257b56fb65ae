/** Memory that holds the packets of an operation: its input, as it is sent, and as it is restored from. */
import { HEADER_BYTES, messageBytes, VALUE_BYTES } from '../../protocol/message.js';
import { stepFor } from '../../protocol/packet-steps.js';

/** How an operation's elements are divided among packets. */
export interface PacketLayout {
  readonly valuesPerPacket: number;
  /** Values that a packet may hold, ascending; the last is at least `valuesPerPacket`. */
  readonly steps: readonly number[];
}

export function sameLayout(a: PacketLayout, b: PacketLayout): boolean {
  return a.valuesPerPacket === b.valuesPerPacket && String(a.steps) === String(b.steps);
}

/** Elements in `chunk` of an operation; none in the commit, which follows the last one with data. */
export function elementsIn(chunk: number, elements: number, { valuesPerPacket }: PacketLayout): number {
  return Math.max(0, Math.min(valuesPerPacket, elements - chunk * valuesPerPacket));
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
  /** Chunks whose values are here: all below this one. */
  loaded = 0;

  /** @param bytes at least {@link PacketStore.bytesFor} */
  constructor(
    readonly bytes: Uint8Array,
    readonly layout: PacketLayout,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes for the chunks of `elements` elements, and the commit. */
  static bytesFor(elements: number, layout: PacketLayout): number {
    const chunks = Math.ceil(elements / layout.valuesPerPacket);
    return chunks * messageBytes(layout.valuesPerPacket) + packetBytes(0, layout);
  }

  /** Where the packet of `chunk` begins. */
  at(chunk: number): number {
    return chunk * messageBytes(this.layout.valuesPerPacket);
  }

  /** Where its values begin. */
  valuesAt(chunk: number): number {
    return this.at(chunk) + HEADER_BYTES;
  }

  /** Bytes of the values of a packet that holds `count`, with what fills it up. */
  payloadBytes(count: number): number {
    return packetBytes(count, this.layout) - HEADER_BYTES;
  }

  /** The values of `chunk`, of which there are `count`. */
  values(chunk: number, count: number): Uint8Array {
    const at = this.valuesAt(chunk);
    return this.bytes.subarray(at, at + count * VALUE_BYTES);
  }
}

/** Memory that is kept for the next operation: at most this much, in at most so many pieces. */
const MAX_KEPT_BYTES = 2 ** 28;
const MAX_KEPT = 2;

interface Kept {
  readonly bytes: Uint8Array;
  readonly valuesPerPacket: number;
}

/**
 * Memory of operations that are over: a large allocation costs a page fault for every 4 KiB of it.
 *
 * A transport may still hold references to packets there. So memory is used again for packets of the same size only:
 * whatever is sent late is a whole packet of some operation, or one whose length contradicts its count, which the switch
 * does not accept.
 */
export class PacketStorePool {
  private kept: Kept[] = [];

  take(elements: number, layout: PacketLayout): PacketStore {
    const needed = PacketStore.bytesFor(elements, layout);
    const fitting = this.kept
      .filter(({ bytes, valuesPerPacket }) => bytes.length >= needed && valuesPerPacket === layout.valuesPerPacket)
      .sort((a, b) => a.bytes.length - b.bytes.length)[0];
    this.kept = this.kept.filter((each) => each !== fitting);
    return new PacketStore(fitting?.bytes ?? new Uint8Array(needed), layout);
  }

  give({ bytes, layout: { valuesPerPacket } }: PacketStore): void {
    this.kept = [{ bytes, valuesPerPacket }, ...this.kept].slice(0, MAX_KEPT);
    while (this.kept.reduce((sum, each) => sum + each.bytes.length, 0) > MAX_KEPT_BYTES) this.kept.pop();
  }
}
