/** The state that the controller establishes; exactly this is in the store, and everything else is derived from it. */
import type { BuildTarget } from '../../protocol/builds.js';

/** One switch and how its workers reach it. */
export interface SwitchConfig {
  readonly name: string;
  /** P4Runtime server, `host:port`. */
  readonly address: string;
  readonly deviceId: number;
  /** Address to which workers send contributions; key of the table `fpisa.local`. */
  readonly serviceIp: string;
  readonly serviceMac: string;
  readonly serviceUdpPort: number;
  /**
   * Switch ports that workers may use. A port with its own endpoint (a UDP socket of the embedded
   * switch) to which its workers send has it as `ip:udpport`; null: they send to the service address.
   */
  readonly ports: Readonly<Record<number, string | null>>;
  readonly valuesPerPacket: number;
  /** Name of the build of the program to push (protocol/builds.ts). Undefined: the one with that many values that computes every profile. */
  readonly build?: string;
  /** Type of the switch; undefined: BMv2 or the embedded switch. */
  readonly target?: BuildTarget;
  /** Directory of the compiler's output for a Tofino. Undefined for BMv2, whose builds come with this package. */
  readonly buildDir?: string;
  /** The switch to which this one sends the sums of jobs that span both. Undefined: it is the top of its tree. */
  readonly parent?: ParentLink;
  /** Routes for ordinary IPv4 traffic. Undefined: the controller leaves the table `fpisa.ipv4` alone. */
  readonly routes?: readonly Route[];
}

interface ParentLink {
  readonly switch: string;
  /** Port of this switch that leads to the parent. */
  readonly port: number;
  /** Port of the parent that leads to this switch. */
  readonly parentPort: number;
}

export interface Route {
  /** `a.b.c.d/length` */
  readonly prefix: string;
  readonly port: number;
  /** Destination MAC address of frames that take this route. */
  readonly mac: string;
}

/** Numeric profile as written to the switch (docs/arithmetic.md, "Profile"). */
export interface ProfileRecord {
  readonly name: string;
  readonly format: 'fp32' | 'int32';
  readonly mode: 'full' | 'approximate';
  readonly guard: number;
  readonly alignment: 'floor' | 'nearest-even';
  readonly rounding: 'truncate' | 'nearest-even';
  readonly leftShiftLimit: number;
}

export interface MemberRecord {
  readonly rank: number;
  readonly ip: string;
  readonly udpPort: number;
  readonly mac: string;
  /** Identity of the process, from its Hello; empty in stores of earlier releases, and equal to none then. */
  readonly process: string;
  /** The switch to which the worker is connected. */
  readonly switchName: string;
  /** Port of that switch. */
  readonly switchPort: number;
}

/** A membership that is, or is being, written into the switches' tables. */
export interface ActiveEpoch {
  readonly epoch: number;
  readonly members: readonly MemberRecord[];
}

export interface JobRecord {
  readonly name: string;
  /** Top of the job's tree of switches. */
  readonly switchName: string;
  /** Its tree as it was when the job was created: parents before children, so `switchName` is the first. */
  readonly switches: readonly string[];
  /** As in packets; unique on each of its switches. */
  readonly number: number;
  readonly multicastGroup: number;
  readonly workers: number;
  /** An operation has at least this many members: all of them, unless the job is elastic. */
  readonly minWorkers: number;
  /** The same range of slots on each switch. */
  readonly slotBase: number;
  readonly slots: number;
  readonly profile: ProfileRecord;
  /** Last epoch number assigned, stored before it is sent to any worker. 0: none yet. */
  readonly epoch: number;
  /** Members of `epoch`; empty while the job waits for its workers. */
  readonly members: readonly MemberRecord[];
  /** Ranks that are no members because they left of their own accord; others were lost. */
  readonly left: readonly number[];
  /** What the tables hold. Undefined: nothing, contributions of the job are dropped. */
  readonly active?: ActiveEpoch | undefined;
  /** Highest operation number that the job has used up, so that no number is reused after a restart. */
  readonly completed: number;
  /** Switches on which the job's event counters have been zeroed: counters keep the counts of earlier jobs with this number. */
  readonly countersResetOn: readonly string[];
}

export interface ControllerState {
  readonly version: 1;
  /** Random; half of the pipeline cookie, so that a switch programmed from another store is recognised. */
  readonly storeId: number;
  readonly switches: Readonly<Record<string, SwitchConfig>>;
  readonly jobs: Readonly<Record<string, JobRecord>>;
  /**
   * Per switch: no new job may start at this epoch or below. Registers are never cleared, so a slot may
   * still hold a round of a deleted job, and equal epochs would make the new job's chunks look stale.
   */
  readonly epochFloor: Readonly<Record<string, number>>;
  /**
   * Per switch: a random number that changes with each epoch of a job that has slots on it. The switch has it too
   * (stamp.ts), so that a store or a switch that was put back from a copy is recognised.
   */
  readonly generations: Readonly<Record<string, number>>;
}

export function emptyState(storeId: number): ControllerState {
  return { version: 1, storeId, switches: {}, jobs: {}, epochFloor: {}, generations: {} };
}
