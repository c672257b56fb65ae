/**
 * When to retransmit a packet: RFC 6298's smoothed round trip, for a round trip that ends with a sum.
 *
 * Such a round trip contains the wait for the slowest worker. The timeout should include that wait as far
 * as it is regular; but where a packet of another worker was lost, it contains that worker's timeout,
 * and timeouts that are derived from each other grow without bound. So a sum that a retransmission completed is not
 * measured, nor is a wait far above the shortest recent one. Where every sum needs retransmissions, the answers to this
 * worker's repetitions of complete rounds are measured: they contain nobody's wait. The bounds differ from the RFC's 1 s and
 * 60 s, since the network is one switch away.
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
/** A timeout is at most so many times longer for more chunks in flight: a loss must not wait for what may be a long queue. */
const MAX_SCALE = 4;
/** The shortest wait is taken over this many to twice as many results. */
const WINDOW = 32;

/** How a chunk's result came about; times in milliseconds. */
export interface RoundTrip {
  sinceFirst: number;
  sinceLast: number;
  transmissions: number;
  /** The packet that completed the sum, from any worker, was a retransmission. */
  afterLoss: boolean;
  /** The sum was complete before, and this worker's repetition was answered with it. */
  repeated: boolean;
  /** Chunks in flight when this one was first sent. */
  inFlight: number;
}

export class RetransmissionTimeout {
  private mean: number | undefined;
  private deviation = 0;
  /** Doublings since the last result (RFC 6298 §5.5). */
  private doublings = 0;
  /** Shortest wait in the last full window, in the current one, and in both; infinite while there was none. */
  private previous = Infinity;
  private current = Infinity;
  private shortest = Infinity;
  private observed = 0;
  /** Chunks in flight when the samples in the mean were sent, smoothed like it. */
  private load = 1;

  constructor(private readonly bounds: Readonly<RtoBounds> = DEFAULT_RTO) {}

  /** A chunk's result arrived. */
  result(trip: Readonly<RoundTrip>): void {
    const { sinceFirst, sinceLast, transmissions, afterLoss, repeated, inFlight } = trip;
    if (repeated) {
      // Karn's rule: of more than two transmissions, any but the first may be the one that was answered.
      if (transmissions === 2) {
        this.observe(sinceLast);
        this.sample(sinceLast, inFlight);
      }
    } else if (!afterLoss) {
      this.observe(sinceFirst);
      if (transmissions === 1 && sinceFirst <= OUTLIER * this.shortest) this.sample(sinceFirst, inFlight);
    }
    // RFC 6298 waits for a valid sample here. The floor makes that unnecessary: it follows every wait.
    this.doublings = 0;
  }

  /** A probe was answered after `ms`: it contains nobody's wait, and is all that is known of a path without results. */
  probe(ms: number): void {
    this.observe(ms);
    if (this.mean === undefined) this.sample(ms, 1);
  }

  /** Nothing has come for a timeout: it doubles. So a worker that waits for another does not flood the switch. */
  backOff(): void {
    if (this.base(1) * 2 ** this.doublings < this.bounds.maxMs) this.doublings++;
  }

  /**
   * Milliseconds to wait for a result while `inFlight` chunks are under way.
   *
   * A switch that works through one packet after the other takes as many times longer as there are more of them than when
   * the round trip was measured; until it is measured again, the timeout allows for that.
   */
  ms(inFlight: number): number {
    return this.clamp(this.base(inFlight) * 2 ** this.doublings);
  }

  /** Smoothed round trip in milliseconds; undefined before the first sample. */
  get roundTripMs(): number | undefined {
    return this.mean;
  }

  private sample(ms: number, inFlight: number): void {
    if (this.mean === undefined) {
      this.mean = ms;
      this.deviation = ms / 2;
      this.load = inFlight;
    } else {
      this.load += MEAN_GAIN * (inFlight - this.load);
      this.deviation += DEVIATION_GAIN * (Math.abs(this.mean - ms) - this.deviation);
      this.mean += MEAN_GAIN * (ms - this.mean);
    }
  }

  /** Keeps the shortest wait of the last results that contain nobody's timeout: it is never below the network's delay. */
  private observe(ms: number): void {
    this.current = Math.min(this.current, ms);
    this.shortest = Math.min(this.previous, this.current);
    if (++this.observed % WINDOW === 0) {
      this.previous = this.current;
      this.current = Infinity;
    }
  }

  /** The timeout without the doublings, and within its bounds. */
  private base(inFlight: number): number {
    if (this.mean === undefined) return this.clamp(this.bounds.initialMs);
    const roundTrip = Math.max(this.mean + DEVIATION_FACTOR * this.deviation, FLOOR * this.shortest);
    return this.clamp(roundTrip * Math.min(MAX_SCALE, Math.max(1, inFlight / this.load)));
  }

  private clamp(ms: number): number {
    return Math.min(this.bounds.maxMs, Math.max(this.bounds.minMs, ms));
  }
}
