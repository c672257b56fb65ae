import { ControlError } from './control.js';

/**
 * The time of a switch in microseconds: since it was created, unless the caller supplied a clock. It goes back only
 * when a snapshot is restored, which also restores everything that remembers a time.
 */
export class SwitchClock {
  private readonly source: () => number;
  private readonly foreign: boolean;
  /** Added to the source's time. */
  private offset = 0;
  /** If set, the clock stands still at this time. */
  private standing: number | undefined;

  /** @param given the caller's clock, or a time to stand still at. */
  constructor(given: (() => number) | number | undefined) {
    this.foreign = typeof given === 'function';
    this.source = typeof given === 'function' ? given : sinceNow();
    if (typeof given === 'number') this.standing = given;
  }

  readonly read = (): number => this.standing ?? this.source() + this.offset;

  /** Stops the clock at this time until it is set again. @throws ControlError FAILED_PRECONDITION, INVALID_ARGUMENT */
  set(micros: number): void {
    if (this.foreign) {
      throw new ControlError(
        'FAILED_PRECONDITION',
        'this switch uses the clock of its caller (option "clock"): set that one instead',
      );
    }
    if (!Number.isFinite(micros) || micros < this.read()) {
      throw new ControlError(
        'INVALID_ARGUMENT',
        `the time can only advance from ${this.read()} microseconds, not to ${micros}`,
      );
    }
    this.standing = micros;
  }

  /** What {@link restore} needs. */
  save(): { readonly time: number; readonly standing: boolean } {
    return { time: this.read(), standing: this.standing !== undefined };
  }

  /** Continues from that time; a caller's clock is left to the caller. */
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
