import { Flag, MASTER, Opcode, SCAN_SLOTS, type QueryBuild } from '../../protocol/query/constants.js';
import {
  emptyHeader,
  groupBytes,
  groupsBytes,
  HEADER_BYTES,
  writeHeader,
  type QueryHeader,
} from '../../protocol/query/message.js';
import { QueryOverflowError, QueryStateLostError, type QueryError } from '../errors.js';
import { Retransmission, type AnswerTimeouts } from './retransmission.js';
import type { MessageOutlet } from './sender.js';

export interface DrainOptions extends AnswerTimeouts {
  readonly build: QueryBuild;
  readonly stream: number;
  readonly epoch: number;
  /** Group slots of the stream. */
  readonly groupSlots: number;
  /** A group: its bytes begin at `offset` of `view`, which is valid only until this returns (docs/queries.md has the layout). */
  readonly onGroup: (view: DataView, offset: number) => void;
}

/** Requests under way at a time. */
const REQUESTS = 16;

/** The groups of one stream, read from the switch with packets: BMv2 does not serve register reads. */
export class Drain {
  /** Rows of all groups that the switch has, also of those that HAVING left out. */
  rows = 0;
  groups = 0;
  private readonly flight: Retransmission;
  /** Of a request under way: the slot that it begins at, and where its range ends. */
  private readonly starts = new Float64Array(REQUESTS);
  private readonly ends = new Float64Array(REQUESTS);
  private readonly request: Uint8Array;
  private readonly view: DataView;
  private nextRange = 0;
  private settle!: { resolve: () => void; reject: (error: QueryError) => void };
  private readonly finished: Promise<void>;

  constructor(
    private readonly outlet: MessageOutlet,
    private readonly options: DrainOptions,
  ) {
    this.request = new Uint8Array(groupsBytes(options.build));
    this.view = new DataView(this.request.buffer);
    this.finished = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.flight = new Retransmission(
      REQUESTS,
      (slot) => this.transmit(slot),
      (error) => this.fail(error),
      options,
    );
  }

  /** @throws QueryError */
  run(): Promise<void> {
    for (let slot = 0; slot < REQUESTS; slot++) this.ask(slot);
    return this.finished;
  }

  fail(error: QueryError): void {
    this.flight.stop();
    this.settle.reject(error);
  }

  /** A message of this stream for the master; `header` is what was read from it. */
  receive(header: Readonly<QueryHeader>, message: DataView): void {
    if (header.epoch !== this.options.epoch) return;
    if (header.opcode === Opcode.REFUSED) {
      this.fail(
        new QueryStateLostError(
          'the switch has lost the groups of this query: it was restarted, or another query was started on it',
        ),
      );
      return;
    }
    const slot = header.slot;
    if (
      header.opcode !== Opcode.GROUPS ||
      slot >= REQUESTS ||
      !this.flight.isBusy(slot) ||
      this.starts[slot] !== header.sequence
    )
      return;
    if ((header.flags & Flag.OVERFLOW) !== 0) {
      this.fail(new QueryOverflowError('a sum of integers exceeded the 64 bits that the switch has for it'));
      return;
    }
    this.flight.answered(slot);
    const stride = groupBytes(this.options.build);
    for (let g = 0; g < header.count; g++) this.options.onGroup(message, HEADER_BYTES + g * stride);
    this.groups += header.count;
    this.rows += Number(header.rows);
    if (header.next < this.ends[slot]!) {
      this.starts[slot] = header.next;
      this.launch(slot);
    } else this.ask(slot);
  }

  /** Requests the next range of slots. */
  private ask(slot: number): void {
    if (this.nextRange >= this.options.groupSlots) {
      if (this.flight.packetsInFlight === 0) {
        this.flight.stop();
        this.settle.resolve();
      }
      return;
    }
    this.starts[slot] = this.nextRange;
    this.nextRange = Math.min(this.options.groupSlots, this.nextRange + SCAN_SLOTS);
    this.ends[slot] = this.nextRange;
    this.launch(slot);
  }

  private launch(slot: number): void {
    this.flight.sent(slot);
    this.transmit(slot);
  }

  private transmit(slot: number): void {
    const { build, stream, epoch } = this.options;
    writeHeader(this.view, {
      ...emptyHeader(),
      opcode: Opcode.DRAIN,
      worker: MASTER,
      stream,
      epoch,
      slot,
      count: build.groupsPerPacket,
      sequence: this.starts[slot]!,
      next: this.ends[slot]!,
    });
    this.outlet.send(this.request, 0, this.request.length);
  }
}
