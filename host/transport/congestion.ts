/**
 * How many chunks to keep in flight. A switch adds a worker's packets only at a certain rate; packets
 * beyond that wait in its queue, make every round trip longer and delay the detection of losses.
 * So the window grows while round trips stay near the shortest one, as in TCP Vegas (Brakmo and Peterson,
 * 1995), and shrinks when they grow or a timeout shows that a loss went undetected.
 *
 * Delay that varies from packet to packet is not a queue. The jitter of RFC 3550 (section 6.4.1) measures it by the
 * difference between one round trip and the next: a queue makes all of them longer, but changes little from one to the next. So
 * round trips may be longer by a few times the jitter before they count as too long.
 *
 * Workers may keep different numbers in flight: each sends its chunks in order, so the lowest chunk that
 * is not finished anywhere is in flight at every worker, and the job advances.
 */

/** At the start: enough for a switch that answers immediately, few enough for a slow one. */
const INITIAL_CHUNKS = 8;
const MIN_CHUNKS = 4;

/** Round trips up to this many times the shortest mean that the switch keeps up; above the second, that it does not. */
const KEEPS_UP = 3;
const FALLS_BEHIND = 6;

/** Weight of each new difference in the jitter, as in RFC 3550. */
const JITTER_GAIN = 1 / 16;
/**
 * How many times the jitter a round trip may be longer. For a uniformly random delay the jitter is a third of its range:
 * with two, plus what KEEPS_UP and FALLS_BEHIND allow, the window still grows there, and a busy switch's queue hardly
 * does.
 */
const JITTERS = 2;

/** Round trips shorter than this are treated as equal: the differences are timer noise. */
const FLOOR_MS = 1;

export class CongestionWindow {
  private size: number;
  /** Over all results, because a later minimum would contain the queue that the window itself makes. */
  private shortest = Infinity;
  private last: number | undefined;
  private jitter = 0;

  /** @param slots the maximum that may be in flight: those of the job, or fewer */
  constructor(private readonly slots: number) {
    this.size = Math.min(INITIAL_CHUNKS, slots);
  }

  /** Chunks that may be in flight. */
  get chunks(): number {
    return Math.floor(this.size);
  }

  /** A result arrived, `waitMs` after the only transmission of its chunk. */
  result(waitMs: number): void {
    this.shortest = Math.max(FLOOR_MS, Math.min(this.shortest, waitMs));
    if (this.last !== undefined) this.jitter += JITTER_GAIN * (Math.abs(waitMs - this.last) - this.jitter);
    this.last = waitMs;
    const margin = JITTERS * this.jitter;
    if (waitMs <= KEEPS_UP * this.shortest + margin) this.size = Math.min(this.slots, this.size + 1);
    // One chunk less per window, so that all the results of one bad moment count once.
    else if (waitMs > FALLS_BEHIND * this.shortest + margin) this.shrinkTo(this.size - 1 / this.size);
  }

  /**
   * A result arrived after packets had been lost, `waitMs` after the last transmission of its chunk. Perhaps it answers an
   * earlier one, so a long wait says nothing; short ones say that the switch keeps up, and where losses are frequent
   * there are hardly any others.
   */
  afterLoss(waitMs: number): void {
    if (waitMs <= KEEPS_UP * this.shortest) this.size = Math.min(this.slots, this.size + 1);
  }

  /** A packet timed out. */
  timeout(): void {
    this.shrinkTo(this.size / 2);
  }

  private shrinkTo(size: number): void {
    this.size = Math.max(Math.min(MIN_CHUNKS, this.slots), size);
  }
}
