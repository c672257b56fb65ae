import { preference, type StoredEntry } from './entry.js';

/**
 * A bound for a group of entries: no entry of it is preferred to `bound`. It is the best entry, or was until that was
 * removed: entries are then looked through only after half of them were removed, so that removing stays O(1) on
 * average. Until then a search may look into the group in vain.
 */
export class BestEntry {
  private isStale = false;
  private removals = 0;

  constructor(public bound: StoredEntry) {}

  /** @returns whether the bound has changed */
  add(entry: StoredEntry): boolean {
    if (preference(entry, this.bound) >= 0) return false;
    this.bound = entry;
    this.isStale = false;
    return true;
  }

  /** @param rest what remains, at least one. @returns whether the bound has changed */
  remove(entry: StoredEntry, size: number, rest: () => Iterable<StoredEntry>): boolean {
    this.removals++;
    if (preference(entry, this.bound) === 0) this.isStale = true;
    if (!this.isStale || this.removals * 2 < size) return false;
    let best: StoredEntry | undefined;
    for (const each of rest()) if (best === undefined || preference(each, best) < 0) best = each;
    this.bound = best!;
    this.isStale = false;
    this.removals = 0;
    return true;
  }

  replace(before: StoredEntry, entry: StoredEntry): void {
    if (this.bound === before) this.bound = entry;
  }
}
