/**
 * The calls of a worker that are not over yet, in their order, and their numbers in the job: which are complete, which
 * the job has used up without this worker, and which other workers have given up.
 *
 * `completed ≤ received ≤ completed + 1`, unless both were set by a Resume.
 */
import { MembershipError, type WorkerError } from '../errors.js';
import type { Failed } from '../session/messages.js';
import { abortError } from './disputes.js';
import type { AllreduceEngine } from './engine.js';
import { passedError } from './epoch-members.js';
import { FailuresElsewhere } from './failures-elsewhere.js';
import { MAX_OPERATION } from './member-config.js';
import type { Operation } from './operation.js';

/** Whether it sends, or has sent, in `epoch`. */
function hasStarted(operation: Operation, epoch: number | undefined): boolean {
  return operation.starts > 0 && operation.epoch === epoch;
}

export class Calls {
  private readonly queue: Operation[] = [];
  private readonly failures = new FailuresElsewhere();
  /** Set by the first Resume: from then on, calls are numbered. */
  private isNumbered = false;
  private lastNumber = 0;
  private completedNumber = 0;
  private receivedNumber = 0;

  /** @param rank of this worker */
  constructor(private readonly rank: number) {}

  get numbered(): boolean {
    return this.isNumbered;
  }

  /** The last operation that is complete here, and the last one all of whose results are. */
  get position(): { readonly completed: number; readonly received: number } {
    return { completed: this.completedNumber, received: this.receivedNumber };
  }

  get completed(): number {
    return this.completedNumber;
  }

  get first(): Operation | undefined {
    return this.queue[0];
  }

  /** How many have no answer yet. */
  get pending(): number {
    return this.queue.filter(({ failure }) => failure === undefined).length;
  }

  /** The first that has no answer yet. */
  get firstUnanswered(): Operation | undefined {
    return this.queue.find(({ failure }) => failure === undefined);
  }

  /** What the first call has found in its input that it cannot be finished with. */
  get faultOfFirst(): WorkerError | undefined {
    const { first } = this;
    return first?.failure === undefined ? first?.batch.fault : undefined;
  }

  /** The call to begin now: the first, or the one after it while the first is nothing but its commit. */
  startable(epoch: number | undefined, engine: AllreduceEngine): Operation | undefined {
    const [first, second] = this.queue;
    if (first === undefined || !hasStarted(first, epoch)) return first;
    const waits =
      second !== undefined &&
      second.failure === undefined &&
      !hasStarted(second, epoch) &&
      this.failures.of(second.number) === undefined &&
      engine.canFollow(second.batch);
    return waits ? second : undefined;
  }

  /** The call whose results arrive: the second if the first is nothing but its commit. */
  sending(epoch: number | undefined): Operation {
    const [first, second] = this.queue;
    return second !== undefined && hasStarted(second, epoch) ? second : first!;
  }

  has(operation: Operation): boolean {
    return this.queue.includes(operation);
  }

  find(number: number): Operation | undefined {
    return this.queue.find((operation) => operation.number === number);
  }

  /** @returns false if it has failed at once: its number is used up, or there is none left */
  add(operation: Operation): boolean {
    if (this.isNumbered) {
      if (this.lastNumber === MAX_OPERATION) {
        operation.fail(new MembershipError(`the job has used up its ${MAX_OPERATION} operations: create it again`));
        return false;
      }
      operation.number = ++this.lastNumber;
      if (operation.number <= this.completedNumber) {
        this.failPassed(operation, this.failures.takeMissed(operation.number));
        return false;
      }
    }
    this.queue.push(operation);
    return true;
  }

  failAll(error: WorkerError): void {
    for (const operation of this.queue.splice(0)) operation.fail(error);
  }

  /** All results of operation `number` are here. */
  received(number: number): void {
    this.receivedNumber = number;
  }

  /** Results of an operation that is not complete count for nothing. */
  forgetReceived(): void {
    this.receivedNumber = this.completedNumber;
  }

  /** The first call's number is used up. @returns that call */
  pass(): Operation {
    const operation = this.queue.shift()!;
    this.usedUp(operation.number!);
    return operation;
  }

  /** The first Resume: the job's numbering becomes this worker's. */
  adopt(completed: number): void {
    this.isNumbered = true;
    this.completedNumber = this.receivedNumber = this.lastNumber = completed;
    for (const operation of this.queue) operation.number = ++this.lastNumber;
  }

  /**
   * The job has completed operation `target`, which may be ahead of this worker.
   * @param succeed for the first call, if all of its results are here
   */
  catchUp(target: number, succeed: (operation: Operation) => void): void {
    const { first } = this;
    if (
      first !== undefined &&
      first.number === this.receivedNumber &&
      first.number > this.completedNumber &&
      target >= first.number
    ) {
      // The commit's result was lost, but another worker has it: all workers hold all results.
      this.pass();
      if (first.failure === undefined) succeed(first);
    }
    while (this.queue[0] !== undefined && this.queue[0].number! <= target) {
      const operation = this.queue.shift()!;
      this.failPassed(operation, this.failures.of(operation.number));
      this.usedUp(operation.number!);
    }
    this.failures.skip(target);
    this.completedNumber = this.receivedNumber = Math.max(this.completedNumber, target);
  }

  /** Another worker cannot finish an operation. @returns whether that can be in progress anywhere */
  aborted(failure: Failed): boolean {
    return this.isNumbered && this.failures.add(failure, this.completedNumber);
  }

  /** Another worker's failure to finish the operation. */
  abortOf(operation: Operation): Failed | undefined {
    return this.failures.of(operation.number);
  }

  /** What other workers announced is part of where the job stands now, or was void. */
  clearAborted(): void {
    this.failures.clear();
  }

  /**
   * Callers need not wait for a new epoch to learn that their operation was aborted; the number is
   * used up only when the controller confirms it.
   */
  rejectAborted(): void {
    for (const operation of this.queue) {
      const abort = this.abortOf(operation);
      if (abort !== undefined) operation.fail(abortError(abort, operation, this.rank));
    }
  }

  private failPassed(operation: Operation, reason: Failed | undefined): void {
    operation.fail(
      reason === undefined ? passedError(this.rank, operation.number!) : abortError(reason, operation, this.rank),
    );
  }

  private usedUp(number: number): void {
    this.completedNumber = this.receivedNumber = number;
    this.failures.pass(number);
  }
}
