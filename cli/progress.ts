/** Progress bars on standard error, for people at a terminal only. */
import { Presets, SingleBar } from 'cli-progress';

export interface ProgressBar {
  /** @param share of the work that is done, 0 to 1 */
  update(share: number): void;
  /** Writes a line on standard error, in the place of the bar, which comes again below it. */
  line(text: string): void;
  stop(): void;
}

const STEPS = 1000;
const CLEAR_LINE = '\r\x1b[K';

/** @param quiet no bar, for example because output is JSON */
export function progressBar(label: string, quiet: boolean): ProgressBar {
  const write = (text: string): void => void process.stderr.write(text);
  if (quiet || !process.stderr.isTTY)
    return { update: () => undefined, line: (text) => write(`${text}\n`), stop: () => undefined };
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
  return {
    update: (share) => bar.update(Math.round(share * STEPS)),
    line: (text) => write(`${CLEAR_LINE}${text}\n`),
    stop: () => bar.stop(),
  };
}
