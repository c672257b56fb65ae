/**
 * The membership of one job over time: who is connected, which epoch they are in, and when it may
 * start (docs/controller.md, "Session protocol"). Knows neither gRPC nor P4Runtime.
 */
import { MembershipEndedError, SessionProtocolError, type ControlPlaneError } from '../errors.js';
import type {
  AnnouncementMessage,
  ControllerMessage,
  FailedMessage,
  JobPhase,
  PathMessage,
  ProgressMessage,
  SubmittedMessage,
} from '../messages.js';
import { checkAnnouncements } from './announcements.js';
import { Deadline } from './deadline.js';
import type { JobPhaseInside, JobRecords, MemberLink, SessionTiming } from './job-records.js';
import { SILENT, type Log } from './log.js';
import { PacketSizes } from './packet-sizes.js';
import { PathDialogue } from './path-dialogue.js';
import { Roster } from './roster.js';
import { Standings } from './standings.js';
import type { MemberRecord } from './state.js';

export class JobSession {
  private phase: JobPhaseInside;
  /** Connected workers by rank. From `collecting` to `running` these are exactly the members of the stored epoch. */
  private readonly roster: Roster;
  /** Answers for the stored epoch only: cleared whenever it is raised. */
  private readonly progress = new Map<number, ProgressMessage>();
  private readonly standings: Standings;
  private readonly sizes: PacketSizes;
  private readonly paths: PathDialogue;
  /** Since the controller's start no epoch has begun. */
  private restarted: boolean;
  /** The missing members had their time: the others only settle what is complete. */
  private givingUp = false;
  private readonly deadline = new Deadline();
  /** Operation that failed because the tensors differ, while only one side has said what it brought. */
  private disputed: number | undefined;
  private closed = false;

  constructor(
    private readonly records: JobRecords,
    private readonly timing: SessionTiming,
    private readonly log: Log = SILENT,
  ) {
    const { members, active, left } = records.record();
    this.standings = new Standings(active?.members ?? members);
    this.sizes = new PacketSizes(() => records.packetSteps());
    this.paths = new PathDialogue(this.sizes, timing.progressTimeoutMs);
    this.roster = new Roster(() => records.record().workers, left);
    this.restarted = members.length > 0;
    this.phase = this.restarted ? 'returning' : 'waiting';
    if (this.restarted) this.deadline.start(timing.returnTimeoutMs, () => this.returnTimeExpired());
  }

  get state(): JobPhase {
    if (this.phase === 'waiting' || this.phase === 'running') return this.phase;
    return 'recovering';
  }

  /** How long the job's packets are, and may be on the members' ways. */
  get packetSizes(): Pick<PacketSizes, 'current' | 'of'> {
    return this.sizes;
  }

  get connected(): Pick<Roster, 'ranks' | 'members'> {
    return this.roster;
  }

  /**
   * Whether the tensors of a worker that would join fit the job and those of the workers that wait with it; if not,
   * those are told. Once the job has begun, each operation is compared when it is submitted.
   * @throws TensorsDifferError
   */
  compare(rank: number, announcements: readonly AnnouncementMessage[]): void {
    const others = new Map(this.phase === 'waiting' ? this.roster.announcements() : []);
    try {
      checkAnnouncements(this.records.record(), rank, announcements, others);
    } catch (error) {
      this.tellAttendance(`rank ${rank} was refused: ${(error as Error).message}`);
      throw error;
    }
  }

  /**
   * Adds a worker that admission has accepted. A link that the rank had before is a broken
   * connection of the same worker, and is replaced.
   */
  join(
    member: MemberRecord,
    link: MemberLink,
    welcome: ControllerMessage,
    announcements: readonly AnnouncementMessage[] = [],
    followsPacketValues = false,
  ): void {
    const { rank, ip, udpPort, switchName, switchPort } = member;
    const previous = this.roster.get(rank);
    if (previous !== undefined) this.forget(rank);
    this.roster.add({ member, link, announcements, followsPacketValues });
    previous?.link.end(new MembershipEndedError(`worker ${rank} connected again`));
    this.report(
      'info',
      { rank, ip, udpPort, switch: switchName, switchPort },
      `worker ${rank} joined: ${ip}:${udpPort} at port ${switchPort} of switch "${switchName}"`,
    );
    link.send(welcome);
    const { workers, members } = this.records.record();
    if (this.phase === 'waiting') {
      if (this.roster.size === workers) this.raise('all workers have joined');
    } else if (this.restarted) {
      if (members.every((each) => this.roster.has(each.rank))) this.regroup('the controller restarted');
    } else this.regroup(`worker ${rank} joined`);
    this.tellWhoIsAwaited();
  }

  /** The worker has sent Leave. */
  leave(rank: number, link: MemberLink): void {
    if (this.roster.holds(rank, link)) {
      this.roster.leaves(rank);
      this.report('info', { rank }, `worker ${rank} left`);
    }
    this.detach(rank, link, `worker ${rank} left`);
    link.end();
  }

  /** The worker's stream ended without a Leave. */
  disconnected(rank: number, link: MemberLink): void {
    if (this.roster.holds(rank, link)) this.report('warn', { rank }, `worker ${rank} was lost`);
    this.detach(rank, link, `worker ${rank} was lost`);
  }

  /** @throws SessionProtocolError for a report that cannot be true */
  progressed(rank: number, link: MemberLink, report: ProgressMessage): void {
    if (!this.roster.holds(rank, link) || this.phase === 'waiting') return;
    const record = this.records.record();
    this.standings.add(this.roster.get(rank)!.member, report, record);
    if (this.phase !== 'collecting' || report.epoch !== record.epoch) return;
    this.progress.set(rank, report);
    if (this.progress.size < this.roster.size || this.dropContradicting()) return;
    if (this.roster.size < this.required) this.dismiss();
    else this.program();
  }

  /**
   * The worker cannot finish an operation: then no worker can, because every operation needs all members. Whether
   * it can be at that operation shows when all members have reported.
   */
  failed(rank: number, link: MemberLink, failed: FailedMessage): void {
    const { operation } = failed;
    if (!this.roster.holds(rank, link) || this.phase === 'waiting' || operation <= this.records.record().completed)
      return;
    // Several members may abort the same operation; the first one counts.
    if (!this.standings.fail(this.roster.get(rank)!.member, operation)) return;
    this.disputed = failed.submission === undefined ? undefined : operation;
    this.roster.sendToOthers(rank, { aborted: { ...failed, rank } });
    const { message: reason } = failed;
    this.report('warn', { rank, operation, reason }, `worker ${rank} aborted operation ${operation}: ${reason}`);
    // Before Resume the number is simply included in Resume.
    if (this.phase === 'running') this.raise(`worker ${rank} aborted operation ${operation}`);
  }

  /** A worker says what it brought to the operation that another one could not finish; one such answer is enough. */
  submitted(rank: number, link: MemberLink, submitted: SubmittedMessage): void {
    if (!this.roster.holds(rank, link) || submitted.operation !== this.disputed) return;
    this.disputed = undefined;
    this.roster.sendToOthers(rank, { submitted: { ...submitted, rank } });
  }

  /** @throws SessionProtocolError for a size that packets do not have */
  path(rank: number, link: MemberLink, report: PathMessage): void {
    if (!this.roster.holds(rank, link) || report.epoch !== this.records.record().epoch) return;
    if (this.paths.open) this.paths.answer(rank, report);
    else if (this.phase === 'running' && this.sizes.narrow(rank, report))
      this.raise(`the path of worker ${rank} carries only packets of up to ${report.values} values`);
  }

  /** A switch of the active members has lost its registers and tables: rounds in progress cannot be completed. */
  switchLost(switchName: string): void {
    // The epoch that is written to it next is one in which no member has sent yet.
    if (this.phase === 'programming') {
      // It had been written, which is to be waited for again.
      if (this.paths.open) this.program();
      return;
    }
    this.records.save({ active: undefined });
    const which = this.records.record().switches.length === 1 ? 'the switch' : `switch "${switchName}"`;
    if (this.phase === 'running') this.raise(`${which} restarted`);
  }

  /** The stored epoch may have been in use at the switch before, with other members. */
  epochUsed(switchName: string): void {
    this.records.save({ active: undefined });
    if (this.phase !== 'waiting' && this.phase !== 'returning')
      this.regroup(`switch "${switchName}" and the controller's store are of different times`);
  }

  /** Ends all streams. */
  close(error: ControlPlaneError): void {
    this.closed = true;
    this.deadline.stop();
    this.paths.stop();
    for (const { link } of this.roster.removeAll()) link.end(error);
  }

  private detach(rank: number, link: MemberLink, reason: string): void {
    if (!this.roster.holds(rank, link)) return;
    this.remove(rank);
    if (this.phase !== 'waiting' && !this.restarted) this.regroup(reason);
    this.tellWhoIsAwaited();
  }

  private remove(rank: number): void {
    this.forget(rank);
    this.roster.remove(rank);
  }

  private forget(rank: number): void {
    this.standings.depart(rank);
    this.paths.forget(rank);
    this.progress.delete(rank);
  }

  /** Members of an operation at least. */
  private get required(): number {
    return this.records.record().minWorkers;
  }

  /** The connected workers have changed. */
  private regroup(reason: string): void {
    if (this.roster.size === 0) {
      this.report('info', { reason }, `no worker is left (${reason})`);
      this.reset();
    } else if (this.roster.size >= this.required) {
      this.givingUp = false;
      this.raise(reason);
    } else if (this.givingUp) this.raise(reason);
    else this.awaitReturn();
  }

  /** Too few are left, but the others may come back. */
  private awaitReturn(): void {
    this.restarted = false;
    this.paths.stop();
    if (this.phase !== 'returning') {
      this.phase = 'returning';
      this.deadline.start(this.timing.returnTimeoutMs, () => this.returnTimeExpired());
    }
    const waitMs = this.deadline.remainingMs;
    this.roster.send({ missing: { ranks: this.roster.missing(), waitMs } });
  }

  /** No member is left: as at the start. */
  private reset(): void {
    this.deadline.stop();
    this.phase = 'waiting';
    this.restarted = this.givingUp = false;
    this.progress.clear();
    this.standings.clear();
    this.paths.stop();
    this.sizes.clear();
    this.roster.forgetThoseWhoLeft();
    this.records.save({ members: [], active: undefined, completed: 0, left: [] });
    void this.records.program().catch(() => undefined);
  }

  private tellWhoIsAwaited(): void {
    if (this.awaitedRanks().length > 0) this.tellAttendance('');
  }

  private tellAttendance(note: string): void {
    this.roster.send({ attendance: { ranks: this.roster.ranks(), expected: this.awaitedRanks(), note } });
  }

  /** Ranks that the job cannot run without, and that are not connected. */
  private awaitedRanks(): number[] {
    if (this.phase !== 'waiting' && this.phase !== 'returning') return [];
    // After a restart of the controller the members are awaited; later whoever makes the job whole.
    const { members } = this.records.record();
    const ranks = (this.restarted ? members : this.roster.missing()).map(({ rank }) => rank);
    return ranks.filter((rank) => !this.roster.has(rank));
  }

  /** A new epoch with everyone who is connected. */
  private raise(reason: string): void {
    this.deadline.stop();
    this.paths.stop();
    this.progress.clear();
    const members = this.roster.members();
    const epoch = this.records.nextEpoch();
    this.phase = 'collecting';
    this.restarted = false;
    const missing = this.roster.missing();
    this.records.save({ epoch, members, left: this.roster.left });
    const ranks = members.map(({ rank }) => rank);
    this.report('info', { epoch, ranks, reason }, `epoch ${epoch} with ranks ${ranks.join(', ')}: ${reason}`);
    for (const { member, link } of this.roster.all()) {
      link.send({ membership: { epoch, ranks, reason, bits: this.records.bitsSeenBy(member), missing } });
    }
    this.deadline.start(this.timing.progressTimeoutMs, () => this.progressTimeExpired());
  }

  /**
   * No member sends until Resume, and Resume waits for all switches. So no packet of the new epoch meets tables
   * of the old one, nor the reverse, except for stragglers, which are dropped by epoch.
   */
  private program(): void {
    this.deadline.stop();
    this.paths.stop();
    this.phase = 'programming';
    const { epoch, members } = this.records.record();
    // With the position: a controller that starts here takes these members for those of the last epoch that ran.
    this.records.save({ active: { epoch, members }, completed: this.completed });
    const current = (): boolean =>
      !this.closed && this.phase === 'programming' && this.records.record().epoch === epoch;
    this.records.program().then(
      () => {
        if (current()) this.paths.begin(epoch, this.roster.all(), () => this.resume(epoch));
      },
      () => undefined,
    );
  }

  private resume(epoch: number): void {
    this.deadline.stop();
    // An operation may have failed since the members answered.
    if (this.dropContradicting()) return;
    const { completed } = this;
    this.records.save({ completed });
    this.phase = 'running';
    this.standings.resumed(this.roster.members());
    this.sizes.choose();
    const packetValues = this.sizes.announced;
    const size = this.sizes.describe();
    const text = `epoch ${epoch} runs after operation ${completed}${size === '' ? '' : `, with ${size}`}`;
    this.report('info', { epoch, completed, ...(packetValues > 0 && { packetValues }) }, text);
    this.roster.send({ resume: { epoch, completed, packetValues } });
  }

  /** Those who were missing have not returned: the others learn what is complete, and that nothing else will be. */
  private dismiss(): void {
    const { completed } = this;
    const waitedMs = this.timing.returnTimeoutMs;
    const membersLost = { completed, ranks: this.roster.missing(), waitedMs };
    for (const { link } of this.roster.removeAll()) {
      link.send({ membersLost });
      link.end();
    }
    this.reset();
  }

  /** The last operation that is used up, according to the reports so far. */
  private get completed(): number {
    return this.standings.settlement(this.records.record().completed).completed;
  }

  /** Ends the membership of those whose reports cannot be true. @returns whether there were any */
  private dropContradicting(): boolean {
    const { contradicting } = this.standings.settlement(this.records.record().completed);
    const dropped = contradicting.filter((rank) => this.roster.has(rank));
    this.standings.void(contradicting);
    if (dropped.length === 0) return false;
    for (const rank of dropped) {
      const { link } = this.roster.get(rank)!;
      this.remove(rank);
      link.end(new SessionProtocolError(`the reports of worker ${rank} contradict those of the others`));
    }
    this.regroup(`the reports of worker ${dropped.join(', ')} contradicted those of the others`);
    return true;
  }

  private progressTimeExpired(): void {
    const silent = this.roster.all().filter(({ member: { rank } }) => !this.progress.has(rank));
    for (const { member } of silent) this.remove(member.rank);
    const seconds = this.timing.progressTimeoutMs / 1000;
    for (const { member, link } of silent) {
      link.end(
        new MembershipEndedError(
          `worker ${member.rank} did not answer Membership within ${seconds} s and is no longer a member`,
        ),
      );
    }
    this.regroup(`no answer from worker ${silent.map(({ member }) => member.rank).join(', ')}`);
  }

  private returnTimeExpired(): void {
    const reason = this.restarted
      ? 'the controller restarted, and not all members returned'
      : 'the missing workers have not returned';
    this.givingUp = true;
    this.regroup(reason);
  }

  private report(level: keyof Log, fields: object, message: string): void {
    const { name } = this.records.record();
    this.log[level]({ job: name, ...fields }, `job "${name}": ${message}`);
  }
}
