import { Opcode, type QueryBuild } from '../../protocol/query/constants.js';
import { emptyHeader, readHeader } from '../../protocol/query/message.js';
import { MessageFormatError } from '../../protocol/errors.js';
import type { QueryError } from '../errors.js';
import { Drain, type DrainOptions } from './drain.js';
import { Opener } from './opener.js';
import { RowReceiver, type ReceiverOptions } from './receiver.js';
import type { AnswerTimeouts } from './retransmission.js';
import type { MessageOutlet } from './sender.js';

/** The master's socket: dispatches every message to its handler. */
export class MasterEndpoint {
  private readonly openers = new Map<number, Opener>();
  private readonly receivers = new Map<number, RowReceiver>();
  private readonly drains = new Map<number, Drain>();
  private readonly header = emptyHeader();

  /** @param epoch of the query: not 0, and different for each query */
  constructor(
    private readonly outlet: MessageOutlet,
    readonly build: QueryBuild,
    readonly epoch: number,
    private readonly patience: AnswerTimeouts = {},
  ) {}

  /** To be called with every message that arrives. Anything but a query message is ignored. */
  receive(message: Uint8Array): void {
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    try {
      readHeader(view, this.header);
    } catch (error) {
      if (error instanceof MessageFormatError) return;
      throw error;
    }
    const { opcode, stream, epoch } = this.header;
    if (epoch !== this.epoch) return;
    if (opcode === Opcode.ROWS) this.receivers.get(stream)?.receive(this.header, view);
    else if (opcode === Opcode.OPENED) this.openers.get(stream)?.receive();
    else this.drains.get(stream)?.receive(this.header, view);
  }

  /** @throws QueryStalledError */
  async open(stream: number): Promise<void> {
    const opener = new Opener(this.outlet, stream, this.epoch, this.patience);
    this.openers.set(stream, opener);
    await opener.run();
  }

  /** Takes the rows of a stream from now on; also after its end, since a worker may not know of it yet. */
  listen(options: Omit<ReceiverOptions, 'build' | 'epoch'>): RowReceiver {
    const receiver = new RowReceiver(this.outlet, { ...options, build: this.build, epoch: this.epoch });
    this.receivers.set(options.stream, receiver);
    return receiver;
  }

  /** Reads the groups of a stream. @throws QueryError */
  async drain(options: Omit<DrainOptions, 'build' | 'epoch' | keyof AnswerTimeouts>): Promise<Drain> {
    const drain = new Drain(this.outlet, { ...options, ...this.patience, build: this.build, epoch: this.epoch });
    this.drains.set(options.stream, drain);
    await drain.run();
    return drain;
  }

  /** Rejects whatever waits. */
  fail(error: QueryError): void {
    for (const each of [...this.openers.values(), ...this.drains.values()]) each.fail(error);
  }
}
