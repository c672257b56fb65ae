/** What every system is given, and what it answers. */

/** What one system did with one size: for every repetition the time of the slowest worker. */
export interface SizeResult {
  readonly bytes: number;
  readonly seconds: readonly number[];
  /** Of all workers, for all repetitions. */
  readonly cpuSeconds: number;
}

export interface AllreduceLoad {
  readonly workers: number;
  readonly sizes: readonly number[];
  readonly repeats: number;
}
