import type { Failed } from '../session/messages.js';
import { FAILURES_AHEAD } from './member-config.js';

/** Other workers' failures, by operation number. */
export class FailuresElsewhere {
  /** Of operations whose number is not used up yet. */
  private readonly pending = new Map<number, Failed>();
  /** Of numbers that were used up before this worker made the corresponding call. */
  private readonly missed = new Map<number, Failed>();

  /** @param completed last number that is used up. @returns false for an operation that cannot be in progress anywhere */
  add(failure: Failed, completed: number): boolean {
    const ahead = failure.operation - completed;
    if (ahead <= 0 || ahead > FAILURES_AHEAD) return false;
    this.pending.set(failure.operation, failure);
    return true;
  }

  of(operation: number | undefined): Failed | undefined {
    return operation === undefined ? undefined : this.pending.get(operation);
  }

  /** That of a number that this worker calls late. */
  takeMissed(operation: number): Failed | undefined {
    const failure = this.missed.get(operation);
    this.missed.delete(operation);
    return failure;
  }

  /** The number is used up. */
  pass(operation: number): void {
    this.pending.delete(operation);
  }

  /** All numbers up to this one are used up, without calls of this worker. */
  skip(operation: number): void {
    for (const [number, failure] of this.pending) if (number <= operation) this.missed.set(number, failure);
  }

  /** What was announced is part of where the job stands now, or was void. */
  clear(): void {
    this.pending.clear();
  }
}
