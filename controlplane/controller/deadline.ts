/** One time limit, after which something is done; a new one replaces it. It keeps no process alive. */
export class Deadline {
  private timer: NodeJS.Timeout | undefined;
  private until = 0;

  start(milliseconds: number, expired: () => void): void {
    this.stop();
    this.until = performance.now() + milliseconds;
    this.timer = setTimeout(expired, milliseconds);
    this.timer.unref();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Whole milliseconds until the limit that was started last; 0 when it has passed. */
  get remainingMs(): number {
    return Math.max(0, Math.round(this.until - performance.now()));
  }
}
