/** The object that `fpisa query --json` prints. */
import type { QueryStatistics } from '../../query/session/statistics.js';

export interface Answer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Integers beyond 53 bits and decimals as text, so that they are exact. */
  readonly rows: readonly (readonly unknown[])[];
}

export interface AnswerMessage extends Answer {
  /** With `--verify`: whether DuckDB alone gives the same answer. */
  readonly verified?: boolean;
  /** The first difference, if it does not. */
  readonly difference?: string;
  /** Why it cannot be said: the query leaves a choice that shows in its answer. */
  readonly unverifiable?: string;
  readonly statistics: QueryStatistics;
  readonly notPushed: readonly string[];
}
