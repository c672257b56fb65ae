/** The headers of the packets that a worker sends, and the fields that it reads from those that arrive. */
import { uint16 } from '../../net/big-endian.js';
import { Flag, MAGIC, Opcode, VERSION } from '../../protocol/constants.js';
import { emptyHeader, type Header, HEADER_BYTES, Offset, PROBE_BYTES, writeHeader } from '../../protocol/message.js';

export interface PacketFields {
  job: number;
  rank: number;
  epoch: number;
  operation: number;
  signature: number;
}

/** Writes the headers of an operation's packets; their memory is the operation's. */
export class PacketWriter {
  private readonly probe = new Uint8Array(PROBE_BYTES);
  private readonly probeView = new DataView(this.probe.buffer);
  /** Reused for every packet; {@link begin} sets the fields that an operation's packets share. */
  private readonly header: Header = emptyHeader(Opcode.CONTRIBUTE);

  begin(fields: Readonly<PacketFields>, networkOrder: boolean): void {
    this.header.flags = networkOrder ? Flag.NETWORK_ORDER : 0;
    this.header.job = fields.job;
    this.header.worker = fields.rank;
    this.header.epoch = fields.epoch;
    this.header.operation = fields.operation;
    this.header.signature = fields.signature;
  }

  /** The header of the first transmission of a chunk, at offset `at` of `view`. */
  contribution(view: DataView, at: number, slot: number, set: 0 | 1, chunk: number, count: number): void {
    const { header } = this;
    header.slot = slot;
    header.set = set;
    header.chunk = chunk;
    header.count = count;
    writeHeader(view, header, at);
  }

  /** Marks the packet at offset `at` of `view` as a retransmission. */
  again(view: DataView, at: number): void {
    view.setUint16(at + Offset.flags, view.getUint16(at + Offset.flags) | Flag.RETRANSMISSION);
  }

  /** PROBE number `sequence`, of `slot` in the job's range. The answer has the same number. */
  probeOf(slot: number, sequence: number): Uint8Array {
    writeHeader(this.probeView, {
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

/** Whether `message` has a whole header of this protocol version and belongs to `job`. */
export function isOurs(message: Uint8Array, job: number): boolean {
  return (
    message.length >= HEADER_BYTES &&
    uint16(message, Offset.magic) === MAGIC &&
    message[Offset.version] === VERSION &&
    uint16(message, Offset.job) === job
  );
}
