/**
 * How many values a whole chunk of a job holds: as many as its program takes and the ways of all its members carry
 * (docs/controller.md, "Packet size"). All members of an epoch cut their tensors alike, so it is chosen once for each.
 */
import { SessionProtocolError } from '../errors.js';
import type { PathMessage } from '../messages.js';

export class PacketSizes {
  /** By rank, what was found last: most values of a packet that came through; 0: no packet did, so nothing is known. */
  private readonly found = new Map<number, number>();
  /** Members that have been asked and have not answered. */
  private readonly asked = new Set<number>();
  private chosen = 0;

  /** @param steps values that the program's packets may hold, ascending */
  constructor(private readonly steps: () => readonly number[]) {}

  /** Values of a whole chunk in the epoch that runs; 0: none has run yet. */
  get current(): number {
    return this.chosen;
  }

  /** Whether answers are awaited. */
  get trying(): boolean {
    return this.asked.size > 0;
  }

  /** Most values of a packet that the way of `rank` carries; 0: not known. */
  of(rank: number): number {
    return this.found.get(rank) ?? 0;
  }

  /**
   * An epoch begins.
   * @param follow whether each member, by rank, answers and follows what is chosen
   * @returns whether they are to be asked what their ways carry
   */
  begin(follow: ReadonlyMap<number, boolean>): boolean {
    this.stop();
    this.found.clear();
    if (this.steps().length <= 1 || ![...follow.values()].every((follows) => follows)) return false;
    for (const rank of follow.keys()) this.asked.add(rank);
    return true;
  }

  /** Answers are no longer awaited. */
  stop(): void {
    this.asked.clear();
  }

  /** No epoch runs. */
  clear(): void {
    this.stop();
    this.found.clear();
    this.chosen = 0;
  }

  forget(rank: number): void {
    this.asked.delete(rank);
    this.found.delete(rank);
  }

  /** @returns whether it was the last answer @throws SessionProtocolError for a length that packets do not have */
  answer(rank: number, { values }: PathMessage): boolean {
    this.check(rank, values);
    this.found.set(rank, values);
    return this.asked.delete(rank) && this.asked.size === 0;
  }

  /** The way of `rank` carries less than before. @returns whether that is less than the job's packets @throws SessionProtocolError */
  narrow(rank: number, { values }: PathMessage): boolean {
    this.check(rank, values);
    if (values === 0 || values >= this.chosen) return false;
    this.found.set(rank, values);
    return true;
  }

  /** What Resume says: 0 where the program's packets have only one length. */
  get announced(): number {
    return this.steps().length > 1 ? this.chosen : 0;
  }

  /** For all that have not answered, the others' answers hold; they say so if operations halt. */
  choose(): void {
    this.stop();
    const known = [...this.found.values()].filter((values) => values > 0);
    this.chosen = Math.min(this.steps().at(-1) ?? 0, ...known);
  }

  /** For people: the size, and whose way is the reason that it is not the program's. Empty where there is no choice. */
  describe(): string {
    const steps = this.steps();
    if (steps.length <= 1) return '';
    const largest = steps.at(-1)!;
    const size = `packets of up to ${this.chosen} values`;
    if (this.chosen === largest) return size;
    const ranks = [...this.found].filter(([, values]) => values === this.chosen).map(([rank]) => rank);
    const whose = `${ranks.length === 1 ? 'worker' : 'workers'} ${ranks.sort((a, b) => a - b).join(', ')}`;
    return `${size} instead of ${largest}: the path of ${whose} carries no more`;
  }

  private check(rank: number, values: number): void {
    const steps = this.steps();
    if (values !== 0 && !steps.includes(values))
      throw new SessionProtocolError(
        `worker ${rank} reports a path for packets of ${values} values, where they have ${steps.join(', ')}`,
      );
  }
}
