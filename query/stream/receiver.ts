import { Flag, MASTER, Opcode, type QueryBuild } from '../../protocol/query/constants.js';
import {
  emptyHeader,
  HEADER_BYTES,
  tupleBytes,
  tuplesOffset,
  writeHeader,
  type QueryHeader,
} from '../../protocol/query/message.js';
import type { MessageOutlet } from './sender.js';

export interface ReceiverOptions {
  readonly build: QueryBuild;
  readonly stream: number;
  readonly epoch: number;
  readonly workers: number;
  /** Flow slots of each worker. */
  readonly slots: number;
  /** A tuple that the switch passed on: its bytes begin at `offset` of `view`, which is valid only until this returns. */
  readonly onTuple: (rank: number, view: DataView, offset: number, nulls: number) => void;
}

export interface ReceiverStatistics {
  packets: number;
  bytes: number;
  tuples: number;
  repeats: number;
}

/**
 * The master's end of one stream: takes the tuples that the switch passed on, each once, and acknowledges them. A
 * worker has one packet a slot in flight, so the newest sequence number of each slot tells what is known already.
 */
export class RowReceiver {
  readonly statistics: ReceiverStatistics = { packets: 0, bytes: 0, tuples: 0, repeats: 0 };
  /** Resolves when every worker's end has arrived: the rows that each sent, by rank. */
  readonly ended: Promise<readonly number[]>;
  private readonly newest: Uint32Array;
  private readonly rows: number[];
  private missing: number;
  private readonly acknowledgement = new Uint8Array(HEADER_BYTES);
  private readonly view = new DataView(this.acknowledgement.buffer);
  private readonly answer: QueryHeader = { ...emptyHeader(), opcode: Opcode.ACK, worker: MASTER };
  private resolveEnded!: (rows: readonly number[]) => void;

  constructor(
    private readonly outlet: MessageOutlet,
    private readonly options: ReceiverOptions,
  ) {
    this.newest = new Uint32Array(options.workers * options.slots);
    this.rows = Array.from({ length: options.workers }, () => -1);
    this.missing = options.workers;
    this.ended = new Promise((resolve) => (this.resolveEnded = resolve));
    this.answer.stream = options.stream;
    this.answer.epoch = options.epoch;
  }

  /** A ROWS message of this stream; `header` is what was read from it. */
  receive(header: Readonly<QueryHeader>, message: DataView): void {
    const { worker, slot, sequence } = header;
    const { workers, slots, epoch } = this.options;
    if (header.epoch !== epoch || worker >= workers || slot >= slots) return;
    this.statistics.packets++;
    this.statistics.bytes += message.byteLength;
    const index = worker * slots + slot;
    // The acknowledgement may have been lost, so what is known already is acknowledged too.
    if (sequence > this.newest[index]!) {
      this.newest[index] = sequence;
      if ((header.flags & Flag.END) !== 0) this.end(worker, Number(header.rows));
      else this.take(header, message);
    } else this.statistics.repeats++;
    this.acknowledge(header);
  }

  private take({ worker, count, mask }: Readonly<QueryHeader>, message: DataView): void {
    const { build, onTuple } = this.options;
    const stride = tupleBytes(build);
    let at = tuplesOffset(build);
    for (let t = 0; t < count; t++) {
      if (((mask >>> t) & 1) !== 0) continue;
      if (at + stride > message.byteLength) break;
      this.statistics.tuples++;
      onTuple(worker, message, at, message.getUint8(HEADER_BYTES + t));
      at += stride;
    }
  }

  private end(worker: number, rows: number): void {
    if (this.rows[worker] !== -1) return;
    this.rows[worker] = rows;
    if (--this.missing === 0) this.resolveEnded(this.rows);
  }

  private acknowledge({ worker, slot, sequence, mask }: Readonly<QueryHeader>): void {
    this.answer.peer = worker;
    this.answer.slot = slot;
    this.answer.sequence = sequence;
    this.answer.mask = mask;
    writeHeader(this.view, this.answer);
    this.outlet.send(this.acknowledgement, 0, HEADER_BYTES);
  }
}
