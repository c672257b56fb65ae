/** The packets that a worker sends: memory per slot, allocated once; and the fields it reads from those that arrive. */
import { Flag, MAGIC, Opcode, VERSION } from '../../protocol/constants.js';
import {
  emptyHeader,
  type Header,
  HEADER_BYTES,
  messageBytes,
  Offset,
  PROBE_BYTES,
  writeHeader,
} from '../../protocol/message.js';
import { stepFor } from '../../protocol/packet-steps.js';

export interface PacketFields {
  job: number;
  rank: number;
  epoch: number;
  operation: number;
  signature: number;
}

/**
 * One CONTRIBUTE message per slot. A slot has one chunk in flight, so its memory is not reused for
 * another packet before the result of the first has arrived.
 */
export class PacketPool {
  /** By slot, then by step of the length. */
  private readonly packets: Uint8Array[][] = [];
  private readonly payloads: Uint8Array[][] = [];
  private readonly views: DataView[] = [];
  /** By slot: the step of its packet. */
  private readonly step: Uint8Array;
  private readonly probe = new Uint8Array(PROBE_BYTES);
  /** Reused for every packet; {@link begin} sets the fields that an operation's packets share. */
  private readonly header: Header = emptyHeader(Opcode.CONTRIBUTE);

  /** @param steps values that a packet may hold, ascending */
  constructor(
    slots: number,
    private readonly steps: readonly number[],
  ) {
    const bytes = messageBytes(steps.at(-1)!);
    const memory = new ArrayBuffer(slots * bytes);
    this.step = new Uint8Array(slots);
    for (let slot = 0; slot < slots; slot++) {
      const packets = steps.map((values) => new Uint8Array(memory, slot * bytes, messageBytes(values)));
      this.packets.push(packets);
      this.payloads.push(packets.map((packet) => packet.subarray(HEADER_BYTES)));
      this.views.push(new DataView(memory, slot * bytes, HEADER_BYTES));
    }
  }

  begin(fields: Readonly<PacketFields>, networkOrder: boolean): void {
    this.header.flags = networkOrder ? Flag.NETWORK_ORDER : 0;
    this.header.job = fields.job;
    this.header.worker = fields.rank;
    this.header.epoch = fields.epoch;
    this.header.operation = fields.operation;
    this.header.signature = fields.signature;
  }

  /** Memory for `count` values, and for those that fill up the shortest packet that holds them. */
  payload(slot: number, count: number): Uint8Array {
    const step = (this.step[slot] = stepFor(count, this.steps));
    return this.payloads[slot]![step]!;
  }

  /** Bytes of the packet of `slot`, and of its result. */
  bytesIn(slot: number): number {
    return this.packet(slot).length;
  }

  /** Writes the header of the first transmission of a chunk, after its {@link payload}, and returns the whole packet. */
  contribution(slot: number, set: 0 | 1, chunk: number, count: number): Uint8Array {
    const { header } = this;
    header.slot = slot;
    header.set = set;
    header.chunk = chunk;
    header.count = count;
    writeHeader(this.views[slot]!, header);
    return this.packet(slot);
  }

  /** The packet in `slot`, marked as a retransmission. */
  again(slot: number): Uint8Array {
    this.views[slot]!.setUint16(Offset.flags, this.header.flags | Flag.RETRANSMISSION);
    return this.packet(slot);
  }

  private packet(slot: number): Uint8Array {
    return this.packets[slot]![this.step[slot]!]!;
  }

  /** PROBE number `sequence`, of `slot` in the job's range. The answer has the same number. */
  probeOf(slot: number, sequence: number): Uint8Array {
    writeHeader(new DataView(this.probe.buffer), {
      ...this.header,
      opcode: Opcode.PROBE,
      flags: 0,
      slot,
      chunk: sequence,
      count: 0,
      set: 0,
    });
    return this.probe;
  }
}

export function uint16(message: Uint8Array, at: number): number {
  return (message[at]! << 8) | message[at + 1]!;
}

export function uint32(message: Uint8Array, at: number): number {
  return ((message[at]! << 24) | (message[at + 1]! << 16) | (message[at + 2]! << 8) | message[at + 3]!) >>> 0;
}

/** Whether `message` has a whole header of this protocol version and belongs to `job`. */
export function isOurs(message: Uint8Array, job: number): boolean {
  return (
    message.length >= HEADER_BYTES &&
    uint16(message, Offset.magic) === MAGIC &&
    message[Offset.version] === VERSION &&
    uint16(message, Offset.job) === job
  );
}
