/** The messages of protocol/proto/fpisa.proto as plain objects, in the form protobufjs gives them. */
import type { MemberRecord } from './controller/state.js';

export interface ProfileMessage {
  name: string;
  format: string;
  mode: string;
  guard: number;
  rounding: string;
  leftShiftLimit: number;
}

export interface CreateJobRequest {
  name: string;
  workers: number;
  /** 0 or absent: the controller's default. */
  slots?: number;
  /** Preset; absent or empty: `fpisa`. */
  profile?: string;
  guard?: number;
  rounding?: string;
  leftShiftLimit?: number;
  mode?: string;
  /** Top of the job's tree of switches. Absent or empty: the only one without a parent. */
  switchName?: string;
}

export interface MemberMessage extends MemberRecord {
  connected: boolean;
}

export type JobPhase = 'waiting' | 'running' | 'recovering';

export interface JobMessage {
  name: string;
  number: number;
  workers: number;
  epoch: number;
  slotBase: number;
  slots: number;
  profile: ProfileMessage;
  members: MemberMessage[];
  /** Top of the job's tree. */
  switchName: string;
  /** The whole tree, parents before children. */
  switches: string[];
  multicastGroup: number;
  state: JobPhase;
  /** Event counters by name ({@link JobEvent}), summed over the switches; empty when none can be read. */
  events: Record<string, number>;
  /** The same of each switch that can be read. */
  switchEvents: SwitchEventsMessage[];
}

export interface SwitchEventsMessage {
  switchName: string;
  events: Record<string, number>;
}

export type SwitchPhase = 'connecting' | 'ready' | 'unreachable' | 'backup';

/**
 * What a switch runs.
 * - `own`: this controller pushed it.
 * - `same-build`: the same build, but a controller with another store pushed it.
 * - `other`: another program, or another build.
 * - `none`: no pipeline at all.
 */
export type SwitchProgram = 'own' | 'same-build' | 'other' | 'none';

export interface SwitchStatusMessage {
  name: string;
  address: string;
  state: SwitchPhase;
  detail: string;
  pipeline: string;
  /** Packets dropped, by reason name ({@link DropReason}); reasons that never occurred are absent. */
  drops: Record<string, number>;
  slotsFree: number;
  valuesPerPacket: number;
  /** Empty: the switch does not say. */
  program: SwitchProgram | '';
  /** How often this controller found its program gone, and pushed it again. */
  restored: number;
  serviceIp: string;
  /** bmv2, tofino or tofino2. */
  target: string;
  /** The build that the switch should run; empty when it cannot be loaded. */
  build: string;
  /** Tables and counters that this build does not have, and the controller does without. */
  absent: string[];
  /** Null at the top of a tree. */
  parent: ParentLinkMessage | null;
}

export interface ParentLinkMessage {
  switchName: string;
  /** Of this switch, towards the parent. */
  port: number;
  /** Of the parent, towards this switch. */
  parentPort: number;
}

export interface StatusMessage {
  switches: SwitchStatusMessage[];
  store: string;
}

export interface SetReportMessage {
  epoch: number;
  chunk: number;
  operation: number;
  bitmap: number;
  contributions: number;
  /** Ranks that have not contributed to this round. */
  missing: number[];
  /** Switches at which the round is complete, and whose sum their parent has not got. */
  missingSwitches: string[];
}

export interface SlotReportMessage {
  slot: number;
  sets: SetReportMessage[];
}

export interface HelloMessage {
  job: string;
  rank: number;
  ip: string;
  udpPort: number;
  mac: string;
  switchPort: number;
  completed: number;
  /** Empty: the only switch of the job that has room for it. */
  switchName: string;
}

export interface ProgressMessage {
  epoch: number;
  completed: number;
  received: number;
}

export interface FailedMessage {
  operation: number;
  code: string;
  message: string;
  shape: string;
}

/** Exactly one of the properties is set. */
export interface WorkerMessage {
  hello?: HelloMessage;
  progress?: ProgressMessage;
  failed?: FailedMessage;
  leave?: Record<string, never>;
}

export interface WelcomeMessage {
  job: JobMessage;
  valuesPerPacket: number;
  serviceIp: string;
  serviceUdpPort: number;
  switchName: string;
  switchPort: number;
  serviceMac: string;
}

/** Exactly one of the properties is set. */
export type ControllerMessage =
  | { welcome: WelcomeMessage }
  | { membership: { epoch: number; ranks: number[]; reason: string; bits: number[] } }
  | { resume: { epoch: number; completed: number } }
  | { aborted: FailedMessage };
