/**
 * A worker's membership in its job: numbers operations, follows the epochs, and decides which operation is
 * complete, begins again or is lost (docs/protocol.md, "Epochs"). A pure state machine around
 * {@link AllreduceEngine}: input and the time are arguments, output goes to {@link MemberOutput}.
 *
 * Invariants
 * - `completed ≤ received ≤ completed + 1`, unless both were set by a Resume.
 * - While `running`, the operation at the head of the queue has the number `completed + 1`.
 * - Between the answer to a Membership and its Resume neither `completed` nor `received` changes, since
 *   the controller relies on the answer.
 */
import { type WorkerError, AbortedError, MembershipError, ShapeMismatchError } from '../errors.js';
import type { Failed, Membership, Progress, Resume } from '../session/messages.js';
import { Offset } from '../../protocol/message.js';
import { AllreduceEngine, type EngineConfig, type Verdict } from './engine.js';
import type { Operation } from './operation.js';
import { uint16 } from './packets.js';
import { RetransmissionTimeout, type RtoBounds } from '../transport/rto.js';
import { type Patience, type ReportedWorker, StallWatch } from './stall.js';

export interface MemberOutput {
  /** A packet for the switch. Its memory is valid only during the call. */
  transmit(packet: Uint8Array): void;
  /** An answer for the controller. */
  progress(message: Progress): void;
  failed(message: Failed): void;
}

export interface MemberConfig extends EngineConfig, ReportedWorker {
  rto: RtoBounds;
  patience: Patience;
  /** First slot of the job in the switch's pool. */
  slotBase: number;
}

export class Member {
  private engine: AllreduceEngine;
  private readonly rto: RetransmissionTimeout;
  private readonly watch: StallWatch;
  private readonly queue: Operation[] = [];
  /** Errors of operation numbers that were used up before this worker made the corresponding call. */
  private readonly lost = new Map<number, WorkerError>();
  /** Other workers' failures by operation number, until that number is used up. */
  private readonly aborts = new Map<number, Failed>();
  private epochNumber: number | undefined;
  private members: readonly number[] = [];
  /** In the order of `members`: their bits in the bitmaps of this worker's switch ({@link Membership.bits}). */
  private bits: readonly number[] = [];
  private running = false;
  /** Set by the first Resume: from then on, calls are numbered. */
  private numbered = false;
  private lastNumber = 0;
  private completedNumber = 0;
  private receivedNumber = 0;
  /** A session has begun since the last Membership, so epochs may have passed without this worker. */
  private mayHaveMissedEpochs = false;
  /** The failure to which the controller has not yet answered with a new epoch. */
  private unanswered: Failed | undefined;

  constructor(
    private config: Readonly<MemberConfig>,
    private readonly output: MemberOutput,
    now: number,
  ) {
    this.rto = new RetransmissionTimeout(config.rto);
    this.engine = new AllreduceEngine(config, this.rto, (packet) => this.output.transmit(packet));
    this.watch = new StallWatch(config.patience, now);
  }

  /** Current epoch; undefined before the first Membership. */
  get epoch(): number | undefined {
    return this.epochNumber;
  }

  get ranks(): readonly number[] {
    return this.members;
  }

  /** Last operation that is complete here. */
  get completed(): number {
    return this.completedNumber;
  }

  /** Calls that have not been resolved or rejected yet. */
  get pending(): number {
    return this.queue.filter((operation) => operation.failure === undefined).length;
  }

  /** A session with the controller begins (again), with these facts of the job. */
  connected(config: Readonly<MemberConfig>, now: number): void {
    this.mayHaveMissedEpochs = true;
    this.watch.controller(true, now);
    const same =
      config.job === this.config.job &&
      config.slots === this.config.slots &&
      config.valuesPerPacket === this.config.valuesPerPacket &&
      String(config.packetSteps) === String(this.config.packetSteps) &&
      config.switchAddress === this.config.switchAddress;
    if (!same) {
      // Another switch or another build: nothing in flight can be answered any more.
      this.halt(now);
      this.receivedNumber = this.completedNumber;
      this.config = config;
      this.engine = new AllreduceEngine(config, this.rto, (packet) => this.output.transmit(packet));
    }
    if (this.unanswered !== undefined) this.output.failed(this.unanswered);
  }

  /** The session broke. An operation in progress continues: the switch does not need the controller. */
  disconnected(now: number): void {
    this.watch.controller(false, now);
  }

  /** Queues a call. Its callbacks may be called before this returns. */
  submit(operation: Operation, now: number): void {
    if (this.queue.length === 0) this.watch.progress(now);
    if (this.numbered) {
      operation.number = ++this.lastNumber;
      if (operation.number <= this.completedNumber) {
        const reason = this.lost.get(operation.number);
        this.lost.delete(operation.number);
        operation.fail(reason ?? this.passed(operation.number));
        return;
      }
    }
    this.queue.push(operation);
    this.settleHead(now);
  }

  /** Aborts a call; the other workers are told when its number is at the head of the queue. */
  cancel(operation: Operation, error: WorkerError, now: number): void {
    if (!this.queue.includes(operation)) return;
    operation.fail(error);
    this.settleHead(now);
  }

  /** What a worker reports to the controller before it leaves: others may still wait for a result that it has. */
  farewell(): Progress | undefined {
    if (this.epochNumber === undefined || !this.numbered) return undefined;
    return { epoch: this.epochNumber, completed: this.completedNumber, received: this.receivedNumber };
  }

  /** Rejects every call. The caller leaves the job, so that the others continue without this worker. */
  close(error: WorkerError): void {
    this.engine.stop();
    this.running = false;
    for (const operation of this.queue.splice(0)) operation.fail(error);
  }

  membership(message: Membership, now: number): void {
    const repeated = message.epoch === this.epochNumber && (this.running || this.unanswered !== undefined);
    const skipped = this.epochNumber !== undefined && message.epoch > this.epochNumber + 1;
    if (this.mayHaveMissedEpochs && skipped) {
      // The others may have repeated the operation without this worker, so its sum may not be theirs.
      this.receivedNumber = this.completedNumber;
    }
    this.mayHaveMissedEpochs = false;
    if (!repeated) {
      this.halt(now);
      this.epochNumber = message.epoch;
      this.members = message.ranks;
      this.bits = message.bits === undefined || message.bits.length === 0 ? message.ranks : message.bits;
      this.unanswered = undefined;
    }
    this.output.progress({ epoch: message.epoch, completed: this.completedNumber, received: this.receivedNumber });
  }

  resume(message: Resume, now: number): void {
    if (message.epoch !== this.epochNumber || this.running || this.unanswered !== undefined) return;
    if (this.numbered) this.catchUp(message.completed, now);
    else this.adopt(message.completed);
    // Older than this worker's own answer: the controller will receive that and raise the epoch again.
    if (message.completed < this.completedNumber) return;
    this.running = true;
    this.engine.enterEpoch(message.epoch);
    this.watch.progress(now);
    this.settleHead(now);
  }

  /** Another worker cannot finish an operation. A new epoch follows. */
  aborted(failure: Failed, now: number): void {
    if (failure.operation <= this.completedNumber) return;
    this.aborts.set(failure.operation, failure);
    this.settleHead(now);
  }

  receive(message: Uint8Array, now: number): Verdict {
    const verdict = this.engine.receive(message, now);
    const head = this.queue[0];
    if (verdict === 'probed') this.watch.probed(this.engine, this.config.slotBase, this.epochNumber);
    if (head === undefined) return verdict;
    if (verdict === 'accepted' || verdict === 'received' || verdict === 'complete') {
      this.watch.progress(now);
      const { done, total } = this.engine.progress;
      if (verdict !== 'accepted') this.receivedNumber = head.number!;
      if (verdict === 'complete') this.complete(now);
      head.report(done, total);
    } else if (verdict === 'refused') {
      this.watch.refused(this.engine, uint16(message, Offset.slot), now);
    }
    return verdict;
  }

  /**
   * To be called after {@link receive} while more messages may wait to be read; see {@link AllreduceEngine.refill}.
   * @returns when to call {@link advance} at the latest
   */
  refill(now: number): number {
    const head = this.queue[0];
    if (this.running && head !== undefined && !this.started(head)) return now;
    return this.engine.refill(now);
  }

  /**
   * Does what is due: begins the next operation, sends, retransmits, probes, aborts.
   * @returns when to call again at the latest
   */
  advance(now: number): number {
    const head = this.queue[0];
    if (this.running && head !== undefined && !this.started(head)) this.begin(head, now);
    let due = this.engine.advance(now);
    const waiting = this.queue.find((operation) => operation.failure === undefined);
    if (waiting !== undefined) {
      const verdict = this.watch.check(
        {
          engine: this.engine,
          operation: waiting,
          running: this.running,
          members: this.members,
          bits: this.bits,
          config: this.config,
        },
        now,
      );
      if (typeof verdict === 'number') due = Math.min(due, verdict);
      else {
        this.cancel(waiting, verdict, now);
        return now;
      }
    }
    return due;
  }

  private started(operation: Operation): boolean {
    return operation.starts > 0 && operation.epoch === this.epochNumber;
  }

  private begin(operation: Operation, now: number): void {
    operation.begin(this.epochNumber!, this.members, now);
    this.watch.progress(now);
    try {
      this.engine.start(operation.number!, operation.batch, operation.counters);
      if (this.engine.received) this.receivedNumber = operation.number!;
    } catch (error) {
      this.cancel(operation, error as WorkerError, now);
    }
  }

  private complete(now: number): void {
    const operation = this.queue.shift()!;
    const { total } = this.engine.progress;
    this.engine.stop();
    this.pass(operation.number!);
    operation.succeed(total, this.rto.roundTripMs, now);
    this.settleHead(now);
  }

  /** Deals with an operation at the head of the queue that has failed, here or elsewhere. */
  private settleHead(now: number): void {
    const head = this.queue[0];
    if (head === undefined || !this.running) {
      this.rejectAborted();
      return;
    }
    const abort = this.aborts.get(head.number!);
    if (head.failure === undefined && abort === undefined) return;
    this.queue.shift();
    this.halt(now);
    const { failure } = head;
    this.pass(head.number!);
    if (abort !== undefined) {
      head.fail(abortError(abort, head));
    } else {
      this.unanswered = {
        operation: head.number!,
        code: failure!.code,
        message: failure!.message,
        shape: head.batch.describe(),
      };
      this.output.failed(this.unanswered);
    }
  }

  /**
   * Callers need not wait for a new epoch to learn that their operation was aborted; the number is
   * used up only when the controller confirms it.
   */
  private rejectAborted(): void {
    for (const operation of this.queue) {
      const abort = operation.number === undefined ? undefined : this.aborts.get(operation.number);
      if (abort !== undefined) operation.fail(abortError(abort, operation));
    }
  }

  /** The first Resume: the job's numbering becomes this worker's. */
  private adopt(completed: number): void {
    this.numbered = true;
    this.completedNumber = this.receivedNumber = this.lastNumber = completed;
    for (const operation of this.queue) operation.number = ++this.lastNumber;
  }

  /** The job has completed operation `target`, which may be ahead of this worker. */
  private catchUp(target: number, now: number): void {
    const head = this.queue[0];
    if (
      head !== undefined &&
      head.number === this.receivedNumber &&
      head.number > this.completedNumber &&
      target >= head.number
    ) {
      // The commit's result was lost, but another worker has it: all workers hold all results.
      this.queue.shift();
      this.pass(head.number);
      if (head.failure === undefined) head.succeed(this.engine.dataChunks(head.batch) + 1, this.rto.roundTripMs, now);
    }
    while (this.completedNumber < target) {
      const number = this.completedNumber + 1;
      const abort = this.aborts.get(number);
      const operation = this.queue[0]?.number === number ? this.queue.shift() : undefined;
      if (operation !== undefined)
        operation.fail(abort === undefined ? this.passed(number) : abortError(abort, operation));
      else if (abort !== undefined) this.lost.set(number, abortError(abort));
      this.pass(number);
    }
    this.receivedNumber = this.completedNumber;
  }

  /** `number` is used up. */
  private pass(number: number): void {
    this.completedNumber = this.receivedNumber = number;
    this.aborts.delete(number);
  }

  private halt(now: number): void {
    this.engine.stop();
    this.running = false;
    this.watch.halted(now);
  }

  private passed(number: number): MembershipError {
    return new MembershipError(
      `operation ${number} continued without this worker (rank ${this.config.rank}), which was not connected at that time`,
    );
  }
}

/** Another worker's failure as the error for this worker's caller. */
function abortError(failure: Failed, operation?: Operation): WorkerError {
  const text = failure.message === '' ? failure.code : failure.message;
  if (failure.code === 'FPISA_SHAPE_MISMATCH') {
    const own = operation === undefined ? '' : `; this worker submitted ${operation.batch.describe()}`;
    return new ShapeMismatchError(
      `operation ${failure.operation} was aborted because the workers' tensors differ: another worker submitted ${failure.shape}${own}`,
      operation?.batch.lengths ?? [],
      failure.shape,
    );
  }
  return new AbortedError(`operation ${failure.operation} was aborted by another worker: ${text}`);
}
