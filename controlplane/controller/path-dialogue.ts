/**
 * Once the switches admit an epoch's packets, its members are asked what their ways carry, and the epoch begins when
 * all have answered or their time is over (docs/controller.md, "Packet size").
 */
import type { PathMessage } from '../messages.js';
import { Deadline } from './deadline.js';
import type { PacketSizes } from './packet-sizes.js';
import type { Attached } from './roster.js';

export class PathDialogue {
  /** Ranks that have been asked and have not answered. */
  private readonly asked = new Set<number>();
  private readonly deadline = new Deadline();
  private settled: () => void = () => undefined;

  /** @param timeoutMs how long the members may take to answer */
  constructor(
    private readonly sizes: PacketSizes,
    private readonly timeoutMs: number,
  ) {}

  /** Whether answers are awaited. */
  get open(): boolean {
    return this.asked.size > 0;
  }

  /**
   * An epoch's switches answer.
   * @param settled the epoch may begin; called before this returns if there is nothing to choose, or if not all members
   * follow what is chosen. Not called once {@link stop} is.
   */
  begin(epoch: number, members: readonly Attached[], settled: () => void): void {
    this.stop();
    this.sizes.forgetPaths();
    if (!this.sizes.selectable || !members.every(({ followsPacketValues }) => followsPacketValues)) {
      settled();
      return;
    }
    this.settled = settled;
    for (const { member } of members) this.asked.add(member.rank);
    for (const { link } of members) link.send({ tryPath: { epoch } });
    this.deadline.start(this.timeoutMs, () => this.settle());
  }

  /** @throws SessionProtocolError for a size that packets do not have */
  answer(rank: number, report: PathMessage): void {
    this.sizes.found(rank, report);
    if (this.asked.delete(rank) && !this.open) this.settle();
  }

  /** Answers are no longer awaited. */
  stop(): void {
    this.asked.clear();
    this.deadline.stop();
  }

  /** The worker is no longer connected. */
  forget(rank: number): void {
    this.asked.delete(rank);
    this.sizes.forget(rank);
  }

  private settle(): void {
    this.stop();
    this.settled();
  }
}
