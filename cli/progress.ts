/** Progress bars on standard error, for people at a terminal only. */
import { Presets, SingleBar } from 'cli-progress';

export interface ProgressBar {
  /** @param share of the work that is done, 0 to 1 */
  update(share: number): void;
  stop(): void;
}

const STEPS = 1000;

/** @param quiet no bar, for example because output is JSON */
export function progressBar(label: string, quiet: boolean): ProgressBar {
  if (quiet || !process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    {
      format: `${label} {bar} {percentage}% {duration_formatted}`,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
    },
    Presets.shades_classic,
  );
  bar.start(STEPS, 0);
  return { update: (share) => bar.update(Math.round(share * STEPS)), stop: () => bar.stop() };
}
