import type { Program } from '../json/program.js';
import type { FieldDef, HeaderDef } from '../json/data.js';
import type { TraceRecorder } from '../trace.js';

const NO_ARGUMENTS: readonly bigint[] = [];

/**
 * A packet in flight: its parsed headers and metadata in flat arrays (by the indices of the definitions), its
 * unparsed bytes, and its requests to the traffic manager.
 *
 * Fields of invalid headers keep the bits they last had in this packet, zero at first; simple_switch keeps even
 * those of earlier packets.
 */
export class Packet {
  fields: bigint[];
  /** By header: 1 if valid. Metadata is always valid. */
  valid: Uint8Array;
  /** By header: present width in bits of its varbit field. */
  varbits: Int32Array;
  /** By stack: index of the element after the last one extracted or pushed. */
  next: Int32Array;
  /** Arguments of the action that runs. */
  args: readonly bigint[] = NO_ARGUMENTS;
  /** Name of the action that runs; only kept when traced. */
  actionName = '';

  /** Bytes start..end of `buffer` are not parsed (before the parser: all, after it: the payload). */
  buffer: Uint8Array;
  start = 0;
  end: number;
  /** Next byte the parser reads. */
  cursor = 0;
  /** Result of truncate(): no more bytes than this leave the switch. */
  truncated = Infinity;
  /** No deparsed packet may be longer: see HEADROOM_BYTES of limits.ts. */
  readonly capacity: number;
  /** Headers and payload, kept up to date by add_header and remove_header as simple_switch does. */
  length: number;
  /** What counters and meters count. */
  ingressLength: number;

  exit = false;
  /** -1: no clone was requested. */
  cloneSession = -1;
  cloneFieldList = 0;
  /** Ids of field lists and learn lists; 0: not requested. */
  digestList = 0;
  resubmitList = 0;
  recirculateList = 0;
  checksumError = false;

  constructor(
    private readonly shape: PacketShape,
    readonly ingressPort: number,
    buffer: Uint8Array,
    ingressLength: number,
    capacity: number,
    readonly trace: TraceRecorder | undefined,
  ) {
    this.fields = new Array<bigint>(shape.fieldCount).fill(0n);
    this.valid = shape.initiallyValid.slice();
    this.varbits = new Int32Array(shape.headerCount);
    this.next = new Int32Array(shape.stackCount);
    this.buffer = buffer;
    this.end = buffer.length;
    this.length = ingressLength;
    this.ingressLength = ingressLength;
    this.capacity = capacity;
  }

  /** Bytes that are not parsed, as far as truncate() lets them be seen. */
  get dataSize(): number {
    return Math.min(this.end - this.start, this.truncated);
  }

  /** A copy with headers and metadata. */
  copy(): Packet {
    const copy = this.copyBytes();
    copy.fields = this.fields.slice();
    copy.valid = this.valid.slice();
    copy.varbits = this.varbits.slice();
    copy.next = this.next.slice();
    copy.length = this.length;
    return copy;
  }

  /**
   * A copy of the unparsed bytes alone, with fresh headers and metadata. Truncation is not copied: simple_switch
   * remembers it with the one packet, whose buffer stays whole (behavioral-model, src/bm_sim/packet.cpp).
   */
  copyBytes(): Packet {
    const bytes = this.buffer.subarray(this.start, this.end);
    const copy = new Packet(this.shape, this.ingressPort, bytes, this.ingressLength, this.capacity, this.trace);
    copy.length = this.length;
    return copy;
  }

  clearMetadata(): void {
    for (const index of this.shape.metadataFields) this.fields[index] = 0n;
  }
}

/** Sizes of the arrays of every packet of one program. */
export class PacketShape {
  readonly fieldCount: number;
  readonly headerCount: number;
  readonly stackCount: number;
  readonly initiallyValid: Uint8Array;
  readonly metadataFields: readonly number[];

  constructor(program: Program) {
    this.fieldCount = program.fieldCount;
    this.headerCount = program.headers.length;
    this.stackCount = program.stackCount;
    this.initiallyValid = Uint8Array.from(program.headers, (header) => (header.metadata ? 1 : 0));
    this.metadataFields = program.headers
      .filter((h) => h.metadata)
      .flatMap((h) => h.fields.map((f: FieldDef) => f.index));
  }
}

export function headerBytes(p: Packet, header: HeaderDef): number {
  return header.varbit === undefined ? header.fixedBytes : header.fixedBytes + p.varbits[header.index]! / 8;
}
