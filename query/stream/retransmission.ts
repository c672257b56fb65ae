import { CongestionWindow } from '../../host/transport/congestion.js';
import { DEFAULT_RTO, RetransmissionTimeout, type RtoBounds } from '../../host/transport/rto.js';
import { QueryStalledError } from '../errors.js';

export interface AnswerTimeouts {
  readonly rto?: Readonly<RtoBounds>;
  /** Gives up after this long without any answer. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 15_000;
/** Interval at which the packets in flight are checked. */
const TICK_MS = 5;

/**
 * Packets in flight, each in its own slot: when to retransmit one, how many may be under way, and when to give up.
 * The caller reports what was sent and what was answered.
 */
export class Retransmission {
  private readonly sentAt: Float64Array;
  private readonly firstSentAt: Float64Array;
  private readonly transmissions: Uint32Array;
  /** Packets in flight when that of a slot was sent first, with its own. */
  private readonly load: Uint32Array;
  private readonly window: CongestionWindow;
  private readonly rto: RetransmissionTimeout;
  private readonly timeoutMs: number;
  private timer: NodeJS.Timeout | undefined;
  private progressAt = 0;
  private inFlight = 0;
  private backedOffAt = -Infinity;
  /** Packets retransmitted so far. */
  repeats = 0;

  /**
   * @param slots how many packets can be in flight
   * @param resend retransmits the packet of a slot
   * @param onStalled called once, when nothing was answered for too long
   */
  constructor(
    private readonly slots: number,
    private readonly resend: (slot: number) => void,
    private readonly onStalled: (error: QueryStalledError) => void,
    { rto = DEFAULT_RTO, timeoutMs = TIMEOUT_MS }: AnswerTimeouts = {},
  ) {
    this.sentAt = new Float64Array(slots);
    this.firstSentAt = new Float64Array(slots);
    this.transmissions = new Uint32Array(slots);
    this.load = new Uint32Array(slots);
    this.window = new CongestionWindow(slots);
    this.rto = new RetransmissionTimeout(rto);
    this.timeoutMs = timeoutMs;
  }

  get packetsInFlight(): number {
    return this.inFlight;
  }

  /** Whether another packet may be sent now. */
  get hasRoom(): boolean {
    return this.inFlight < this.window.chunks;
  }

  isBusy(slot: number): boolean {
    return this.transmissions[slot] !== 0;
  }

  sent(slot: number): void {
    const now = performance.now();
    if (this.inFlight === 0) this.progressAt = now;
    this.load[slot] = ++this.inFlight;
    this.sentAt[slot] = this.firstSentAt[slot] = now;
    this.transmissions[slot] = 1;
    this.timer ??= setTimeout(() => this.tick(), TICK_MS);
  }

  answered(slot: number): void {
    const now = performance.now();
    const transmissions = this.transmissions[slot]!;
    const sinceFirst = now - this.firstSentAt[slot]!;
    this.rto.result({
      sinceFirst,
      sinceLast: now - this.sentAt[slot]!,
      transmissions,
      afterLoss: false,
      repeated: false,
      inFlight: this.load[slot]!,
    });
    if (transmissions === 1) this.window.result(sinceFirst);
    this.transmissions[slot] = 0;
    this.inFlight--;
    this.progressAt = now;
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.inFlight = 0;
    this.transmissions.fill(0);
  }

  private tick(): void {
    this.timer = undefined;
    if (this.inFlight === 0) return;
    const now = performance.now();
    if (now - this.progressAt > this.timeoutMs) {
      this.onStalled(
        new QueryStalledError(
          `the switch has not answered for ${Math.round(this.timeoutMs / 1000)} s: is it running, with the query program, and are its ports up?`,
        ),
      );
      return;
    }
    for (let slot = 0; slot < this.slots; slot++) {
      if (this.transmissions[slot] === 0 || now - this.sentAt[slot]! < this.rto.ms(this.inFlight)) continue;
      // Once for all packets that were in flight together.
      if (this.sentAt[slot]! >= this.backedOffAt) {
        this.backedOffAt = now;
        this.rto.backOff();
      }
      this.window.timeout();
      this.sentAt[slot] = now;
      this.transmissions[slot]!++;
      this.repeats++;
      this.resend(slot);
    }
    this.timer = setTimeout(() => this.tick(), TICK_MS);
  }
}
