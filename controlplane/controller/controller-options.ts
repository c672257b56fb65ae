/** What a controller can be told, and its defaults. */
import type { ControllerStoppedError } from '../errors.js';
import type { TlsOptions } from '../p4runtime/credentials.js';
import type { Log } from './log.js';
import type { SwitchConfig } from './state.js';
import type { Store } from './store.js';

export interface ControllerOptions {
  readonly store: Store;
  /**
   * Switches to add to the stored ones, or that replace those of the same name. If there are any, stored ones
   * that are not among them and have no jobs are removed: they would occupy ports of a tree that has changed.
   */
  readonly switches?: readonly SwitchConfig[];
  /** Folder of the builds; by default that of this package. */
  readonly builds?: string;
  readonly timing?: Partial<ControllerTiming>;
  /** For the connections to the switches. */
  readonly tls?: TlsOptions;
  /** By default nothing is reported. */
  readonly log?: Log;
  /**
   * The store could not be written, and the controller has stopped: it must not promise what it cannot
   * keep. By default the error is thrown as an uncaught exception, which ends the process.
   */
  readonly onFailure?: (error: ControllerStoppedError) => void;
}

/** All in milliseconds. */
export interface ControllerTiming {
  /** For a member to answer Membership before it is dropped, and TryPath before the job begins without its answer. */
  readonly progressTimeoutMs: number;
  /** For a member that was lost to return, and for all members of a running job after the controller restarted. */
  readonly returnTimeoutMs: number;
  readonly pollMs: number;
  readonly retryMs: number;
  readonly probeReplyTimeoutMs: number;
}

export const TIMING: ControllerTiming = {
  progressTimeoutMs: 10_000,
  returnTimeoutMs: 15_000,
  pollMs: 5_000,
  retryMs: 1_000,
  probeReplyTimeoutMs: 500,
};

/** What happens to a failure of which nobody wants to be told. */
export function throwLater(error: Error): void {
  setImmediate(() => {
    throw error;
  });
}
