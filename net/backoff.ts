/** Growing pauses between attempts, with jitter so that many clients of one server do not return in step. */
export class Backoff {
  private attempts = 0;

  /** @param firstMs and @param mostMs bounds of the pause in milliseconds */
  constructor(
    private readonly firstMs: number,
    private readonly mostMs: number,
    private readonly random: () => number = Math.random,
  ) {}

  /** Milliseconds to wait before the next attempt: between half and all of a bound that doubles each time. */
  next(): number {
    const bound = Math.min(this.mostMs, this.firstMs * 2 ** Math.min(this.attempts++, 30));
    return bound * (0.5 + this.random() / 2);
  }

  /** After an attempt that succeeded. */
  reset(): void {
    this.attempts = 0;
  }
}
