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
import { type WorkerError, MembershipError, ShapeMismatchError } from '../errors.js';
import type {
  Failed,
  MembersLost,
  Membership,
  Missing,
  Progress,
  Resume,
  Submitted,
  TryPath,
} from '../session/messages.js';
import { Offset } from '../../protocol/message.js';
import { abortError, difference, Disputes, failedMessage } from './disputes.js';
import { AllreduceEngine, type Verdict } from './engine.js';
import { FAILURES_AHEAD, MAX_OPERATION, type MemberConfig, type MemberOutput } from './member-config.js';
import type { Operation } from './operation.js';
import { isOurs, uint16 } from './packets.js';
import { PathProbe } from './path-probe.js';
import { RetransmissionTimeout } from '../transport/rto.js';
import { type EpochMembership, epochMembers, passedError } from './epoch-members.js';
import { bitmapOf, type Situation, StallWatch } from './stall.js';
import type { Attending } from './waiting.js';

export class Member {
  private engine: AllreduceEngine;
  private path: PathProbe;
  private readonly rto: RetransmissionTimeout;
  private readonly watch: StallWatch;
  private readonly queue: Operation[] = [];
  /** Other workers' failures of numbers that were used up before this worker made the corresponding call. */
  private readonly lost = new Map<number, Failed>();
  /** Other workers' failures by operation number, until that number is used up. */
  private readonly aborts = new Map<number, Failed>();
  private epochOf: EpochMembership | undefined;
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
  private readonly disputes = new Disputes();
  /** Undefined unless the controller waits for workers. */
  private attending: Attending | undefined;

  constructor(
    private config: Readonly<MemberConfig>,
    private readonly output: MemberOutput,
    now: number,
  ) {
    this.rto = new RetransmissionTimeout(config.rto);
    this.engine = this.engineFor(config);
    this.path = this.probeFor(config);
    this.watch = new StallWatch(config.patience, now);
  }

  /** Current epoch; undefined before the first Membership. */
  get epoch(): number | undefined {
    return this.epochOf?.number;
  }

  get ranks(): readonly number[] {
    return this.epochOf?.ranks ?? [];
  }

  /** Last operation that is complete here. */
  get completed(): number {
    return this.completedNumber;
  }

  /** Values of a whole chunk in the current epoch. */
  get packetValues(): number {
    return this.engine.packetValues;
  }

  /** Calls that have not been resolved or rejected yet. */
  get pending(): number {
    return this.queue.filter((operation) => operation.failure === undefined).length + this.disputes.pending;
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
      this.engine = this.engineFor(config);
      this.path = this.probeFor(config);
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
      if (this.lastNumber === MAX_OPERATION) {
        operation.fail(new MembershipError(`the job has used up its ${MAX_OPERATION} operations: create it again`));
        return;
      }
      operation.number = ++this.lastNumber;
      if (operation.number <= this.completedNumber) {
        const reason = this.lost.get(operation.number);
        this.lost.delete(operation.number);
        operation.fail(
          reason === undefined ? passedError(this.config.rank, operation.number) : this.abortError(reason, operation),
        );
        return;
      }
    }
    this.queue.push(operation);
    this.settleHead(now);
  }

  /** Aborts a call; the other workers are told when its number is at the head of the queue. */
  cancel(operation: Operation, error: WorkerError, now: number): void {
    this.disputes.cancel(operation, error);
    if (!this.queue.includes(operation)) return;
    this.withdraw(operation);
    operation.fail(error);
    this.settleHead(now);
  }

  /** What a worker reports to the controller before it leaves: others may still wait for a result that it has. */
  farewell(): Progress | undefined {
    if (this.epoch === undefined || !this.numbered) return undefined;
    return { epoch: this.epoch, completed: this.completedNumber, received: this.receivedNumber };
  }

  /** Rejects every call. The caller leaves the job, so that the others continue without this worker. */
  close(error: WorkerError): void {
    this.engine.stop();
    this.path.stop();
    this.running = false;
    this.disputes.end();
    for (const operation of this.queue.splice(0)) operation.fail(error);
  }

  membership(message: Membership, now: number): void {
    const repeated = message.epoch === this.epoch && (this.running || this.unanswered !== undefined);
    const skipped = this.epoch !== undefined && message.epoch > this.epoch + 1;
    if (this.mayHaveMissedEpochs && skipped) {
      // The others may have repeated the operation without this worker, so its sum may not be theirs.
      this.receivedNumber = this.completedNumber;
    }
    this.mayHaveMissedEpochs = false;
    this.attending = undefined;
    if (!repeated) {
      this.halt(now);
      this.path.stop();
      this.epochOf = epochMembers(message);
      this.unanswered = undefined;
    }
    this.output.progress({ epoch: message.epoch, completed: this.completedNumber, received: this.receivedNumber });
  }

  /** The switches admit packets of the epoch: the controller asks how long they may be. */
  tryPath(message: TryPath, now: number): void {
    if (message.epoch === this.epoch && !this.running) this.path.ask(message.epoch, now);
  }

  resume(message: Resume, now: number): void {
    if (message.epoch !== this.epoch || this.running || this.unanswered !== undefined) return;
    if (this.numbered) this.catchUp(message.completed, now);
    else this.adopt(message.completed);
    // Older than this worker's own answer: the controller will receive that and raise the epoch again.
    if (message.completed < this.completedNumber) return;
    // A failure that was announced before is part of `completed`, unless the controller found that it could not be.
    this.aborts.clear();
    this.running = true;
    this.path.stop();
    this.adjust(message.packetValues ?? 0);
    const { ranks, bits } = this.epochOf!;
    this.engine.enterEpoch(message.epoch, bitmapOf(bits, ranks.indexOf(this.config.rank)), bitmapOf(bits));
    this.watch.progress(now);
    this.settleHead(now);
  }

  /** The controller says who is here; `expected` is empty unless it waits for workers. */
  attendance(attending: Attending): void {
    this.attending = attending.expected.length === 0 ? undefined : attending;
  }

  /** Another worker cannot finish an operation. A new epoch follows. */
  aborted(failure: Failed, now: number): void {
    this.disputes.compare(failure);
    const own = this.queue.find(({ number }) => number === failure.operation);
    if (own !== undefined && difference(failure, own, this.config.rank) !== undefined)
      this.output.submitted({ operation: failure.operation, submission: own.batch.submission });
    const ahead = failure.operation - this.completedNumber;
    if (!this.numbered || ahead <= 0 || ahead > FAILURES_AHEAD) return;
    this.aborts.set(failure.operation, failure);
    this.settleHead(now);
  }

  /** What another worker brought to an operation that was given up because the tensors differ. */
  submitted(message: Submitted): void {
    this.disputes.compare(message);
  }

  /** Members are missing, and the controller waits for them: what they have contributed to may still be completed. */
  missing(message: Missing, now: number): void {
    this.watch.excuse(now + message.waitMs);
  }

  /** They have not returned. The caller rejects what is left. */
  membersLost(message: MembersLost, now: number): void {
    if (this.numbered) this.catchUp(message.completed, now);
  }

  receive(message: Uint8Array, now: number): Verdict {
    if (isOurs(message, this.config.job) && this.path.receive(message, now)) {
      this.engine.lastHeard = now;
      return 'probed';
    }
    const verdict = this.engine.receive(message, now);
    const head = this.queue[0];
    if (verdict === 'probed') {
      this.watch.probed(this.engine, this.config.slotBase, this.epoch, now);
      this.tell(this.situation(), now);
    }
    if (head === undefined) return verdict;
    if (verdict === 'accepted' || verdict === 'received' || verdict === 'complete') {
      this.watch.progress(now);
      if (verdict === 'complete') this.complete(head, now);
      else this.report(verdict === 'received');
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
    if (this.startable !== undefined) return now;
    const due = this.engine.refill(now);
    return this.fault === undefined ? Math.min(due, this.path.due) : now;
  }

  /**
   * Does what is due: begins the next operation, sends, retransmits, probes, aborts.
   * @returns when to call again at the latest
   */
  advance(now: number): number {
    let due = Math.min(this.disputes.advance(now), this.path.advance(now));
    let sending: number;
    do {
      const next = this.startable;
      if (next !== undefined) this.begin(next, now);
      sending = this.engine.advance(now);
    } while (this.startable !== undefined);
    due = Math.min(due, sending);
    if (this.running && this.queue.length > 0)
      due = Math.min(due, this.path.doubt(this.epoch!, this.packetValues, this.watch.progressedAt, now));
    const { fault } = this;
    if (fault !== undefined) {
      this.cancel(this.queue[0]!, fault, now);
      return now;
    }
    const situation = this.situation();
    if (situation !== undefined) {
      const verdict = this.watch.check(situation, now);
      if (typeof verdict === 'number') {
        this.tell(situation, now);
        due = Math.min(due, verdict, this.watch.noticeDue(situation, now));
      } else {
        if (verdict instanceof ShapeMismatchError) this.refused(situation.operation, verdict, now);
        else this.cancel(situation.operation, verdict, now);
        return now;
      }
    }
    return due;
  }

  /** That of the first call that has no answer yet. */
  private situation(): Situation | undefined {
    const operation = this.queue.find(({ failure }) => failure === undefined);
    if (operation === undefined) return undefined;
    const { engine, running, epochOf, config, attending } = this;
    const { number: epoch, ranks: members = [], bits = [] } = epochOf ?? {};
    return { engine, operation, running, epoch, members, bits, config, attending };
  }

  private tell(situation: Situation | undefined, now: number): void {
    const waiting = situation && this.watch.notice(situation, now);
    if (waiting !== undefined) this.output.waiting(waiting);
  }

  /** What the first call has found in its input that it cannot be finished with. */
  private get fault(): WorkerError | undefined {
    const head = this.queue[0];
    return head?.failure === undefined ? head?.batch.fault : undefined;
  }

  private started(operation: Operation): boolean {
    return operation.starts > 0 && operation.epoch === this.epoch;
  }

  /** The call to begin now: the first, or the one after it while the first is nothing but its commit. */
  private get startable(): Operation | undefined {
    const [first, second] = this.queue;
    if (!this.running || first === undefined) return undefined;
    if (!this.started(first)) return first;
    const waits =
      second !== undefined &&
      second.failure === undefined &&
      !this.started(second) &&
      !this.aborts.has(second.number!) &&
      this.engine.canFollow(second.batch);
    return waits ? second : undefined;
  }

  private begin(operation: Operation, now: number): void {
    const { number: epoch, ranks, missing } = this.epochOf!;
    operation.begin({ epoch, ranks, jobWorkers: this.config.workers, missing, packetValues: this.packetValues }, now);
    this.watch.progress(now);
    try {
      this.engine.start(operation.number!, operation.batch, operation.counters);
      if (this.engine.received) this.receivedNumber = operation.number!;
    } catch (error) {
      this.cancel(operation, error as WorkerError, now);
    }
  }

  private complete(operation: Operation, now: number): void {
    const total = this.engine.dataChunks(operation.batch) + 1;
    this.queue.shift();
    this.pass(operation.number!);
    // The next one may have come as far while this one's commit was on its way.
    if (this.engine.received) this.receivedNumber = this.queue[0]!.number!;
    operation.succeed(total, this.rto.roundTripMs, now);
    operation.report(total, total);
    this.settleHead(now);
  }

  /** Results of the operation that sends have arrived: of the first call, or of the second if the first is committing. */
  private report(received: boolean): void {
    const [first, second] = this.queue;
    const sending = second !== undefined && this.started(second) ? second : first!;
    if (received) this.receivedNumber = sending.number!;
    const { done, total } = this.engine.progress;
    sending.report(done, total);
  }

  /** A call that is over before it is the first must not go on behind the first one's commit. */
  private withdraw(operation: Operation): void {
    if (this.queue[0] !== operation) this.engine.retreat(operation.number!);
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
    if (abort === undefined) this.announce(head, failure!);
    else {
      const error = this.abortError(abort, head);
      if (error instanceof ShapeMismatchError && error.difference === undefined)
        this.disputes.begin(head, error, this.config.rank, now);
      else head.fail(error);
    }
  }

  private announce(operation: Operation, failure: WorkerError): void {
    this.unanswered = failedMessage(operation, failure);
    this.output.failed(this.unanswered);
  }

  /** The switch has refused the tensors of the operation that runs: the others are told at once. */
  private refused(operation: Operation, error: ShapeMismatchError, now: number): void {
    this.queue.shift();
    this.halt(now);
    this.pass(operation.number!);
    this.disputes.begin(operation, error, this.config.rank, now);
    this.announce(operation, error);
  }

  /**
   * Callers need not wait for a new epoch to learn that their operation was aborted; the number is
   * used up only when the controller confirms it.
   */
  private rejectAborted(): void {
    for (const operation of this.queue) {
      const abort = operation.number === undefined ? undefined : this.aborts.get(operation.number);
      if (abort !== undefined) operation.fail(this.abortError(abort, operation));
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
    while (this.queue[0] !== undefined && this.queue[0].number! <= target) {
      const operation = this.queue.shift()!;
      const abort = this.aborts.get(operation.number!);
      operation.fail(
        abort === undefined ? passedError(this.config.rank, operation.number!) : this.abortError(abort, operation),
      );
      this.pass(operation.number!);
    }
    for (const [number, abort] of this.aborts) if (number <= target) this.lost.set(number, abort);
    this.completedNumber = this.receivedNumber = Math.max(this.completedNumber, target);
  }

  /** `number` is used up. */
  private pass(number: number): void {
    this.completedNumber = this.receivedNumber = number;
    this.aborts.delete(number);
  }

  /** Another size of the chunks, for all members of the epoch. @param packetValues 0: that of the build */
  private adjust(packetValues: number): void {
    const { valuesPerPacket, packetSteps } = this.config;
    const values = packetValues === 0 ? valuesPerPacket : packetValues;
    if (values === this.packetValues) return;
    const steps = packetSteps?.filter((step) => step <= values);
    this.engine = this.engineFor({
      ...this.config,
      valuesPerPacket: values,
      ...(steps !== undefined && { packetSteps: steps }),
    });
  }

  private engineFor(config: Readonly<MemberConfig>): AllreduceEngine {
    return new AllreduceEngine(config, this.rto, this.output.transmit);
  }

  private probeFor({ job, rank, valuesPerPacket, packetSteps }: Readonly<MemberConfig>): PathProbe {
    return new PathProbe({ job, rank, steps: packetSteps ?? [valuesPerPacket] }, this.output);
  }

  private halt(now: number): void {
    this.engine.stop();
    this.running = false;
    this.watch.halted(now);
  }

  private abortError(failure: Failed, operation: Operation): WorkerError {
    return abortError(failure, operation, this.config.rank);
  }
}
