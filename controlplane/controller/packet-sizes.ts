/**
 * How many values a whole chunk of a job holds: as many as its program takes and the ways of all its members carry
 * (docs/controller.md, "Packet size"). All members of an epoch cut their tensors alike, so it is chosen once for each.
 */
import { SessionProtocolError } from '../errors.js';
import type { PathMessage } from '../messages.js';

export class PacketSizes {
  /** By rank, what was found last: most values of a packet that came through; 0: no packet did, so nothing is known. */
  private readonly paths = new Map<number, number>();
  private chosen = 0;

  /** @param steps values that the program's packets may hold, ascending */
  constructor(private readonly steps: () => readonly number[]) {}

  /** Values of a whole chunk in the epoch that runs; 0: none has run yet. */
  get current(): number {
    return this.chosen;
  }

  /** Whether the program's packets have more than one length. */
  get selectable(): boolean {
    return this.steps().length > 1;
  }

  /** Most values of a packet that the way of `rank` carries; 0: not known. */
  of(rank: number): number {
    return this.paths.get(rank) ?? 0;
  }

  /** No epoch runs. */
  clear(): void {
    this.forgetPaths();
    this.chosen = 0;
  }

  forgetPaths(): void {
    this.paths.clear();
  }

  forget(rank: number): void {
    this.paths.delete(rank);
  }

  /** What the way of `rank` carries. @throws SessionProtocolError for a length that packets do not have */
  found(rank: number, { values }: PathMessage): void {
    this.check(rank, values);
    this.paths.set(rank, values);
  }

  /** The way of `rank` carries less than before. @returns whether that is less than the job's packets @throws SessionProtocolError */
  narrow(rank: number, { values }: PathMessage): boolean {
    this.check(rank, values);
    if (values === 0 || values >= this.chosen) return false;
    this.paths.set(rank, values);
    return true;
  }

  /** What Resume says: 0 where the program's packets have only one length. */
  get announced(): number {
    return this.selectable ? this.chosen : 0;
  }

  /** For all that have not answered, the others' answers hold; they say so if operations halt. */
  choose(): void {
    const known = [...this.paths.values()].filter((values) => values > 0);
    this.chosen = Math.min(this.steps().at(-1) ?? 0, ...known);
  }

  /** For people: the size, and whose way is the reason that it is not the program's. Empty where there is no choice. */
  describe(): string {
    if (!this.selectable) return '';
    const largest = this.steps().at(-1)!;
    const size = `packets of up to ${this.chosen} values`;
    if (this.chosen === largest) return size;
    const ranks = [...this.paths].filter(([, values]) => values === this.chosen).map(([rank]) => rank);
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
