/** Detects that an operation makes no progress, finds the cause with probes, and reports it. */
import { counted } from '../../net/count.js';
import {
  ControllerUnreachableError,
  MembershipError,
  ShapeMismatchError,
  StalledError,
  type StallReport,
  SwitchUnreachableError,
  type WorkerError,
} from '../errors.js';
import { MAX_WORKERS } from '../../protocol/constants.js';
import type { SetState } from '../../protocol/probe.js';
import type { AllreduceEngine } from './engine.js';
import type { Operation } from './operation.js';
import { REDUCE_OPS } from './tensors.js';
import { waitsForContributors, waitsForController, waitsToJoin, type Attending, type Waiting } from './waiting.js';

export interface Patience {
  /** Without any result for this long an operation fails; also without a controller while one is needed. */
  timeoutMs: number;
  /** While the job waits for members, an operation waits this long for it to continue. */
  membershipTimeoutMs: number;
}

export const DEFAULT_PATIENCE: Readonly<Patience> = { timeoutMs: 30_000, membershipTimeoutMs: 300_000 };

/** Fraction of the timeout after which the stalled slot is probed, again and again, and the maximum of that interval. */
const PROBE_AFTER = 0.2;
const PROBE_AFTER_MAX_MS = 2000;
/**
 * The most that counts of the time between two checks, in intervals between probes: a process that was suspended, or had
 * no processor, has not listened in the meantime.
 */
const LISTENED_MAX = 2;
/** A refusal is final; it may wait this long for a probe that shows which workers it contradicts. */
const REFUSAL_PATIENCE_MS = 250;
/** After this long without progress the caller is told what the operation waits for; a probe may take as long again. */
const TOLD_AFTER_MS = 2000;
const PROBE_PATIENCE_MS = 500;

/** What messages about a stalled operation contain about this worker. */
export interface ReportedWorker {
  rank: number;
  /** Where contributions go. */
  switchAddress: string;
  /** What the transport knows about the cause. */
  transportNote?: (() => string | undefined) | undefined;
}

export interface Situation {
  engine: AllreduceEngine;
  operation: Operation;
  running: boolean;
  epoch: number | undefined;
  members: readonly number[];
  /** In the order of `members`: their bits in the bitmaps of this worker's switch; above 31: at another switch. */
  bits: readonly number[];
  config: Readonly<ReportedWorker>;
  /** Undefined unless the controller waits for workers. */
  attending: Attending | undefined;
}

export class StallWatch {
  private lastProgress: number;
  /** When the last epoch stopped. */
  private haltedAt: number;
  private controllerLostAt: number | undefined;
  /** Until when the controller waits for members that were lost: no progress is expected before. */
  private excusedUntil = -Infinity;
  private refusedAt: number | undefined;
  private probeAt = 0;
  private checkedAt: number;
  private probedSlot: number | undefined;
  /** The probed slot's state of the outstanding round; null if the slot does not hold that round. */
  private held: SetState | null | undefined;
  /** What the caller was told last. */
  private told: string | undefined;

  constructor(
    private readonly patience: Readonly<Patience>,
    now: number,
  ) {
    this.lastProgress = this.haltedAt = this.checkedAt = now;
  }

  /** When the operation last made progress, or began. */
  get progressedAt(): number {
    return this.lastProgress;
  }

  progress(now: number): void {
    this.lastProgress = now;
    this.probeAt = now + this.probeIntervalMs;
    this.probedSlot = this.held = this.refusedAt = this.told = undefined;
  }

  halted(now: number): void {
    this.progress(now);
    this.haltedAt = now;
    this.excusedUntil = -Infinity;
  }

  /** Members are missing, and the controller waits for them. */
  excuse(until: number): void {
    this.excusedUntil = until;
  }

  controller(connected: boolean, now: number): void {
    if (connected) this.controllerLostAt = undefined;
    else this.controllerLostAt ??= now;
  }

  /** The switch refused the contribution to `slot`. */
  refused(engine: AllreduceEngine, slot: number, now: number): void {
    if (this.refusedAt !== undefined) return;
    this.refusedAt = now;
    this.held = undefined;
    this.probedSlot = slot;
    engine.probe(slot);
  }

  /** A probe was answered. */
  probed(engine: AllreduceEngine, slotBase: number, epoch: number | undefined, now: number): void {
    const slot = this.probedSlot;
    if (slot === undefined || engine.probed?.absoluteSlot !== slotBase + slot) return;
    const chunk = engine.outstandingChunk(slot);
    const held = engine.probed.sets.find((set) => set.epoch === epoch && set.chunk === chunk) ?? null;
    // Contributions arrive, so other workers are at work, however slowly.
    if (this.held !== undefined && held !== null && held.contributions !== (this.held?.contributions ?? 0))
      this.lastProgress = now;
    this.held = held;
  }

  /** @returns the error that ends the operation, or when to check again */
  check(situation: Situation, now: number): number | WorkerError {
    const missed = now - this.checkedAt - LISTENED_MAX * this.probeIntervalMs;
    this.checkedAt = now;
    if (situation.running && missed > 0) this.lastProgress = Math.min(now, this.lastProgress + missed);
    return situation.running ? this.checkTraffic(situation, now) : this.checkMembership(situation, now);
  }

  /** What the operation waits for, once it has done so for some time, and again when that has changed. */
  notice(situation: Situation, now: number): Waiting | undefined {
    const waited = now - this.waitingSince(situation);
    if (waited < TOLD_AFTER_MS || this.refusedAt !== undefined) return undefined;
    if (situation.running && this.held === undefined && waited < TOLD_AFTER_MS + PROBE_PATIENCE_MS) return undefined;
    const waiting = this.waiting(situation);
    if (waiting.message === this.told) return undefined;
    this.told = waiting.message;
    return waiting;
  }

  /** When {@link notice} may have something to say that it has not now. */
  noticeDue(situation: Situation, now: number): number {
    const due = this.waitingSince(situation) + TOLD_AFTER_MS;
    if (now < due) return due;
    return now < due + PROBE_PATIENCE_MS ? due + PROBE_PATIENCE_MS : Infinity;
  }

  private waitingSince({ running, operation }: Situation): number {
    return running ? this.lastProgress : Math.max(this.haltedAt, operation.submittedAt);
  }

  private waiting(situation: Situation): Waiting {
    const { engine, running, attending, config, epoch } = situation;
    if (running) {
      return waitsForContributors({
        rank: config.rank,
        missing: this.missingRanks(situation),
        elsewhere: elsewhere(situation),
        first: engine.firstProgress.done === 0,
        switchAddress: config.switchAddress,
      });
    }
    if (this.controllerLostAt === undefined && attending !== undefined) return waitsToJoin(attending);
    return waitsForController(this.controllerLostAt === undefined, epoch);
  }

  private checkTraffic(situation: Situation, now: number): number | WorkerError {
    const { engine } = situation;
    if (this.refusedAt !== undefined) {
      const due = this.refusedAt + REFUSAL_PATIENCE_MS;
      return this.held !== undefined || now >= due ? this.mismatch(situation) : due;
    }
    const due = Math.max(this.lastProgress, this.excusedUntil) + this.patience.timeoutMs;
    if (now >= due) return this.stalled(situation, now);
    if (now >= this.probeAt) {
      const slot = engine.outstandingSlots()[0];
      this.probeAt = now + this.probeIntervalMs;
      if (slot !== undefined) {
        this.probedSlot = slot;
        engine.probe(slot);
      }
    }
    return Math.min(due, this.probeAt);
  }

  private checkMembership(situation: Situation, now: number): number | WorkerError {
    const { members, config, attending } = situation;
    const since = this.waitingSince(situation);
    if (this.controllerLostAt !== undefined) {
      const due = Math.max(since, this.controllerLostAt) + this.patience.timeoutMs;
      if (now < due) return due;
      return new ControllerUnreachableError(
        `no connection to the controller for ${ms(now - this.controllerLostAt)}, and the job's new epoch cannot begin without it`,
      );
    }
    const due = Math.max(since, this.excusedUntil) + this.patience.membershipTimeoutMs;
    if (now < due) return due;
    if (attending !== undefined)
      return new MembershipError(
        `rank ${config.rank} has waited ${ms(now - since)} for the job to have its workers: ${waitsToJoin(attending).message}`,
      );
    const known = members.length === 0 ? 'no members are known yet' : `its members are ranks ${members.join(', ')}`;
    return new MembershipError(
      `rank ${config.rank} has waited ${ms(now - since)} for the controller to let the job run; ${known}, and not all of them have answered`,
    );
  }

  private get probeIntervalMs(): number {
    return Math.min(PROBE_AFTER_MAX_MS, this.patience.timeoutMs * PROBE_AFTER);
  }

  private mismatch(situation: Situation): ShapeMismatchError {
    const { operation, members, config } = situation;
    const own = operation.batch.describe();
    const { held } = this;
    let others = 'other workers submitted something else';
    if (held) {
      // This switch agrees with this worker's contribution: it was its parent switch that refused the sum.
      const agrees = held.operation === operation.number && held.signature === operation.batch.signature;
      const ranks = agrees
        ? elsewhere(situation)
        : members.filter((_, index) => contributed(held, situation.bits[index]!));
      others = `ranks ${ranks.join(', ')} submitted ${agrees ? 'something else to another switch' : describeHeld(held, operation)}`;
    }
    return new ShapeMismatchError(
      `operation ${operation.number} cannot be finished: rank ${config.rank} submitted ${own}, but ${others}`,
      operation.batch.lengths,
      held ? others : undefined,
    );
  }

  private stalled(situation: Situation, now: number): WorkerError {
    const report = this.report(situation, now);
    const note = situation.config.transportNote?.();
    const sent =
      `${counted(report.packetsSent, 'packet')} ${report.packetsSent === 1 ? 'was' : 'were'} sent to ${report.switchAddress} (${report.retransmissions} of them retransmissions), ` +
      `${report.chunksDone} of ${counted(report.chunksTotal, 'chunk')} ${report.chunksTotal === 1 ? 'is' : 'are'} done` +
      (note === undefined ? '' : `, ${note}`);
    const head = `operation ${report.operation} has made no progress for ${ms(report.waitedMs)}`;
    if (this.controllerLostAt !== undefined) {
      return new ControllerUnreachableError(
        `${head}, and there has been no connection to the controller for ${ms(now - this.controllerLostAt)}; ${sent}`,
      );
    }
    if (report.lastHeardMs === undefined) {
      return new SwitchUnreachableError(`${head} and the switch has never answered: ${sent}`, report);
    }
    return new StalledError(
      `${head}: ${sent}, slots ${report.outstandingSlots.join(', ')} are outstanding, ` +
        `the last message from the switch arrived ${ms(report.lastHeardMs)} ago; ${this.blame(situation, report)}`,
      report,
    );
  }

  /** Undefined while no probe was answered. */
  private missingRanks({ members, bits }: Situation): number[] | undefined {
    const { held } = this;
    if (held === undefined) return undefined;
    // A bit may stand for all workers of another switch: while it is clear, some of them are missing.
    return members.filter((_, index) => isVisible(bits[index]!) && (held === null || !contributed(held, bits[index]!)));
  }

  private report(situation: Situation, now: number): StallReport {
    const { engine, operation, config } = situation;
    const { done, total } = engine.firstProgress;
    return {
      operation: operation.number!,
      epoch: operation.epoch,
      switchAddress: config.switchAddress,
      waitedMs: now - this.lastProgress,
      packetsSent: operation.counters.packetsSent,
      packetsReceived: operation.counters.packetsReceived,
      retransmissions: operation.counters.retransmissions,
      lastHeardMs: engine.lastHeard === undefined ? undefined : now - engine.lastHeard,
      chunksDone: done,
      chunksTotal: total,
      outstandingSlots: engine.outstandingSlots(),
      missingRanks: this.missingRanks(situation),
    };
  }

  private blame(situation: Situation, { missingRanks }: StallReport): string {
    const { config } = situation;
    if (missingRanks === undefined) return 'a probe of the first of them was not answered';
    if (missingRanks.length === 0) {
      const others = elsewhere(situation);
      if (others.length === 0) return 'all ranks have contributed, but the result does not arrive here';
      return `all ranks at this switch have contributed; ranks ${others.join(', ')} at other switches have not, or the result does not arrive here`;
    }
    const own = missingRanks.includes(config.rank)
      ? ` (among them this worker, rank ${config.rank}: its packets do not arrive or are dropped)`
      : '';
    return `slot ${this.probedSlot} waits for ranks ${missingRanks.join(', ')}${own}`;
  }
}

function contributed(set: SetState, bit: number): boolean {
  return isVisible(bit) && ((set.bitmap >>> bit) & 1) === 1;
}

/** Whether the contributions of a member with this bit pass the worker's switch. */
function isVisible(bit: number): boolean {
  return bit < MAX_WORKERS;
}

/** The bitmap with the bit of member `index`, or of all members; those at another switch have none in it. */
export function bitmapOf(bits: readonly number[], index?: number): number {
  const some = index === undefined ? bits : bits.slice(index, index + 1);
  return some.filter(isVisible).reduce((bitmap, bit) => bitmap | (1 << bit), 0);
}

/** Members whose contributions do not pass this worker's switch. */
function elsewhere({ members, bits }: Situation): number[] {
  return members.filter((_, index) => !isVisible(bits[index]!));
}

/** The other workers' operation, as far as its hash identifies it. */
function describeHeld(held: SetState, { number, batch }: Operation): string {
  if (held.operation !== number) return `operation ${held.operation}`;
  const op = REDUCE_OPS.find((one) => batch.signatureOf(one) === held.signature);
  return op === undefined ? 'other tensors' : `a ${op} of the same tensors`;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
