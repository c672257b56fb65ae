import { MASTER, Opcode } from '../../protocol/query/constants.js';
import { emptyHeader, HEADER_BYTES, writeHeader } from '../../protocol/query/message.js';
import type { QueryError } from '../errors.js';
import { Retransmission, type AnswerTimeouts } from './retransmission.js';
import type { MessageOutlet } from './sender.js';

/** Opens one stream, which makes the switch forget what an earlier one left there. Opening it again changes nothing. */
export class Opener {
  private readonly flight: Retransmission;
  private readonly message = new Uint8Array(HEADER_BYTES);
  private settle!: { resolve: () => void; reject: (error: QueryError) => void };
  private readonly opened: Promise<void>;

  constructor(
    private readonly outlet: MessageOutlet,
    stream: number,
    epoch: number,
    patience: AnswerTimeouts = {},
  ) {
    writeHeader(new DataView(this.message.buffer), {
      ...emptyHeader(),
      opcode: Opcode.OPEN,
      worker: MASTER,
      stream,
      epoch,
    });
    this.opened = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    this.flight = new Retransmission(
      1,
      () => this.transmit(),
      (error) => this.fail(error),
      patience,
    );
  }

  /** @throws QueryError */
  run(): Promise<void> {
    this.flight.sent(0);
    this.transmit();
    return this.opened;
  }

  /** OPENED has arrived. */
  receive(): void {
    if (!this.flight.isBusy(0)) return;
    this.flight.stop();
    this.settle.resolve();
  }

  fail(error: QueryError): void {
    this.flight.stop();
    this.settle.reject(error);
  }

  private transmit(): void {
    this.outlet.send(this.message, 0, HEADER_BYTES);
  }
}
