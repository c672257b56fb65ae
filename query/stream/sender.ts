import { Flag, Opcode, type QueryBuild } from '../../protocol/query/constants.js';
import {
  emptyHeader,
  HEADER_BYTES,
  KEY_BYTES,
  Offset,
  readHeader,
  rowsBytes,
  tupleBytes,
  tuplesOffset,
  writeHeader,
} from '../../protocol/query/message.js';
import { QueryStateLostError, type QueryError } from '../errors.js';
import type { TupleBatch } from '../tuples.js';
import { Retransmission, type AnswerTimeouts } from './retransmission.js';

/** Sends messages; a worker's transport. */
export interface MessageOutlet {
  /** As host/transport/transport.ts: `length` bytes of `memory` from offset `at`. */
  send(memory: Uint8Array, at: number, length: number): void;
}

export interface StreamOptions extends AnswerTimeouts {
  readonly build: QueryBuild;
  readonly stream: number;
  readonly rank: number;
  readonly epoch: number;
  /** Flow slots of this worker and stream, as the switch has them. */
  readonly slots: number;
  /**
   * Called with the verdict on rows: bit t of `mask` says that row `first + t` stayed in the switch or was dropped there.
   * Rows are counted from 0 over the whole stream.
   */
  readonly onVerdict?: (first: number, count: number, mask: number) => void;
}

export interface SenderStatistics {
  rows: number;
  packets: number;
  repeats: number;
  /** Rows that the switch kept or dropped. */
  absorbed: number;
  bytes: number;
}

const END_MARK = -1;

/**
 * One worker's end of one stream: rows go out in packets, at most `slots` at a time, each of them until it is
 * acknowledged by the switch or by the master. Packet s uses slot s mod `slots`, and only when packet
 * s − slots is acknowledged; that is what lets the switch remember one packet a slot (p4/v1model/query/flows.p4).
 */
export class RowSender {
  readonly statistics: SenderStatistics = { rows: 0, packets: 0, repeats: 0, absorbed: 0, bytes: 0 };
  private readonly buffers: readonly Uint8Array[];
  private readonly views: readonly DataView[];
  /** Of the packet in a slot: its sequence number, its first row, and its rows. */
  private readonly sequences: Uint32Array;
  private readonly firstRows: Float64Array;
  private readonly counts: Int32Array;
  private readonly lengths: Uint32Array;
  private readonly flight: Retransmission;
  private readonly header = emptyHeader();
  private next = 1;
  private failure: QueryError | undefined;
  private wake: (() => void) | undefined;
  /** The packet that is being filled: in slot `next` mod slots. */
  private filled = 0;

  constructor(
    private readonly outlet: MessageOutlet,
    private readonly options: StreamOptions,
  ) {
    const { build, slots } = options;
    const bytes = rowsBytes(build, build.tuples);
    this.buffers = Array.from({ length: slots }, () => new Uint8Array(bytes));
    this.views = this.buffers.map(({ buffer }) => new DataView(buffer));
    this.sequences = new Uint32Array(slots);
    this.firstRows = new Float64Array(slots);
    this.counts = new Int32Array(slots);
    this.lengths = new Uint32Array(slots);
    this.flight = new Retransmission(
      slots,
      (slot) => this.transmit(slot),
      (error) => this.fail(error),
      options,
    );
  }

  /**
   * Takes rows in; resolves when all but the last few are on their way, so that the reader of files is held back.
   * @throws QueryError when the stream has failed
   */
  async send(batch: TupleBatch): Promise<void> {
    const { build } = this.options;
    for (let row = 0; row < batch.rows;) {
      if (this.filled === 0) await this.slotIsFree();
      const slot = this.next % this.options.slots;
      const count = Math.min(build.tuples - this.filled, batch.rows - row);
      this.fill(slot, batch, row, count);
      row += count;
      this.filled += count;
      if (this.filled === build.tuples) this.flush();
    }
  }

  /** Sends the rest and the end of the stream; resolves when the master has it. @throws QueryError */
  async end(): Promise<SenderStatistics> {
    if (this.filled > 0) this.flush();
    while (this.flight.packetsInFlight > 0 && this.failure === undefined) await this.progress();
    await this.slotIsFree();
    const slot = this.next % this.options.slots;
    this.counts[slot] = END_MARK;
    this.launch(slot, 0, Flag.END);
    while (this.flight.packetsInFlight > 0) await this.progress();
    if (this.failure !== undefined) throw this.failure;
    this.statistics.repeats = this.flight.repeats;
    return this.statistics;
  }

  /** Aborts: what waits is rejected with `error`. */
  fail(error: QueryError): void {
    this.failure ??= error;
    this.flight.stop();
    this.wake?.();
  }

  /** A message of this stream for this worker. @throws MessageFormatError */
  receive(message: Uint8Array): void {
    const header = readHeader(new DataView(message.buffer, message.byteOffset, message.byteLength), this.header);
    if (header.epoch !== this.options.epoch) return;
    if (header.opcode === Opcode.REFUSED) {
      this.fail(
        new QueryStateLostError(
          'the switch has lost the state of this query: it was restarted, or another query was started on it',
        ),
      );
    } else if (header.opcode === Opcode.ACK) this.acknowledged(header.slot, header.sequence, header.mask);
  }

  private acknowledged(slot: number, sequence: number, mask: number): void {
    if (slot >= this.options.slots || !this.flight.isBusy(slot) || this.sequences[slot] !== sequence) return;
    this.flight.answered(slot);
    const count = this.counts[slot]!;
    if (count > 0) {
      for (let bits = mask >>> 0; bits !== 0; bits &= bits - 1) this.statistics.absorbed++;
      this.options.onVerdict?.(this.firstRows[slot]!, count, mask);
    }
    this.wake?.();
  }

  private fill(slot: number, { keys, lanes, nulls }: TupleBatch, row: number, count: number): void {
    const { build } = this.options;
    const [buffer, view] = [this.buffers[slot]!, this.views[slot]!];
    const stride = tupleBytes(build);
    const first = tuplesOffset(build) + this.filled * stride;
    const unused = (1 << build.lanes) - (1 << lanes.length);
    for (let i = 0, at = first; i < count; i++, at += stride) {
      if (keys === undefined) buffer.fill(0, at, at + KEY_BYTES);
      else for (let k = 0, from = (row + i) * KEY_BYTES; k < KEY_BYTES; k++) buffer[at + k] = keys[from + k]!;
      buffer[HEADER_BYTES + this.filled + i] = (nulls === undefined ? 0 : nulls[row + i]!) | unused;
    }
    for (let l = 0; l < build.lanes; l++) {
      const lane = lanes[l];
      let at = first + KEY_BYTES + 8 * l;
      if (lane === undefined) for (let i = 0; i < count; i++, at += stride) view.setFloat64(at, 0);
      else if (lane instanceof Float64Array)
        for (let i = 0; i < count; i++, at += stride) view.setFloat64(at, lane[row + i]!);
      else for (let i = 0; i < count; i++, at += stride) view.setBigInt64(at, lane[row + i]!);
    }
  }

  private flush(): void {
    const slot = this.next % this.options.slots;
    this.counts[slot] = this.filled;
    this.firstRows[slot] = this.statistics.rows;
    this.statistics.rows += this.filled;
    this.launch(slot, this.filled, 0);
    this.filled = 0;
  }

  private launch(slot: number, count: number, flags: number): void {
    const { build, stream, rank, epoch } = this.options;
    const sequence = this.next++;
    this.sequences[slot] = sequence;
    this.lengths[slot] = rowsBytes(build, count);
    const view = this.views[slot]!;
    writeHeader(view, {
      opcode: Opcode.ROWS,
      flags,
      stream,
      worker: rank,
      peer: 0,
      slot,
      count,
      epoch,
      sequence,
      mask: 0,
      next: 0,
      rows: 0n,
    });
    if (count === 0) this.buffers[slot]!.fill(0, HEADER_BYTES, this.lengths[slot]);
    view.setBigUint64(Offset.rows, BigInt(this.statistics.rows));
    this.flight.sent(slot);
    this.transmit(slot);
  }

  private transmit(slot: number): void {
    this.statistics.packets++;
    this.statistics.bytes += this.lengths[slot]!;
    this.outlet.send(this.buffers[slot]!, 0, this.lengths[slot]!);
  }

  private async slotIsFree(): Promise<void> {
    while (this.failure === undefined && (!this.flight.hasRoom || this.flight.isBusy(this.next % this.options.slots)))
      await this.progress();
    if (this.failure !== undefined) throw this.failure;
  }

  private progress(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = () => {
        this.wake = undefined;
        resolve();
      };
    });
  }
}
