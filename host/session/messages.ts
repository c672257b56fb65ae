/** Messages of the Join call as this side uses them (protocol/proto/fpisa.proto has the meaning of each field). */

export interface JobProfile {
  name: string;
  format: string;
  mode: string;
  guard: number;
  rounding: string;
  leftShiftLimit: number;
}

export interface JobInfo {
  name: string;
  number: number;
  workers: number;
  epoch: number;
  slotBase: number;
  slots: number;
  profile: JobProfile;
  state: string;
}

export interface Hello {
  job: string;
  rank: number;
  ip: string;
  udpPort: number;
  mac: string;
  switchPort: number;
  completed: number;
}

export interface Welcome {
  job: JobInfo;
  valuesPerPacket: number;
  serviceIp: string;
  serviceUdpPort: number;
  switchPort: number;
  serviceMac: string;
}

export interface Membership {
  epoch: number;
  ranks: number[];
  reason: string;
}

export interface Progress {
  epoch: number;
  completed: number;
  received: number;
}

export interface Resume {
  epoch: number;
  completed: number;
}

export interface Failed {
  operation: number;
  code: string;
  message: string;
  shape: string;
}

/** Exactly one field is set. */
export type WorkerMessage =
  | { hello: Hello }
  | { progress: Progress }
  | { failed: Failed }
  | { leave: Record<string, never> };

/** Exactly one field is set. */
export interface ControllerMessage {
  welcome?: Welcome;
  membership?: Membership;
  resume?: Resume;
  aborted?: Failed;
}
