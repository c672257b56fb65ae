/** The lines that `fpisa allreduce --json --events` prints: one JSON object each. */
import type { AllreduceStats } from '../../host/index.js';

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
  | {
      readonly event: 'done';
      readonly ok: true;
      readonly job: string;
      readonly rank: number;
      readonly tensors: readonly TensorResult[];
    };
