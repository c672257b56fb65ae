/** A flood of equal reports is one report and a count. */

/** How long equal ones are counted before their number is reported. */
const WINDOW_MS = 10_000;
/** Reports that differ each time are not worth the memory. */
const MAX_KEYS = 256;

interface Repeated<T> {
  readonly item: T;
  more: number;
  readonly timer: NodeJS.Timeout;
}

export class Repetitions<T> {
  private readonly seen = new Map<string, Repeated<T>>();
  private readonly flush = (): void => {
    for (const key of this.seen.keys()) this.close(key);
  };

  /** @param report is told how often `item` came again within a window; not called for those that came once */
  constructor(
    private readonly report: (item: T, more: number) => void,
    private readonly windowMs: number = WINDOW_MS,
  ) {
    process.once('exit', this.flush);
  }

  /** Whether it is to be reported now: no equal one was in the last window. */
  isFirst(key: string, item: T): boolean {
    const known = this.seen.get(key);
    if (known !== undefined) {
      known.more++;
      return false;
    }
    if (this.seen.size >= MAX_KEYS) return true;
    const timer = setTimeout(() => this.next(key), this.windowMs);
    timer.unref();
    this.seen.set(key, { item, more: 0, timer });
    return true;
  }

  private next(key: string): void {
    const { item, more } = this.seen.get(key)!;
    this.close(key);
    // It goes on: the next ones are counted, too.
    if (more > 0) this.isFirst(key, item);
  }

  private close(key: string): void {
    const { item, more, timer } = this.seen.get(key)!;
    clearTimeout(timer);
    this.seen.delete(key);
    if (more > 0) this.report(item, more);
  }
}
