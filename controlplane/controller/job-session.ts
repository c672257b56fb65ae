/**
 * The membership of one job over time: who is connected, which epoch they are in, and when it may
 * start (docs/controller.md, "Session protocol"). Knows neither gRPC nor P4Runtime.
 */
import { MembershipEndedError, type ControlPlaneError } from '../errors.js';
import type { ControllerMessage, FailedMessage, JobPhase, ProgressMessage } from '../messages.js';
import { SILENT, type Log } from './log.js';
import type { JobRecord, MemberRecord } from './state.js';

/** The stream to one worker. Neither method throws: a dead stream reports itself by {@link JobSession.disconnected}. */
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
}

export interface SessionTiming {
  /** How long a member may take to answer Membership before it is dropped, in milliseconds. */
  readonly progressTimeoutMs: number;
  /** How long the members of a running job may take to return after a restart of the controller, in milliseconds. */
  readonly returnTimeoutMs: number;
}

/**
 * - `waiting`: not all workers have joined yet; no epoch.
 * - `returning`: the controller restarted; the stored members have some time to return.
 * - `collecting`: a new epoch is stored and announced; Progress is awaited from each member.
 * - `programming`: everyone has answered and has stopped sending; the switches are being written.
 * - `running`: Resume was sent.
 */
type Phase = 'waiting' | 'returning' | 'collecting' | 'programming' | 'running';

interface Attached {
  readonly member: MemberRecord;
  readonly link: MemberLink;
}

export class JobSession {
  private phase: Phase;
  /** Connected workers by rank. From `collecting` on these are exactly the members of the stored epoch. */
  private readonly attached = new Map<number, Attached>();
  /** Answers for the stored epoch only: cleared whenever it is raised. */
  private readonly progress = new Map<number, ProgressMessage>();
  /** Members of the last epoch that ran: only what they have received is relevant to its operation. */
  private veterans: readonly MemberRecord[];
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly records: JobRecords,
    private readonly timing: SessionTiming,
    private readonly log: Log = SILENT,
  ) {
    const { members, active } = records.record();
    this.veterans = active?.members ?? members;
    const returning = members.length > 0;
    this.phase = returning ? 'returning' : 'waiting';
    if (returning) this.startTimer(timing.returnTimeoutMs, () => this.returnTimeExpired());
  }

  get state(): JobPhase {
    if (this.phase === 'waiting' || this.phase === 'running') return this.phase;
    return 'recovering';
  }

  connectedRanks(): number[] {
    return [...this.attached.keys()].sort((a, b) => a - b);
  }

  connectedMembers(): MemberRecord[] {
    return this.connectedRanks().map((rank) => this.attached.get(rank)!.member);
  }

  /**
   * Adds a worker that admission has accepted. A link that the rank had before is a broken
   * connection of the same worker, and is replaced.
   */
  join(member: MemberRecord, link: MemberLink, welcome: ControllerMessage): void {
    const previous = this.attached.get(member.rank);
    this.attached.set(member.rank, { member, link });
    previous?.link.end(new MembershipEndedError(`worker ${member.rank} connected again`));
    const { rank, ip, udpPort, switchName, switchPort } = member;
    this.report(
      'info',
      { rank, ip, udpPort, switch: switchName, switchPort },
      `worker ${rank} joined: ${ip}:${udpPort} at port ${switchPort} of switch "${switchName}"`,
    );
    link.send(welcome);
    switch (this.phase) {
      case 'waiting':
        if (this.attached.size === this.records.record().workers) this.raise('all workers have joined');
        return;
      case 'returning':
        if (this.records.record().members.every(({ rank }) => this.attached.has(rank)))
          this.raise('the controller restarted');
        return;
      default:
        this.raise(`worker ${member.rank} joined`);
    }
  }

  /** The worker has sent Leave. */
  leave(rank: number, link: MemberLink): void {
    if (this.holds(rank, link)) this.report('info', { rank }, `worker ${rank} left`);
    this.detach(rank, link, `worker ${rank} left`);
    link.end();
  }

  /** The worker's stream ended without a Leave. */
  disconnected(rank: number, link: MemberLink): void {
    if (this.holds(rank, link)) this.report('warn', { rank }, `worker ${rank} was lost`);
    this.detach(rank, link, `worker ${rank} was lost`);
  }

  progressed(rank: number, link: MemberLink, report: ProgressMessage): void {
    if (!this.holds(rank, link) || this.phase === 'waiting') return;
    const { epoch, completed } = this.records.record();
    // True whatever the epoch, and kept even if this member leaves before Resume: a member about to leave
    // reports what it completed, so that the others do not repeat it without its part.
    if (report.completed > completed) this.records.save({ completed: report.completed });
    if (this.phase !== 'collecting' || report.epoch !== epoch) return;
    this.progress.set(rank, report);
    if (this.progress.size === this.attached.size) this.program();
  }

  /** The worker cannot finish an operation: then no worker can, because every operation needs all members. */
  failed(rank: number, link: MemberLink, failed: FailedMessage): void {
    const record = this.records.record();
    // Several members may abort the same operation; the first one counts.
    if (!this.holds(rank, link) || failed.operation <= record.completed) return;
    const { operation, message: reason } = failed;
    this.report('warn', { rank, operation, reason }, `worker ${rank} aborted operation ${operation}: ${reason}`);
    // Stored first: a controller that dies here must not assign the number a second time.
    this.records.save({ completed: failed.operation });
    for (const [other, { link: otherLink }] of this.attached) if (other !== rank) otherLink.send({ aborted: failed });
    // Before Resume the number is simply included in Resume.
    if (this.phase === 'running') this.raise(`worker ${rank} aborted operation ${failed.operation}`);
  }

  /** A switch of the active members has lost its registers and tables: rounds in progress cannot be completed. */
  switchLost(switchName: string): void {
    // The epoch that is written to it next is one in which no member has sent yet.
    if (this.phase === 'programming') return;
    this.records.save({ active: undefined });
    const which = this.records.record().switches.length === 1 ? 'the switch' : `switch "${switchName}"`;
    if (this.phase === 'running') this.raise(`${which} restarted`);
  }

  /** The stored epoch may have been in use at the switch before, with other members. */
  epochUsed(switchName: string): void {
    this.records.save({ active: undefined });
    if (this.phase !== 'waiting' && this.phase !== 'returning')
      this.raise(`switch "${switchName}" and the controller's store are of different times`);
  }

  /** Ends all streams. */
  close(error: ControlPlaneError): void {
    this.closed = true;
    this.stopTimer();
    const links = [...this.attached.values()];
    this.attached.clear();
    for (const { link } of links) link.end(error);
  }

  private holds(rank: number, link: MemberLink): boolean {
    return this.attached.get(rank)?.link === link;
  }

  private detach(rank: number, link: MemberLink, reason: string): void {
    if (!this.holds(rank, link)) return;
    this.attached.delete(rank);
    if (this.phase !== 'waiting' && this.phase !== 'returning') this.raise(reason);
  }

  /** A new epoch with everyone who is connected. */
  private raise(reason: string): void {
    this.stopTimer();
    this.progress.clear();
    const members = this.connectedMembers();
    if (members.length === 0) {
      this.phase = 'waiting';
      this.report('info', { reason }, `no worker is left (${reason})`);
      this.records.save({ members: [], active: undefined, completed: 0 });
      void this.records.program().catch(() => undefined);
      return;
    }
    const epoch = this.records.nextEpoch();
    this.phase = 'collecting';
    this.records.save({ epoch, members });
    const ranks = members.map(({ rank }) => rank);
    this.report('info', { epoch, ranks, reason }, `epoch ${epoch} with ranks ${ranks.join(', ')}: ${reason}`);
    for (const { member, link } of this.attached.values()) {
      link.send({ membership: { epoch, ranks, reason, bits: this.records.bitsSeenBy(member) } });
    }
    this.startTimer(this.timing.progressTimeoutMs, () => this.progressTimeExpired());
  }

  /**
   * No member sends until Resume, and Resume waits for all switches. So no packet of the new epoch meets tables
   * of the old one, nor the reverse, except for stragglers, which are dropped by epoch.
   */
  private program(): void {
    this.stopTimer();
    this.phase = 'programming';
    const { epoch, members } = this.records.record();
    this.records.save({ active: { epoch, members } });
    const current = (): boolean =>
      !this.closed && this.phase === 'programming' && this.records.record().epoch === epoch;
    this.records.program().then(
      () => {
        if (current()) this.resume(epoch);
      },
      () => undefined,
    );
  }

  private resume(epoch: number): void {
    const reports = [...this.progress.values()].map(({ completed }) => completed);
    const completed = Math.max(this.records.record().completed, this.receivedByVeterans(), ...reports);
    this.records.save({ completed });
    this.phase = 'running';
    this.report('info', { epoch, completed }, `epoch ${epoch} runs after operation ${completed}`);
    this.veterans = this.connectedMembers();
    for (const { link } of this.attached.values()) link.send({ resume: { epoch, completed } });
  }

  /**
   * The last operation of which every remaining member of the last epoch holds all results. It is complete,
   * even if the members that knew have died: to repeat it over the remaining members would give another sum than
   * they, and perhaps the dead, had already seen.
   */
  private receivedByVeterans(): number {
    const received = this.veterans.flatMap((veteran) => {
      const member = this.attached.get(veteran.rank)?.member;
      const report = this.progress.get(veteran.rank);
      // Another process that took the rank over knows nothing of the operation.
      const same = member !== undefined && member.ip === veteran.ip && member.udpPort === veteran.udpPort;
      return same && report !== undefined ? [report.received] : [];
    });
    return received.length === 0 ? 0 : Math.min(...received);
  }

  private progressTimeExpired(): void {
    const silent = [...this.attached].filter(([rank]) => !this.progress.has(rank));
    for (const [rank] of silent) this.attached.delete(rank);
    const seconds = this.timing.progressTimeoutMs / 1000;
    for (const [rank, { link }] of silent) {
      link.end(
        new MembershipEndedError(
          `worker ${rank} did not answer Membership within ${seconds} s and is no longer a member`,
        ),
      );
    }
    this.raise(`no answer from worker ${silent.map(([rank]) => rank).join(', ')}`);
  }

  private returnTimeExpired(): void {
    this.raise('the controller restarted, and not all members returned');
  }

  private report(level: keyof Log, fields: object, message: string): void {
    const { name } = this.records.record();
    this.log[level]({ job: name, ...fields }, `job "${name}": ${message}`);
  }

  private startTimer(milliseconds: number, expired: () => void): void {
    this.stopTimer();
    this.timer = setTimeout(expired, milliseconds);
    this.timer.unref();
  }

  private stopTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
