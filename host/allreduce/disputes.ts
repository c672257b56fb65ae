/**
 * Operations that were given up because the workers' tensors differ. Whoever's contribution the switch refused tells
 * the others at once, through the controller, with what it brought; the first that brought something else answers with
 * that. So every worker learns of both sides, and can name the first tensor that differs.
 */
import { firstDifference, type Submission } from '../../protocol/submission.js';
import { AbortedError, ShapeMismatchError, type WorkerError } from '../errors.js';
import type { Failed } from '../session/messages.js';
import type { Operation } from './operation.js';

/** How long a caller waits for the other side. */
const PATIENCE_MS = 2000;

/** Another worker's side; older ones do not say what they brought. */
interface OtherSide {
  readonly operation: number;
  readonly submission?: Submission | undefined;
  readonly rank?: number | undefined;
}

/** An operation that is given up already, and whose caller has yet to be told. */
class Dispute {
  /** When the caller is told without the other side. */
  readonly until: number;

  constructor(
    readonly operation: Operation,
    private readonly error: ShapeMismatchError,
    private readonly rank: number,
    now: number,
  ) {
    this.until = now + PATIENCE_MS;
  }

  /** @returns whether that was the other side; the caller has then been told */
  compare(other: OtherSide): boolean {
    const { operation, rank } = this;
    if (operation.number !== other.operation) return false;
    const how = difference(other, operation, rank);
    if (how === undefined) return false;
    const message = `operation ${other.operation} cannot be finished, because the workers' tensors differ: ${how}`;
    operation.fail(new ShapeMismatchError(message, operation.batch.lengths, this.error.others, how));
    return true;
  }

  /** Tells the caller what is known. */
  close(error: WorkerError = this.error): void {
    this.operation.fail(error);
  }
}

/** A member's disputed operation, if it has one. */
export class Disputes {
  private current: Dispute | undefined;

  /** Callers that have not been told yet. */
  get pending(): number {
    return this.current === undefined ? 0 : 1;
  }

  /** The caller of `operation`, which is given up, is told when another worker has said what it brought, or in time. */
  begin(operation: Operation, error: ShapeMismatchError, rank: number, now: number): void {
    this.end();
    operation.giveUp();
    this.current = new Dispute(operation, error, rank, now);
  }

  /** @param other its side of an operation that this worker may have given up */
  compare(other: OtherSide): void {
    if (this.current?.compare(other)) this.current = undefined;
  }

  /** Its caller has cancelled it. */
  cancel(operation: Operation, error: WorkerError): void {
    if (this.current?.operation === operation) this.end(error);
  }

  /** @returns when to call again at the latest */
  advance(now: number): number {
    if (this.current !== undefined && now >= this.current.until) this.end();
    return this.current?.until ?? Infinity;
  }

  end(error?: WorkerError): void {
    this.current?.close(error);
    this.current = undefined;
  }
}

/** The first thing in which another worker's tensors differ from those of `operation`; undefined if it does not say. */
export function difference(other: OtherSide, operation: Operation, rank: number): string | undefined {
  if (other.submission === undefined) return undefined;
  const who = other.rank === undefined ? 'another worker' : `rank ${other.rank}`;
  const own = { who: `rank ${rank} (this worker)`, what: operation.batch.submission };
  return firstDifference(own, { who, what: other.submission });
}

/** Another worker's failure as the error for this worker's caller. */
export function abortError(failure: Failed, operation: Operation, rank: number): WorkerError {
  const number = failure.operation;
  if (failure.code !== 'FPISA_SHAPE_MISMATCH') {
    const text = failure.message === '' ? failure.code : failure.message;
    return new AbortedError(`operation ${number} was aborted by another worker: ${text}`);
  }
  const { batch } = operation;
  const named = difference(failure, operation, rank);
  const how = named ?? `another worker submitted ${failure.shape}; this worker submitted ${batch.describe()}`;
  return new ShapeMismatchError(
    `operation ${number} was aborted because the workers' tensors differ: ${how}`,
    batch.lengths,
    failure.shape,
    named,
  );
}

/** A worker's own failure, for the controller and the others. */
export function failedMessage(operation: Operation, failure: WorkerError): Failed {
  const { batch } = operation;
  return {
    operation: operation.number!,
    code: failure.code,
    message: failure.message,
    shape: batch.describe(),
    ...(failure instanceof ShapeMismatchError && { submission: batch.submission }),
  };
}
