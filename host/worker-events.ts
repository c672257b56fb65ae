import type { AllreduceStats, MissingRank, Waiting } from './allreduce/index.js';
import type { WorkerError } from './errors.js';

/** What a worker tells its program besides the results of its calls. */
export interface WorkerEvents {
  /** A new epoch is prepared; operations wait. */
  membership: [{ epoch: number; ranks: readonly number[]; reason: string }];
  /** The epoch runs. */
  resumed: [{ epoch: number; ranks: readonly number[]; completed: number }];
  /** Members were lost or have left, and the job waits for them; `reason` is a sentence. */
  missing: [{ ranks: readonly MissingRank[]; waitMs: number; reason: string }];
  /** A sum does not contain all of the job's workers: `partial` is the sentence that says so. */
  partial: [stats: AllreduceStats & { partial: string }];
  /** The connection to the controller broke; operations continue, and the worker reconnects. */
  disconnected: [reason: string];
  reconnected: [];
  /** An operation has waited for two seconds, and for whom; again when that changes. */
  waiting: [Waiting];
  /** The controller says something about the job that concerns all: which worker it refused, and why. */
  notice: [message: string];
  /** The worker is no longer a member. The error is undefined after leave() and close(). */
  closed: [error: WorkerError | undefined];
}

export type EmitWorkerEvent = <Name extends keyof WorkerEvents>(name: Name, ...args: WorkerEvents[Name]) => void;
