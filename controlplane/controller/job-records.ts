/** What a job's session (job-session.ts) needs from its controller and from the workers' streams. */
import type { ControlPlaneError } from '../errors.js';
import type { ControllerMessage } from '../messages.js';
import type { JobRecord, MemberRecord } from './state.js';

/** The stream to one worker. Neither method throws: a dead stream reports itself by `JobSession.disconnected`. */
export interface MemberLink {
  send(message: ControllerMessage): void;
  /** Ends the stream; an error tells the worker why. */
  end(error?: ControlPlaneError): void;
}

/** What a session needs from its controller. */
export interface JobRecords {
  record(): JobRecord;
  /** Returns when the change is durable in the store. */
  save(change: Partial<JobRecord>): void;
  /** First epoch number that was never used on the job's slots. */
  nextEpoch(): number;
  /**
   * Resolves when all switches that the active members' packets pass match the stored state; waits for
   * those that are unreachable.
   */
  program(): Promise<void>;
  /** Of the stored members, in order: the bit that stands for each in the slots of `member`'s switch (placement.ts). */
  bitsSeenBy(member: MemberRecord): number[];
  /** Values that packets may hold, ascending; empty: the switch's build is not known. */
  packetSteps(): readonly number[];
}

export interface SessionTiming {
  /**
   * How long a member may take to answer Membership before it is dropped, and TryPath before the job begins without its
   * answer; in milliseconds.
   */
  readonly progressTimeoutMs: number;
  /**
   * How long a lost member, or after a restart of the controller all of them, may take to return before the job goes
   * on without it or, if too few are left, ends for the others; in milliseconds.
   */
  readonly returnTimeoutMs: number;
}

/**
 * - `waiting`: not all workers have joined yet; no epoch.
 * - `returning`: members are missing, after a restart of the controller or because they were lost, and have some time
 *   to return. If an epoch was running then it still is: what the missing have contributed to is completed.
 * - `collecting`: a new epoch is stored and announced; Progress is awaited from each member.
 * - `programming`: everyone has answered and has stopped sending; the switches are being written, and then the members
 *   find out how long packets may be.
 * - `running`: Resume was sent.
 */
export type JobPhaseInside = 'waiting' | 'returning' | 'collecting' | 'programming' | 'running';
