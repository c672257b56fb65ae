/**
 * How many chunks to keep in flight. A switch adds a worker's packets only as fast as it goes; what is
 * sent beyond that waits in its queue, makes every round trip longer and hides losses behind the wait.
 * So the window grows while round trips stay near the shortest one, as in TCP Vegas (Brakmo and Peterson,
 * 1995), and shrinks when they grow or a timeout says that something was lost unnoticed.
 *
 * Delay that varies from packet to packet is no queue. The jitter of RFC 3550 (section 6.4.1) measures it by the
 * difference between one round trip and the next: a queue makes all of them longer, by little from one to the next. So
 * round trips may be longer by some jitters before they count as behind.
 *
 * Workers may keep different numbers in flight: each sends its chunks in order, so the lowest chunk that
 * is not finished anywhere is in flight at every worker, and the job advances.
 */

/** At the start: enough for a switch that answers at once, few enough for one that is slow. */
const INITIAL_CHUNKS = 8;
const MIN_CHUNKS = 4;

/** Round trips up to this many times the shortest mean that the switch keeps up; above the second, that it does not. */
const KEEPS_UP = 3;
const FALLS_BEHIND = 6;

/** Of each new difference in the jitter, as in RFC 3550. */
const JITTER_GAIN = 1 / 16;
/**
 * Jitters that a round trip may be longer. Of a uniformly random delay a jitter is a third of its range: with two, and
 * what KEEPS_UP and FALLS_BEHIND allow, the window still grows there, and a busy switch's queue hardly does.
 */
const JITTERS = 2;

/** Shorter round trips than this are not told apart: they are the timers' noise. */
const FLOOR_MS = 1;

export class CongestionWindow {
  private size: number;
  /** Of all results, because a later minimum would contain the queue that the window itself makes. */
  private shortest = Infinity;
  private last: number | undefined;
  private jitter = 0;

  /** @param slots of the job, and so the most that may be in flight */
  constructor(private readonly slots: number) {
    this.size = Math.min(INITIAL_CHUNKS, slots);
  }

  /** Chunks that may be in flight. */
  get chunks(): number {
    return Math.floor(this.size);
  }

  /** A result came, `waitMs` after the one and only transmission of its chunk. */
  result(waitMs: number): void {
    this.shortest = Math.max(FLOOR_MS, Math.min(this.shortest, waitMs));
    if (this.last !== undefined) this.jitter += JITTER_GAIN * (Math.abs(waitMs - this.last) - this.jitter);
    this.last = waitMs;
    const margin = JITTERS * this.jitter;
    if (waitMs <= KEEPS_UP * this.shortest + margin) this.size = Math.min(this.slots, this.size + 1);
    // One chunk less per window, so that all the results of one bad moment count once.
    else if (waitMs > FALLS_BEHIND * this.shortest + margin) this.shrinkTo(this.size - 1 / this.size);
  }

  /** A packet timed out. */
  timeout(): void {
    this.shrinkTo(this.size / 2);
  }

  private shrinkTo(size: number): void {
    this.size = Math.max(Math.min(MIN_CHUNKS, this.slots), size);
  }
}
