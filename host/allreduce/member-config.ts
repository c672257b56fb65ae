/** What a member is given, and where its output goes. */
import type { RtoBounds } from '../transport/rto.js';
import type { Failed, Path, Progress, Submitted } from '../session/messages.js';
import type { EngineConfig, Transmit } from './engine-types.js';
import type { Patience, ReportedWorker } from './stall.js';
import type { Waiting } from './waiting.js';

/** Operation numbers are a field of 32 bits. */
export const MAX_OPERATION = 2 ** 32 - 1;
/**
 * A member that another one may be ahead of by one operation hears of the failure of the next: other numbers
 * cannot be in progress anywhere.
 */
export const FAILURES_AHEAD = 2;

export interface MemberOutput {
  /** A packet for the switch. */
  readonly transmit: Transmit;
  /** An answer for the controller. */
  progress(message: Progress): void;
  failed(message: Failed): void;
  /** The other side of another worker's mismatch. */
  submitted(message: Submitted): void;
  /** What the way to the switch and back carries. */
  path(message: Path): void;
  /** For the caller: an operation has waited for some time. */
  waiting(waiting: Waiting): void;
}

export interface MemberConfig extends EngineConfig, ReportedWorker {
  /** Workers that the job was created with. */
  workers: number;
  rto: RtoBounds;
  patience: Patience;
  /** First slot of the job in the switch's pool. */
  slotBase: number;
}
