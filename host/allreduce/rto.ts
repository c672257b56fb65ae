/**
 * When to send a packet again: RFC 6298's smoothed round trip, per worker and not per packet.
 *
 * A round trip here ends with the sum, so it contains the wait for the slowest worker. The bounds
 * differ from the RFC's (which has 1 s and 60 s) because the network is one switch away.
 */

export interface RtoBounds {
  /** Before the first sample. */
  initialMs: number;
  minMs: number;
  maxMs: number;
}

export const DEFAULT_RTO: Readonly<RtoBounds> = { initialMs: 100, minMs: 10, maxMs: 1000 };

/** RFC 6298 section 2: weights of a new sample in the mean and in the deviation, and the deviation's factor. */
const MEAN_GAIN = 1 / 8;
const DEVIATION_GAIN = 1 / 4;
const DEVIATION_FACTOR = 4;

export class RetransmissionTimeout {
  private mean: number | undefined;
  private deviation = 0;
  /** Doublings since the last valid sample (RFC 6298 §5.5). */
  private doublings = 0;
  private backedOffAt = -Infinity;
  private timeout: number;

  constructor(private readonly bounds: Readonly<RtoBounds> = DEFAULT_RTO) {
    this.timeout = this.clamp(bounds.initialMs);
  }

  /**
   * A chunk's result came `ms` after its only transmission. By Karn's rule a chunk that was sent more
   * than once gives no sample: its result may belong to either packet.
   */
  sample(ms: number): void {
    if (this.mean === undefined) {
      this.mean = ms;
      this.deviation = ms / 2;
    } else {
      this.deviation += DEVIATION_GAIN * (Math.abs(this.mean - ms) - this.deviation);
      this.mean += MEAN_GAIN * (ms - this.mean);
    }
    this.doublings = 0;
    this.update();
  }

  /**
   * A packet that was sent at `sentAt` timed out at `now`: the timeout doubles, but once only for all
   * packets that were in flight together. Without this, a network that became slower than the timeout
   * would never yield another valid sample.
   */
  expired(sentAt: number, now: number): void {
    if (sentAt < this.backedOffAt) return;
    this.backedOffAt = now;
    if (this.timeout < this.bounds.maxMs) this.doublings++;
    this.update();
  }

  /** Milliseconds that a packet may be without its result, at this moment. */
  get ms(): number {
    return this.timeout;
  }

  /** Smoothed round trip in milliseconds; undefined before the first sample. */
  get roundTripMs(): number | undefined {
    return this.mean;
  }

  private update(): void {
    const base = this.mean === undefined ? this.bounds.initialMs : this.mean + DEVIATION_FACTOR * this.deviation;
    this.timeout = this.clamp(this.clamp(base) * 2 ** this.doublings);
  }

  private clamp(ms: number): number {
    return Math.min(this.bounds.maxMs, Math.max(this.bounds.minMs, ms));
  }
}
