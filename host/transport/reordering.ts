/**
 * How long a packet may stay behind one that was sent later before it counts as lost: RACK's reordering window
 * (RFC 8985, section 6.2), as a multiple of the round trip.
 *
 * It adapts to what it causes: the switch answers each packet of a round that is complete, so a repetition that was not
 * needed brings a result that nobody waits for, as a D-SACK tells a TCP sender. Where packets are lost hardly any do, where
 * they are only late most.
 */

/** Repetitions after which their answers are judged, and the shares of needless ones above which the window grows and below which it shrinks. */
const JUDGED = 16;
const MANY = 0.3;
const FEW = 0.15;

/** In round trips: at first, as in RFC 8985, and at the most. */
const INITIAL = 1 / 4;
const MAX = 2;

export class ReorderingWindow {
  private size = INITIAL;
  private repeated = 0;
  private needless = 0;
  private seen = false;

  /** Whether packets have ever been found to overtake each other: if not, the number of those that came sooner tells a loss. */
  get isSeen(): boolean {
    return this.seen;
  }

  /** Whether packets are late rather than lost. */
  get isWide(): boolean {
    return this.size > INITIAL;
  }

  /** In multiples of the round trip. */
  get roundTrips(): number {
    return this.size;
  }

  /** A packet was repeated because later ones had overtaken it. */
  onRepetition(): void {
    if (++this.repeated < JUDGED) return;
    const share = this.needless / this.repeated;
    if (share > MANY) {
      this.size = Math.min(MAX, this.size * 2);
      this.seen = true;
    } else if (share < FEW) {
      this.size = Math.max(INITIAL, this.size / 2);
    }
    this.repeated = this.needless = 0;
  }

  /** The answer to a packet arrived that was repeated without need. */
  onNeedless(): void {
    this.needless++;
  }
}
