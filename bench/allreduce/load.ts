/** What every system is given, and what it answers. */
import type { Placement } from './placement.js';

/** What one system did with one size: for every repetition the time of the slowest worker. */
export interface SizeResult {
  readonly bytes: number;
  readonly seconds: readonly number[];
  /** Of all workers, for all repetitions. */
  readonly cpuSeconds: number;
}

export interface AllreduceLoad {
  readonly placement: Placement;
  readonly workers: number;
  /** In bytes, in their order; one may occur several times. */
  readonly sizes: readonly number[];
  /** Of each size, after one that is not measured. */
  readonly repeats: number;
  /** Called when a size is done; the next one begins at once. */
  readonly onResult?: (done: number) => void;
}

export interface System {
  readonly name: string;
  /** For people, with the version. */
  readonly version: string;
  /** Whether its bytes cross the network, so that it can be measured on links. */
  readonly isNetworked: boolean;
  run(load: AllreduceLoad): Promise<readonly SizeResult[]>;
}

/** What was left out, and why. */
export interface Absent {
  readonly name: string;
  readonly reason: string;
}
