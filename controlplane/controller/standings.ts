/** What a job's members have reported since its last Resume, whether it can be true, and what follows from it. */
import { SessionProtocolError } from '../errors.js';
import type { ProgressMessage } from '../messages.js';
import { settle, type StandingReport, type Settlement } from './settlement.js';
import type { JobRecord, MemberRecord } from './state.js';

/** More operations than anybody can finish in a millisecond: each takes a round trip through the switch. */
const OPERATIONS_PER_MS = 1000;

export class Standings {
  /** By rank, whatever its epoch: a member that is about to leave reports, too. */
  private readonly latest = new Map<number, { readonly member: MemberRecord; readonly report: ProgressMessage }>();
  /** The same of processes that are gone: it remains true. */
  private departed: { readonly member: MemberRecord; readonly report: ProgressMessage }[] = [];
  /** Operations that members could not finish. */
  private readonly failures = new Map<number, number>();
  /** When the last Resume was sent; undefined: by an earlier controller, if at all. */
  private resumedAt: number | undefined;

  /** @param veterans members of the last epoch that ran */
  constructor(private veterans: readonly MemberRecord[]) {}

  /** @throws SessionProtocolError for numbers that no worker can have come to */
  add(member: MemberRecord, report: ProgressMessage, record: JobRecord): void {
    this.check(member, report, record);
    this.latest.set(member.rank, { member, report });
  }

  /** @returns whether it is the first of its operation */
  fail({ rank }: MemberRecord, operation: number): boolean {
    const isKnown = [...this.failures.values()].includes(operation);
    if (!isKnown) this.failures.set(rank, operation);
    return !isKnown;
  }

  /** The process at `rank` is gone, or on another connection. */
  depart(rank: number): void {
    const standing = this.latest.get(rank);
    if (standing !== undefined) this.departed.push(standing);
    this.latest.delete(rank);
  }

  /** What `ranks` reported cannot be true. */
  void(ranks: readonly number[]): void {
    for (const rank of ranks) {
      this.latest.delete(rank);
      this.failures.delete(rank);
    }
    this.departed = this.departed.filter(({ member }) => !ranks.includes(member.rank));
  }

  /** @param known last operation that was used up when the last epoch began */
  settlement(known: number): Settlement {
    const reports = [...this.latest.values(), ...this.departed].map(({ member, report }) =>
      this.witness(member, report),
    );
    const failures = [...this.failures].map(([rank, operation]) => ({ rank, operation }));
    return settle(reports, failures, known);
  }

  /** An epoch of these members begins. */
  resumed(members: readonly MemberRecord[]): void {
    this.clear();
    this.veterans = members;
    this.resumedAt = performance.now();
  }

  /** No member is left. */
  clear(): void {
    this.latest.clear();
    this.failures.clear();
    this.departed = [];
    this.resumedAt = undefined;
  }

  private witness({ rank, process }: MemberRecord, { completed, received }: ProgressMessage): StandingReport {
    // Another process that took the rank over knows nothing of the operation, even at the same address.
    const isVeteran = process !== '' && this.veterans.some((each) => each.rank === rank && each.process === process);
    return { rank, isVeteran, completed, received };
  }

  private check({ rank }: MemberRecord, { epoch, completed, received }: ProgressMessage, record: JobRecord): void {
    const text = `worker ${rank} reports completed ${completed} and received ${received} in epoch ${epoch}`;
    if (epoch > record.epoch)
      throw new SessionProtocolError(`${text}, but the last epoch that was announced is ${record.epoch}`);
    if (received < completed || received > completed + 1)
      throw new SessionProtocolError(`${text}, but a worker receives only the operation after its last complete one`);
    if (this.resumedAt === undefined) return;
    const most = record.completed + OPERATIONS_PER_MS * (1 + performance.now() - this.resumedAt);
    if (completed > most)
      throw new SessionProtocolError(`${text}, but its epoch has only begun after operation ${record.completed}`);
  }
}
