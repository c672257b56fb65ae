/** The workers of one job that are connected, and which of the others left of their own accord. */
import type { AnnouncementMessage, ControllerMessage, MissingRankMessage } from '../messages.js';
import type { MemberLink } from './job-records.js';
import type { MemberRecord } from './state.js';

export interface Attached {
  readonly member: MemberRecord;
  readonly link: MemberLink;
  /** What it says it will reduce. */
  readonly announcements: readonly AnnouncementMessage[];
  /** It finds out what its way carries, and its chunks have the size that Resume says. */
  readonly followsPacketValues: boolean;
}

export class Roster {
  private readonly attached = new Map<number, Attached>();
  /** Ranks that left of their own accord; others that are missing were lost. */
  private readonly departed: Set<number>;

  /** @param workers of the job */
  constructor(
    private readonly workers: () => number,
    left: Iterable<number>,
  ) {
    this.departed = new Set(left);
  }

  get size(): number {
    return this.attached.size;
  }

  has(rank: number): boolean {
    return this.attached.has(rank);
  }

  get(rank: number): Attached | undefined {
    return this.attached.get(rank);
  }

  /** Whether `link` is the present connection of `rank`, and not one that was replaced. */
  holds(rank: number, link: MemberLink): boolean {
    return this.attached.get(rank)?.link === link;
  }

  /** In the order of their ranks. */
  ranks(): number[] {
    return [...this.attached.keys()].sort((a, b) => a - b);
  }

  /** In the order of their ranks. */
  members(): MemberRecord[] {
    return this.ranks().map((rank) => this.attached.get(rank)!.member);
  }

  all(): readonly Attached[] {
    return [...this.attached.values()];
  }

  /** What each says it will reduce, by rank. */
  announcements(): [number, readonly AnnouncementMessage[]][] {
    return [...this.attached].map(([rank, { announcements }]) => [rank, announcements]);
  }

  /** Replaces the connection that the rank had. */
  add(worker: Attached): void {
    const { rank } = worker.member;
    this.attached.set(rank, worker);
    this.departed.delete(rank);
  }

  remove(rank: number): void {
    this.attached.delete(rank);
  }

  /** @returns those that were connected */
  removeAll(): readonly Attached[] {
    const all = this.all();
    this.attached.clear();
    return all;
  }

  send(message: ControllerMessage): void {
    for (const { link } of this.attached.values()) link.send(message);
  }

  sendToOthers(rank: number, message: ControllerMessage): void {
    for (const [other, { link }] of this.attached) if (other !== rank) link.send(message);
  }

  leaves(rank: number): void {
    this.departed.add(rank);
  }

  forgetThoseWhoLeft(): void {
    this.departed.clear();
  }

  get left(): number[] {
    return [...this.departed];
  }

  missing(): MissingRankMessage[] {
    const ranks = [...Array(this.workers()).keys()].filter((rank) => !this.attached.has(rank));
    return ranks.map((rank) => ({ rank, left: this.departed.has(rank) }));
  }
}
