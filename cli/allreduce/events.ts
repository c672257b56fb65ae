/** The lines that `fpisa allreduce --json --events` prints: one JSON object each. */
import type { AllreduceStats, MissingRank, Waiting } from '../../host/index.js';

/** What one operation reduced. */
export interface TensorResult extends AllreduceStats {
  readonly file: string;
  /** Names of the tensors in the operation. */
  readonly tensors: readonly string[];
}

/** A line of `--events`; the last one is also what `--json` prints. */
export type AllreduceEvent =
  /** `transport`: the way that packets will take, and why not a faster one. */
  | { readonly event: 'joined'; readonly job: string; readonly rank: number; readonly transport: string }
  /** Members were lost or have left, and the job waits for them. */
  | { readonly event: 'missing'; readonly ranks: readonly MissingRank[]; readonly waitMs: number }
  /** A sum does not contain all of the job's workers. */
  | {
      readonly event: 'partial';
      readonly operation: number;
      readonly workers: number;
      readonly jobWorkers: number;
      readonly missing: readonly MissingRank[];
      readonly message: string;
    }
  /** Share of all operations that is done, 0 to 1. */
  | { readonly event: 'progress'; readonly share: number; readonly retransmissions: number }
  /** It has waited for two seconds, and for whom; again when that changes. */
  | ({ readonly event: 'waiting' } & Waiting)
  /** What concerns all workers of the job: one that was refused, and why. */
  | { readonly event: 'notice'; readonly message: string }
  | {
      readonly event: 'done';
      readonly ok: true;
      /** Of sums that do not contain all workers, in a sentence; absent if all do. */
      readonly partial?: string;
      readonly job: string;
      readonly rank: number;
      /** The way that packets took. */
      readonly transport: string;
      readonly tensors: readonly TensorResult[];
    };
