import type { ProfileReference } from '../control.js';

/** How many entries refer to each member and group. */
export class ReferenceCounts {
  private readonly counts = { member: new Map<number, number>(), group: new Map<number, number>() };

  has({ kind, id }: ProfileReference): boolean {
    return this.counts[kind].has(id);
  }

  add(reference: ProfileReference | undefined): void {
    if (reference === undefined) return;
    const counts = this.counts[reference.kind];
    counts.set(reference.id, (counts.get(reference.id) ?? 0) + 1);
  }

  remove(reference: ProfileReference | undefined): void {
    if (reference === undefined) return;
    const counts = this.counts[reference.kind];
    const left = counts.get(reference.id)! - 1;
    if (left > 0) counts.set(reference.id, left);
    else counts.delete(reference.id);
  }
}
