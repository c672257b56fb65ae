/**
 * When the packet of each slot was sent, and which of them have been overtaken: a result has arrived for one that was
 * sent later. Results arrive in the order in which the slowest worker sends, so a packet that stays behind was
 * lost, at this worker or another, or its result was.
 */
export class Transmissions {
  /** When the packet of a slot was sent first and last, and how many times. */
  readonly firstSentAt: Float64Array;
  readonly sentAt: Float64Array;
  readonly counts: Uint32Array;
  /** How many times the last packet of a slot that has its result was sent. */
  readonly finishedCounts: Uint32Array;
  /** Chunks in flight when the packet was sent first, with its own. */
  readonly inFlight: Uint32Array;
  /** Position of a slot's last transmission among all of them. */
  private readonly order: Float64Array;
  private sequence = 0;
  /** Latest position whose result has arrived. */
  private heardOf = 0;
  /** Of the slots that may be outstanding: the earliest position, and when that was sent. */
  private earliest = Infinity;
  private earliestSentAt = Infinity;

  constructor(slots: number) {
    this.firstSentAt = new Float64Array(slots);
    this.sentAt = new Float64Array(slots);
    this.counts = new Uint32Array(slots);
    this.finishedCounts = new Uint32Array(slots);
    this.inFlight = new Uint32Array(slots);
    this.order = new Float64Array(slots);
  }

  /** Forgets what is outstanding. */
  clear(): void {
    this.counts.fill(0);
    this.heardOf = this.sequence;
    this.beginScan();
  }

  first(slot: number, now: number, inFlight: number): void {
    this.firstSentAt[slot] = now;
    this.counts[slot] = 0;
    this.inFlight[slot] = inFlight;
    this.again(slot, now);
  }

  again(slot: number, now: number): void {
    this.counts[slot]!++;
    this.sentAt[slot] = now;
    this.order[slot] = ++this.sequence;
    this.isOutstanding(slot);
  }

  /** The result of `slot` has arrived. */
  finish(slot: number): void {
    this.finishedCounts[slot] = this.counts[slot]!;
    this.counts[slot] = 0;
    const order = this.order[slot]!;
    this.heardOf = Math.max(this.heardOf, order);
    // Where results arrive in order, the bounds stay exact without a scan.
    if (order === this.earliest) this.earliest = order + 1;
  }

  /** By how many transmissions the latest whose result has arrived is ahead of the one of `slot`; 0 if it is not. */
  overtakenBy(slot: number): number {
    return Math.max(0, this.heardOf - this.order[slot]!);
  }

  /** To be called before {@link isOutstanding} is called for every slot that is. */
  beginScan(): void {
    this.earliest = this.earliestSentAt = Infinity;
  }

  isOutstanding(slot: number): void {
    if (this.order[slot]! >= this.earliest) return;
    this.earliest = this.order[slot]!;
    this.earliestSentAt = this.sentAt[slot]!;
  }

  /** By how many transmissions a slot has been overtaken at the most, and when the packet of that one was sent; bounds, exact after a scan. */
  get mostOvertaken(): number {
    return Math.max(0, this.heardOf - this.earliest);
  }

  get mostOvertakenSentAt(): number {
    return this.earliestSentAt;
  }
}
