/**
 * Which packets to repeat, and when (docs/protocol.md, "Retransmission").
 *
 * While results arrive, they tell what is lost: a packet that stays behind later ones is repeated, one round
 * trip after it was sent, as often as it takes. So a loss costs a round trip and not a timeout, however many workers lose how much.
 *
 * When none arrives for a timeout, most often another worker is late. Then a probe asks the switch, whose answer says whether
 * this worker has anything to repeat. Only if that is not answered, or losses are known to be frequent, packets are repeated
 * in advance.
 */
import { ReorderingWindow } from '../transport/reordering.js';
import type { RetransmissionTimeout, RoundTrip } from '../transport/rto.js';
import { Transmissions } from './transmissions.js';
import type { SlotWindow } from './windowing.js';

/** On a path that keeps the order, a packet counts as lost when the result of one sent this many packets later has arrived. */
const OVERTAKEN_BY = 8;
/** Timers are no finer: the least time that a packet may stay behind a later one. */
const MIN_BEHIND_MS = 1;

/** Weight of a sample in the smoothed round trip, as in RFC 6298. */
const SMOOTHING = 1 / 8;
/** Weight of a result in the share of those that needed a retransmission, and the share from which losses are frequent. */
const LOSS_GAIN = 1 / 16;
const FREQUENT = 0.1;

/**
 * Timeouts without any result before they begin to double. With few chunks in flight, several losses in a row are not rare, and
 * doubling would make the last of many workers wait for seconds (the same reason as for the linear timeouts of Linux for thin streams).
 */
const PATIENT = 6;
/** With each silence after the first, this many times more packets are repeated. */
const MORE = 4;

export interface RecoveryOutput {
  repeat(slot: number): void;
  /** @returns the probe's number */
  probe(slot: number): number;
  /** Packets have been lost without a later one telling it. */
  timedOut(): void;
}

export class LossRecovery {
  private readonly transmissions: Transmissions;
  private reordering = new ReorderingWindow();
  /** Share of the results that needed a retransmission, of any worker. */
  private lossShare = 0;
  /** Smoothed time to a sum of first transmissions, however long. */
  private smoothed: number | undefined;
  /** Since when no result has arrived, or since the last timeout. */
  private quietSince = 0;
  /** Timeouts since the last result. */
  private silences = 0;
  /** No packet that was overtaken is due before this moment. */
  private behindAt = Infinity;
  /** The last probe that has no answer yet. */
  private probe = 0;
  private probedSlot = 0;
  private probedAt = 0;
  /** By the answer to the last probe, only other workers' contributions are missing. */
  private othersMissing = false;
  /** By the answer to a probe, the result of this slot was lost. */
  private lostSlot: number | undefined;
  /** By the answer to a probe that was sent at this time, packets that were sent before it were lost. */
  private lostBefore = -Infinity;

  constructor(
    private readonly window: SlotWindow,
    private readonly rto: RetransmissionTimeout,
  ) {
    this.transmissions = new Transmissions(window.slots);
  }

  /** An operation begins. */
  begin(): void {
    this.transmissions.clear();
    this.silences = 0;
    this.behindAt = Infinity;
    this.probe = 0;
    this.lostSlot = undefined;
    this.lostBefore = -Infinity;
    this.othersMissing = false;
  }

  /** Other members, perhaps another switch: what was learned about the path may not hold. */
  enterEpoch(): void {
    this.reordering = new ReorderingWindow();
    this.lossShare = 0;
    this.smoothed = undefined;
  }

  /** When {@link recover} is to be called at the latest. */
  get due(): number {
    if (this.lostSlot !== undefined || this.lostBefore > -Infinity) return -Infinity;
    const { inFlight } = this.window;
    return inFlight === 0 ? Infinity : Math.min(this.behindAt, this.quietSince + this.rto.ms(inFlight));
  }

  /** The packet of `slot` is sent for the first time. */
  sent(slot: number, now: number): void {
    const { inFlight } = this.window;
    if (inFlight === 1) this.quietSince = now;
    this.transmissions.first(slot, now, inFlight);
  }

  /** The result of `slot`, which must be outstanding, has arrived. @returns how it came about */
  result(
    slot: number,
    { afterLoss, repeated }: Readonly<Pick<RoundTrip, 'afterLoss' | 'repeated'>>,
    now: number,
  ): RoundTrip {
    const { transmissions: sent } = this;
    const trip = {
      sinceFirst: now - sent.firstSentAt[slot]!,
      sinceLast: now - sent.sentAt[slot]!,
      transmissions: sent.counts[slot]!,
      inFlight: sent.inFlight[slot]!,
      afterLoss,
      repeated,
    };
    const clean = trip.transmissions === 1 && !afterLoss;
    this.lossShare += LOSS_GAIN * ((clean ? 0 : 1) - this.lossShare);
    if (!afterLoss) {
      const before = this.smoothed ?? trip.sinceFirst;
      this.smoothed = before + SMOOTHING * (trip.sinceFirst - before);
    }
    sent.finish(slot);
    this.quietSince = now;
    this.silences = 0;
    if (this.lostSlot === slot) this.lostSlot = undefined;
    const overtaken = sent.mostOvertaken;
    if (overtaken > 0) this.behindAt = Math.min(this.behindAt, this.lostAt(overtaken, sent.mostOvertakenSentAt, now));
    return trip;
  }

  /** A transmission for `slot` was answered with a result that had arrived already: one of them was not needed. */
  needless(slot: number): void {
    // If there was only one, the network has doubled it.
    if (this.transmissions.finishedCounts[slot]! > 1) this.reordering.onNeedless();
  }

  /**
   * Probe number `probe` was answered.
   * @param missing in the slot: this worker's contribution, others', or none, so that its result was lost
   */
  probed(probe: number, missing: 'own' | 'others' | 'none', now: number): void {
    if (probe !== this.probe) return;
    this.probe = 0;
    this.rto.probe(now - this.probedAt);
    this.othersMissing = missing === 'others';
    if (missing === 'own') this.lostBefore = this.probedAt;
    // A packet that was repeated after the probe was sent may have its answer on the way.
    else if (missing === 'none' && this.transmissions.sentAt[this.probedSlot]! <= this.probedAt)
      this.lostSlot = this.probedSlot;
  }

  /** Repeats what is due, at most `budget` packets. @returns what is left of it */
  recover(now: number, budget: number, output: RecoveryOutput): number {
    const before = this.quietSince;
    const inAdvance = now >= before + this.rto.ms(this.window.inFlight) ? this.silence(now, output) : 0;
    return this.scan(now, budget, { output, inAdvance, before });
  }

  /** Whether so many results needed a retransmission lately that a loss says nothing about this worker's window. */
  get isLossy(): boolean {
    return this.lossShare > FREQUENT;
  }

  /** Nothing has come for a timeout. @returns how many packets to repeat */
  private silence(now: number, output: RecoveryOutput): number {
    const silences = this.silences++;
    if (silences >= PATIENT) this.rto.backOff();
    this.quietSince = now;
    const othersMissing = this.othersMissing;
    this.othersMissing = false;
    this.probedSlot = this.window.lowestSlot;
    this.probedAt = now;
    this.probe = output.probe(this.probedSlot);
    if (othersMissing) return this.isLossy ? 1 : 0;
    if (this.isLossy) return Infinity;
    if (silences === 0) return 0;
    output.timedOut();
    return MORE ** silences;
  }

  private scan(
    now: number,
    budget: number,
    { output, inAdvance, before }: { output: RecoveryOutput; inAdvance: number; before: number },
  ): number {
    const { window, transmissions } = this;
    const { slots } = window;
    transmissions.beginScan();
    this.behindAt = Infinity;
    const { lostBefore } = this;
    this.lostBefore = -Infinity;
    let allowed = inAdvance;
    let slot = window.lowestSlot;
    for (let i = 0; i < slots; i++, slot = slot + 1 === slots ? 0 : slot + 1) {
      if (window.chunkIn(slot) === undefined) continue;
      const sentAt = transmissions.sentAt[slot]!;
      const overtakenBy = transmissions.overtakenBy(slot);
      const lostAt = overtakenBy > 0 ? this.lostAt(overtakenBy, sentAt, now) : Infinity;
      const isLost = slot === this.lostSlot || sentAt <= lostBefore || lostAt <= now;
      const isInAdvance = !isLost && allowed > 0 && sentAt <= before;
      if ((!isLost && !isInAdvance) || budget <= 0) {
        this.behindAt = Math.min(this.behindAt, isLost ? now : lostAt);
        transmissions.isOutstanding(slot);
        continue;
      }
      budget--;
      if (isInAdvance) allowed--;
      else if (slot === this.lostSlot) this.lostSlot = undefined;
      else if (lostAt <= now) this.reordering.onRepetition();
      transmissions.again(slot, now);
      output.repeat(slot);
    }
    return budget;
  }

  /** When a packet that was sent at `sentAt` counts as lost, once `overtakenBy` of those sent after it have been heard of. */
  private lostAt(overtakenBy: number, sentAt: number, now: number): number {
    const { reordering } = this;
    if (!reordering.isSeen && overtakenBy > OVERTAKEN_BY) return now;
    const roundTrip = this.roundTripMs;
    return sentAt + roundTrip + Math.max(MIN_BEHIND_MS, reordering.roundTrips * roundTrip);
  }

  /**
   * Where packets are late, long waits must count as well: those that are repeated too soon would be left out otherwise,
   * and the rest would seem ever shorter. Where they are lost, long waits are other workers' recoveries, which must not count.
   */
  private get roundTripMs(): number {
    const timeout = this.rto.ms(this.window.inFlight);
    const measured = this.reordering.isWide ? this.smoothed : this.rto.roundTripMs;
    return Math.min(timeout, measured ?? timeout);
  }
}
