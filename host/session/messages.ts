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
  /** Empty: the controller finds the switch. */
  switchName: string;
}

export interface Welcome {
  job: JobInfo;
  valuesPerPacket: number;
  serviceIp: string;
  serviceUdpPort: number;
  switchPort: number;
  serviceMac: string;
  /** The switch that this worker's packets enter. */
  switchName?: string;
}

export interface Membership {
  epoch: number;
  ranks: number[];
  reason: string;
  /**
   * In the order of `ranks`: which bit of a slot's bitmap at this worker's switch says that the rank's
   * contribution is in; one beyond 31 for a rank that is counted at another switch. Empty or absent: the bit
   * of its number.
   */
  bits?: number[];
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
  { hello: Hello } | { progress: Progress } | { failed: Failed } | { leave: Record<string, never> };

/** Exactly one field is set. */
export interface ControllerMessage {
  welcome?: Welcome;
  membership?: Membership;
  resume?: Resume;
  aborted?: Failed;
}
