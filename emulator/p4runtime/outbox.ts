/** What the server has to say on one stream, bounded for a controller that does not read. */
import { codec, encoded, type Init, type StreamMessageResponse } from '../../p4runtime/index.js';

/** A controller that does not read loses what comes after this many messages, or bytes, are queued for it. */
const MAX_QUEUED_MESSAGES = 4096;
const MAX_QUEUED_BYTES = 16 * 2 ** 20;

const responses = codec<StreamMessageResponse>('p4.v1.StreamMessageResponse');

/** Writes one message; calls back when it has left. */
type Write = (message: Init<StreamMessageResponse>, left: () => void) => void;

export class Outbox {
  private messages = 0;
  private bytes = 0;
  /** Who is primary is a state, of which the latest counts; it is sent when there is room. */
  private verdict: Init<StreamMessageResponse> | undefined;
  private isOpen = true;

  constructor(private readonly write: Write) {}

  /** Sends a message, or drops it if the controller does not read. */
  send(message: Init<StreamMessageResponse>): void {
    if (!this.isOpen) return;
    if (this.isFull()) {
      if (message.arbitration) this.verdict = message;
      return;
    }
    const bytes = responses.encode(message);
    this.messages++;
    this.bytes += bytes.length;
    this.write(encoded(bytes), () => this.left(bytes.length));
  }

  /** The stream has ended. */
  close(): void {
    this.isOpen = false;
    this.verdict = undefined;
  }

  isFull(): boolean {
    return this.messages > MAX_QUEUED_MESSAGES || this.bytes > MAX_QUEUED_BYTES;
  }

  private left(bytes: number): void {
    this.messages--;
    this.bytes -= bytes;
    if (this.verdict === undefined || this.isFull()) return;
    const { verdict } = this;
    this.verdict = undefined;
    this.send(verdict);
  }
}
