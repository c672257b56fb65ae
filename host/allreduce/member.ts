/**
 * A worker's membership in its job: follows the epochs, and decides which operation is complete, begins again or is
 * lost (docs/protocol.md, "Epochs"). A pure state machine around
 * {@link AllreduceEngine}: input and the time are arguments, output goes to {@link MemberOutput}.
 *
 * Invariants
 * - While `running`, the operation at the head of the queue has the number `completed + 1`.
 * - Between the answer to a Membership and its Resume neither `completed` nor `received` changes, since
 *   the controller relies on the answer.
 */
import { type WorkerError, ShapeMismatchError } from '../errors.js';
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
import { Calls } from './calls.js';
import type { AllreduceEngine } from './engine.js';
import type { Verdict } from './engine-types.js';
import type { MemberConfig, MemberOutput } from './member-config.js';
import type { Operation } from './operation.js';
import { uint16 } from '../../net/big-endian.js';
import { Traffic } from './traffic.js';
import { RetransmissionTimeout } from '../transport/rto.js';
import { type EpochMembership, epochMembers } from './epoch-members.js';
import { bitmapOf, type Situation, StallWatch } from './stall.js';
import type { Attending } from './waiting.js';

export class Member {
  private traffic: Traffic;
  private readonly rto: RetransmissionTimeout;
  private readonly watch: StallWatch;
  private readonly calls: Calls;
  private epochOf: EpochMembership | undefined;
  private running = false;
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
    this.calls = new Calls(config.rank);
    this.rto = new RetransmissionTimeout(config.rto);
    this.traffic = new Traffic(config, this.rto, output);
    this.watch = new StallWatch(config.patience, now);
  }

  private get engine(): AllreduceEngine {
    return this.traffic.engine;
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
    return this.calls.completed;
  }

  /** Values of a whole chunk in the current epoch. */
  get packetValues(): number {
    return this.traffic.packetValues;
  }

  /** Calls that have not been resolved or rejected yet. */
  get pending(): number {
    return this.calls.pending + this.disputes.pending;
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
      this.calls.forgetReceived();
      this.config = config;
      this.traffic = new Traffic(config, this.rto, this.output);
    }
    if (this.unanswered !== undefined) this.output.failed(this.unanswered);
  }

  /** The session broke. An operation in progress continues: the switch does not need the controller. */
  disconnected(now: number): void {
    this.watch.controller(false, now);
  }

  /** Queues a call. Its callbacks may be called before this returns. */
  submit(operation: Operation, now: number): void {
    if (this.calls.first === undefined) this.watch.progress(now);
    if (this.calls.add(operation)) this.settleHead(now);
  }

  /** Aborts a call; the other workers are told when its number is at the head of the queue. */
  cancel(operation: Operation, error: WorkerError, now: number): void {
    this.disputes.cancel(operation, error);
    if (!this.calls.has(operation)) return;
    this.withdraw(operation);
    operation.fail(error);
    this.settleHead(now);
  }

  /** What a worker reports to the controller before it leaves: others may still wait for a result that it has. */
  farewell(): Progress | undefined {
    if (this.epoch === undefined || !this.calls.numbered) return undefined;
    return { epoch: this.epoch, ...this.calls.position };
  }

  /** Rejects every call. The caller leaves the job, so that the others continue without this worker. */
  close(error: WorkerError): void {
    this.engine.stop();
    this.traffic.stopProbing();
    this.running = false;
    this.disputes.end();
    this.calls.failAll(error);
  }

  membership(message: Membership, now: number): void {
    const repeated = message.epoch === this.epoch && (this.running || this.unanswered !== undefined);
    const skipped = this.epoch !== undefined && message.epoch > this.epoch + 1;
    if (this.mayHaveMissedEpochs && skipped) {
      // The others may have repeated the operation without this worker, so its sum may not be theirs.
      this.calls.forgetReceived();
    }
    this.mayHaveMissedEpochs = false;
    this.attending = undefined;
    if (!repeated) {
      this.halt(now);
      this.traffic.stopProbing();
      this.epochOf = epochMembers(message);
      this.unanswered = undefined;
    }
    this.output.progress({ epoch: message.epoch, ...this.calls.position });
  }

  /** The switches admit packets of the epoch: the controller asks how long they may be. */
  tryPath(message: TryPath, now: number): void {
    if (message.epoch === this.epoch && !this.running) this.traffic.tryPath(message.epoch, now);
  }

  resume(message: Resume, now: number): void {
    if (message.epoch !== this.epoch || this.running || this.unanswered !== undefined) return;
    if (this.calls.numbered) this.catchUp(message.completed, now);
    else this.calls.adopt(message.completed);
    // Older than this worker's own answer: the controller will receive that and raise the epoch again.
    if (message.completed < this.calls.completed) return;
    // A failure that was announced before is part of `completed`, unless the controller found that it could not be.
    this.calls.clearAborted();
    this.running = true;
    this.traffic.begin(message.packetValues ?? 0);
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
    const own = this.calls.find(failure.operation);
    if (own !== undefined && difference(failure, own, this.config.rank) !== undefined)
      this.output.submitted({ operation: failure.operation, submission: own.batch.submission });
    if (this.calls.aborted(failure)) this.settleHead(now);
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
    if (this.calls.numbered) this.catchUp(message.completed, now);
  }

  receive(message: Uint8Array, now: number): Verdict {
    const verdict = this.traffic.receive(message, now);
    if (verdict === 'path') return 'probed';
    const head = this.calls.first;
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
    const due = this.traffic.refill(now);
    return this.calls.faultOfFirst === undefined ? due : now;
  }

  /**
   * Does what is due: begins the next operation, sends, retransmits, probes, aborts.
   * @returns when to call again at the latest
   */
  advance(now: number): number {
    let due = Math.min(this.disputes.advance(now), this.traffic.advanceProbes(now));
    let sendAt: number;
    do {
      const next = this.startable;
      if (next !== undefined) this.begin(next, now);
      sendAt = this.engine.advance(now);
    } while (this.startable !== undefined);
    due = Math.min(due, sendAt);
    if (this.running && this.calls.first !== undefined)
      due = Math.min(due, this.traffic.doubt(this.epoch!, this.watch.progressedAt, now));
    const fault = this.calls.faultOfFirst;
    if (fault !== undefined) {
      this.cancel(this.calls.first!, fault, now);
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
    const operation = this.calls.firstUnanswered;
    if (operation === undefined) return undefined;
    const { engine, running, epochOf, config, attending } = this;
    const { number: epoch, ranks: members = [], bits = [] } = epochOf ?? {};
    return { engine, operation, running, epoch, members, bits, config, attending };
  }

  private tell(situation: Situation | undefined, now: number): void {
    const waiting = situation && this.watch.notice(situation, now);
    if (waiting !== undefined) this.output.waiting(waiting);
  }

  private get startable(): Operation | undefined {
    return this.running ? this.calls.startable(this.epoch, this.engine) : undefined;
  }

  private begin(operation: Operation, now: number): void {
    const { number: epoch, ranks, missing } = this.epochOf!;
    operation.begin({ epoch, ranks, jobWorkers: this.config.workers, missing, packetValues: this.packetValues }, now);
    this.watch.progress(now);
    try {
      this.engine.start(operation.number!, operation.batch, operation.counters);
      if (this.engine.received) this.calls.received(operation.number!);
    } catch (error) {
      this.cancel(operation, error as WorkerError, now);
    }
  }

  private complete(operation: Operation, now: number): void {
    const total = this.engine.dataChunks(operation.batch) + 1;
    this.calls.pass();
    // The next one may have come as far while this one's commit was on its way.
    if (this.engine.received) this.calls.received(this.calls.first!.number!);
    operation.succeed(total, this.rto.roundTripMs, now);
    operation.report(total, total);
    this.settleHead(now);
  }

  /** Results of the operation that sends have arrived: of the first call, or of the second if the first is committing. */
  private report(received: boolean): void {
    const operation = this.calls.sending(this.epoch);
    if (received) this.calls.received(operation.number!);
    const { done, total } = this.engine.progress;
    operation.report(done, total);
  }

  /** A call that is over before it is the first must not go on behind the first one's commit. */
  private withdraw(operation: Operation): void {
    if (this.calls.first !== operation) this.engine.retreat(operation.number!);
  }

  /** Deals with an operation at the head of the queue that has failed, here or elsewhere. */
  private settleHead(now: number): void {
    const head = this.calls.first;
    if (head === undefined || !this.running) {
      this.calls.rejectAborted();
      return;
    }
    const abort = this.calls.abortOf(head);
    if (head.failure === undefined && abort === undefined) return;
    this.halt(now);
    const { failure } = this.calls.pass();
    if (abort === undefined) this.announce(head, failure!);
    else {
      const error = abortError(abort, head, this.config.rank);
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
    this.halt(now);
    this.calls.pass();
    this.disputes.begin(operation, error, this.config.rank, now);
    this.announce(operation, error);
  }

  /** The job has completed operation `target`, which may be ahead of this worker. */
  private catchUp(target: number, now: number): void {
    this.calls.catchUp(target, (operation) => {
      operation.succeed(this.engine.dataChunks(operation.batch) + 1, this.rto.roundTripMs, now);
    });
  }

  private halt(now: number): void {
    this.engine.stop();
    this.running = false;
    this.watch.halted(now);
  }
}
