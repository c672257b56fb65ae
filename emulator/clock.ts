import { ControlError } from './control.js';

/**
 * The time of a switch in microseconds: since it was made, unless its maker brought a clock. It never goes back but
 * when a snapshot is restored, which brings back all that remembers a time.
 */
export class SwitchClock {
  private readonly source: () => number;
  private readonly foreign: boolean;
  /** Added to what the source says. */
  private offset = 0;
  /** Set: the clock stands. */
  private standing: number | undefined;

  /** @param given a clock of the caller's, or a time to stand at. */
  constructor(given: (() => number) | number | undefined) {
    this.foreign = typeof given === 'function';
    this.source = typeof given === 'function' ? given : sinceNow();
    if (typeof given === 'number') this.standing = given;
  }

  readonly read = (): number => this.standing ?? this.source() + this.offset;

  /** From now on it is this time until it is set again. @throws ControlError FAILED_PRECONDITION, INVALID_ARGUMENT */
  set(micros: number): void {
    if (this.foreign) {
      throw new ControlError(
        'FAILED_PRECONDITION',
        'this switch was made with the clock of its caller (option "clock"): set that one',
      );
    }
    if (!Number.isFinite(micros) || micros < this.read()) {
      throw new ControlError(
        'INVALID_ARGUMENT',
        `the time can only go on from ${this.read()} microseconds, not to ${micros}`,
      );
    }
    this.standing = micros;
  }

  /** What {@link restore} needs. */
  save(): { readonly time: number; readonly standing: boolean } {
    return { time: this.read(), standing: this.standing !== undefined };
  }

  /** Goes on from that time; a caller's clock is the caller's own concern. */
  restore({ time, standing }: { readonly time: number; readonly standing: boolean }): void {
    if (this.foreign) return;
    this.standing = standing ? time : undefined;
    this.offset = time - this.source();
  }
}

function sinceNow(): () => number {
  const start = process.hrtime.bigint();
  return () => Number((process.hrtime.bigint() - start) / 1000n);
}
