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
  /** Absent or empty: the only switch. */
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
  switchName: string;
  multicastGroup: number;
  state: JobPhase;
  /** Event counters of the switch by name ({@link JobEvent}); absent when the switch cannot be read. */
  events: Record<string, number>;
}

export type SwitchPhase = 'connecting' | 'ready' | 'unreachable' | 'backup';

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
  missing: number[];
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
  switchPort: number;
  serviceMac: string;
}

/** Exactly one of the properties is set. */
export type ControllerMessage =
  | { welcome: WelcomeMessage }
  | { membership: { epoch: number; ranks: number[]; reason: string } }
  | { resume: { epoch: number; completed: number } }
  | { aborted: FailedMessage };
