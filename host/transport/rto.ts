/**
 * When to retransmit a packet: RFC 6298's smoothed round trip, for a round trip that ends with a sum.
 *
 * Such a round trip contains the wait for the slowest worker. The timeout should include that wait as far
 * as it is regular; but where a packet of another worker was lost, it contains that worker's timeout,
 * and timeouts that are derived from each other grow without bound. So samples far above the shortest
 * recent wait are ignored. The bounds differ from the RFC's 1 s and 60 s, since the network is one
 * switch away.
 */

export interface RtoBounds {
  /** Before the first sample. */
  initialMs: number;
  minMs: number;
  maxMs: number;
}

export const DEFAULT_RTO: Readonly<RtoBounds> = { initialMs: 100, minMs: 20, maxMs: 1000 };

/** RFC 6298 section 2: weights of a new sample in the mean and in the deviation, and the deviation's factor. */
const MEAN_GAIN = 1 / 8;
const DEVIATION_GAIN = 1 / 4;
const DEVIATION_FACTOR = 4;

/** A sample this many times above the shortest recent wait holds another worker's timeout. */
const OUTLIER = 4;
/** No packet is retransmitted before this many times the shortest recent wait. */
const FLOOR = 1.5;
/** The shortest wait is taken over this many to twice as many results. */
const WINDOW = 32;

/** How a chunk's result came about; times in milliseconds. */
export interface RoundTrip {
  sinceFirst: number;
  transmissions: number;
  /** The packet that completed the sum, from any worker, was a retransmission. */
  afterLoss: boolean;
}

export class RetransmissionTimeout {
  private mean: number | undefined;
  private deviation = 0;
  /** Doublings since the last result (RFC 6298 §5.5). */
  private doublings = 0;
  private backedOffAt = -Infinity;
  /** Shortest wait in the last full window, in the current one, and in both. */
  private previous = Infinity;
  private current = Infinity;
  private shortest = Infinity;
  private observed = 0;
  private timeout: number;

  constructor(private readonly bounds: Readonly<RtoBounds> = DEFAULT_RTO) {
    this.timeout = this.clamp(bounds.initialMs);
  }

  /** A chunk's result arrived. */
  result({ sinceFirst, transmissions, afterLoss }: Readonly<RoundTrip>): void {
    this.observe(sinceFirst);
    // Karn's rule: the result of a retransmitted chunk may belong to either packet.
    if (transmissions === 1 && !afterLoss && sinceFirst <= OUTLIER * this.shortest) this.sample(sinceFirst);
    // RFC 6298 waits for a valid sample here. The floor makes that unnecessary: it follows every wait.
    this.doublings = 0;
    this.update();
  }

  /**
   * A packet that was sent at `sentAt` timed out at `now`: the timeout doubles, but only once for all
   * packets that were in flight together. So a worker that waits for another does not flood the switch.
   */
  expired(sentAt: number, now: number): void {
    if (sentAt < this.backedOffAt) return;
    this.backedOffAt = now;
    if (this.timeout < this.bounds.maxMs) this.doublings++;
    this.update();
  }

  /** Milliseconds that a packet may currently wait for its result. */
  get ms(): number {
    return this.timeout;
  }

  /** Smoothed round trip in milliseconds; undefined before the first sample. */
  get roundTripMs(): number | undefined {
    return this.mean;
  }

  private sample(ms: number): void {
    if (this.mean === undefined) {
      this.mean = ms;
      this.deviation = ms / 2;
    } else {
      this.deviation += DEVIATION_GAIN * (Math.abs(this.mean - ms) - this.deviation);
      this.mean += MEAN_GAIN * (ms - this.mean);
    }
  }

  /** Keeps the shortest wait of the last results, including those of retransmitted chunks: it is never below the network's delay. */
  private observe(ms: number): void {
    this.current = Math.min(this.current, ms);
    this.shortest = Math.min(this.previous, this.current);
    if (++this.observed % WINDOW === 0) {
      this.previous = this.current;
      this.current = Infinity;
    }
  }

  private update(): void {
    this.timeout = this.clamp(this.base() * 2 ** this.doublings);
  }

  /** The timeout without the doublings. */
  private base(): number {
    if (this.mean === undefined) return this.clamp(this.bounds.initialMs);
    return this.clamp(Math.max(this.mean + DEVIATION_FACTOR * this.deviation, FLOOR * this.shortest));
  }

  private clamp(ms: number): number {
    return Math.min(this.bounds.maxMs, Math.max(this.bounds.minMs, ms));
  }
}
