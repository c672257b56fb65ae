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
  /** Of each size, after some that are not measured ({@link warmUps}). */
  readonly repeats: number;
  /** Called when a size is done; the next one begins at once. */
  readonly onResult?: (done: number) => void;
}

/** Bytes, and operations at most, that are summed before a size is measured; at least one operation. */
const WARM_UP_BYTES = 2 ** 24;
const MOST_WARM_UPS = 50;

/** Operations that every system does before those that are measured, as in a program that has run for a while. */
export function warmUps(bytes: number): number {
  return Math.max(1, Math.min(MOST_WARM_UPS, Math.floor(WARM_UP_BYTES / bytes)));
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
