/** How fast the systems are when each worker may use a share of a processor only: the rest is the training's. */
import { limitCpu } from './cpu-limit.js';
import type { System } from './load.js';
import type { AllreduceReport } from './report.js';
import { measured, type Rounds } from './samples.js';

export interface CpuOptions {
  readonly shares: readonly number[];
  readonly workers: number;
  readonly bytes: number;
  readonly repeats: number;
}

/** Without a limit, until all workers have started: a size that is not reported. */
const STARTING_BYTES = 4;

export async function measureCpuLimits(
  systems: readonly System[],
  { shares, workers, bytes, repeats }: CpuOptions,
  rounds: Rounds,
): Promise<NonNullable<AllreduceReport['cpuLimits']>> {
  const limiter = limitCpu(workers);
  try {
    const [, ...runs] = await measured(
      systems,
      {
        placement: limiter.placement,
        workers,
        sizes: [STARTING_BYTES, ...shares.map(() => bytes)],
        repeats,
        // The next size's first repetition, which is not measured, may begin a little before its limit.
        onResult: (done) => limiter.limit(shares[done - 1]),
      },
      `${workers} workers with limited processors`,
      rounds,
    );
    return {
      by: limiter.by,
      bytes,
      workers,
      runs: runs.map(({ seconds }, i) => ({
        share: shares[i]!,
        bytesPerSecond: Object.fromEntries(Object.entries(seconds).map(([name, each]) => [name, bytes / each])),
      })),
    };
  } finally {
    await limiter.dispose();
  }
}
