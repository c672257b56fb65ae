/**
 * Messages of the Join call as a worker uses them: the generated ones (protocol/proto/fpisa.proto has the meaning
 * of each field), without the fields that a worker does not read and those that an older controller does not send.
 */
import type * as wire from '../../protocol/generated/fpisa.js';

export type {
  Announcement,
  Failed,
  Hello,
  MembersLost,
  Missing,
  MissingRank,
  Path,
  Profile as JobProfile,
  Progress,
  Submitted,
  TryPath,
} from '../../protocol/generated/fpisa.js';

export interface JobInfo extends Pick<
  wire.Job,
  'name' | 'number' | 'workers' | 'minWorkers' | 'epoch' | 'slotBase' | 'slots' | 'state'
> {
  readonly profile: wire.Profile;
}

export interface Welcome extends Omit<wire.Welcome, 'job' | 'switchName'> {
  readonly job: JobInfo;
  /** The switch that this worker's packets enter. */
  readonly switchName?: string;
}

/** `bits`: a value above 31 stands for a rank that is counted at another switch. */
export type Membership = Omit<wire.Membership, 'bits' | 'missing'> & Partial<Pick<wire.Membership, 'bits' | 'missing'>>;

export type Resume = Omit<wire.Resume, 'packetValues'> & Partial<Pick<wire.Resume, 'packetValues'>>;

/** Exactly one field is set. */
export type WorkerMessage =
  | { readonly hello: wire.Hello }
  | { readonly progress: wire.Progress }
  | { readonly failed: wire.Failed }
  | { readonly submitted: wire.Submitted }
  | { readonly path: wire.Path }
  | { readonly leave: wire.Leave };

/** Exactly one field is set. */
export interface ControllerMessage {
  readonly welcome?: Welcome;
  readonly membership?: Membership;
  readonly resume?: Resume;
  readonly aborted?: wire.Failed;
  readonly submitted?: wire.Submitted;
  readonly attendance?: wire.Attendance;
  readonly missing?: wire.Missing;
  readonly membersLost?: wire.MembersLost;
  readonly tryPath?: wire.TryPath;
}
