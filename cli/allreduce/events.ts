/** The lines that `fpisa allreduce --json --events` prints: one JSON object each. */
import type { AllreduceStats, Waiting } from '../../host/index.js';

/** What one operation reduced. */
export interface TensorResult extends AllreduceStats {
  readonly file: string;
  /** Names of the tensors in the operation. */
  readonly tensors: readonly string[];
}

/** A line of `--events`; the last one is also what `--json` prints. */
export type AllreduceEvent =
  | { readonly event: 'joined'; readonly job: string; readonly rank: number }
  /** Share of all operations that is done, 0 to 1. */
  | { readonly event: 'progress'; readonly share: number; readonly retransmissions: number }
  /** It has waited for two seconds, and for whom; again when that changes. */
  | ({ readonly event: 'waiting' } & Waiting)
  /** What concerns all workers of the job: one that was refused, and why. */
  | { readonly event: 'notice'; readonly message: string }
  | {
      readonly event: 'done';
      readonly ok: true;
      readonly job: string;
      readonly rank: number;
      readonly tensors: readonly TensorResult[];
    };
