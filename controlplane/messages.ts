/**
 * The messages of protocol/proto/fpisa.proto as the controller uses them: the generated types, narrower where the
 * .proto file can only say "a string" or "may be absent".
 */
import type * as wire from '../protocol/generated/fpisa.js';

export type {
  Announcement as AnnouncementMessage,
  Failed as FailedMessage,
  Hello as HelloMessage,
  Member as MemberMessage,
  MissingRank as MissingRankMessage,
  ParentLink as ParentLinkMessage,
  Path as PathMessage,
  Profile as ProfileMessage,
  Progress as ProgressMessage,
  SetReport as SetReportMessage,
  SlotReport as SlotReportMessage,
  Submitted as SubmittedMessage,
  SwitchEvents as SwitchEventsMessage,
  WorkerMessage,
} from '../protocol/generated/fpisa.js';

/** An omitted field is the same as its empty value: the controller's default. */
export type CreateJobRequest = Pick<wire.CreateJobRequest, 'name' | 'workers'> & Partial<wire.CreateJobRequest>;

export type JobPhase = 'waiting' | 'running' | 'recovering';

export interface JobMessage extends wire.Job {
  readonly profile: wire.Profile;
  readonly state: JobPhase;
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

export interface SwitchStatusMessage extends Omit<wire.SwitchStatus, 'parent'> {
  readonly state: SwitchPhase;
  /** Packets dropped, by reason name ({@link DropReason}); reasons that never occurred are absent. */
  readonly drops: Readonly<Record<string, number>>;
  /** Empty: the switch does not report it. */
  readonly program: SwitchProgram | '';
  /** Null at the top of a tree. */
  readonly parent: wire.ParentLink | null;
}

export interface StatusMessage extends Omit<wire.Status, 'switches'> {
  readonly switches: readonly SwitchStatusMessage[];
}

export interface WelcomeMessage extends wire.Welcome {
  readonly job: JobMessage;
}

/** Exactly one of the properties is set. */
export type ControllerMessage =
  | { readonly welcome: WelcomeMessage }
  | { readonly membership: wire.Membership }
  | { readonly resume: wire.Resume }
  | { readonly aborted: wire.Failed }
  | { readonly submitted: wire.Submitted }
  | { readonly attendance: wire.Attendance }
  | { readonly missing: wire.Missing }
  | { readonly membersLost: wire.MembersLost }
  | { readonly tryPath: wire.TryPath };
