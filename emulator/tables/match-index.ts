import type { TableDef } from '../json/program.js';
import type { KeyLayout } from './key-layout.js';
import { preference, type MatchIndex, type StoredEntry } from './entry.js';

export function createIndex(kind: TableDef['matchKind'], layout: KeyLayout): MatchIndex {
  switch (kind) {
    case 'exact':
      return new ExactIndex();
    case 'lpm':
      return new PrefixIndex();
    case 'ternary':
      return new MaskIndex();
    case 'range':
      return new RangeIndex(layout);
  }
}

class ExactIndex implements MatchIndex {
  private readonly entries = new Map<bigint, StoredEntry>();
  add(entry: StoredEntry): void {
    this.entries.set(entry.value, entry);
  }
  remove(entry: StoredEntry): void {
    this.entries.delete(entry.value);
  }
  lookup(key: bigint): StoredEntry | undefined {
    return this.entries.get(key);
  }
  clear(): void {
    this.entries.clear();
  }
}

/** One hash table for each prefix length, longest first. Exact keys next to the lpm key are part of every mask. */
class PrefixIndex implements MatchIndex {
  private readonly groups: {
    readonly mask: bigint;
    readonly bits: number;
    readonly entries: Map<bigint, StoredEntry>;
  }[] = [];

  add(entry: StoredEntry): void {
    let group = this.groups.find((candidate) => candidate.mask === entry.mask);
    if (group === undefined) {
      group = { mask: entry.mask, bits: countBits(entry.mask), entries: new Map() };
      this.groups.push(group);
      this.groups.sort((a, b) => b.bits - a.bits);
    }
    group.entries.set(entry.value, entry);
  }

  remove(entry: StoredEntry): void {
    const at = this.groups.findIndex((candidate) => candidate.mask === entry.mask);
    if (at < 0) return;
    this.groups[at]!.entries.delete(entry.value);
    if (this.groups[at]!.entries.size === 0) this.groups.splice(at, 1);
  }

  lookup(key: bigint): StoredEntry | undefined {
    for (const group of this.groups) {
      const entry = group.entries.get(key & group.mask);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  clear(): void {
    this.groups.length = 0;
  }
}

/**
 * Tuple space search: entries with one mask share a hash table, and tables are tried in the order of their best
 * entry, so that the search ends as soon as no later table can win.
 */
class MaskIndex implements MatchIndex {
  private groups: { readonly mask: bigint; best: StoredEntry; readonly entries: Map<bigint, StoredEntry[]> }[] = [];

  add(entry: StoredEntry): void {
    let group = this.groups.find((candidate) => candidate.mask === entry.mask);
    if (group === undefined) {
      group = { mask: entry.mask, best: entry, entries: new Map() };
      this.groups.push(group);
    }
    const same = group.entries.get(entry.value);
    group.entries.set(entry.value, [...(same ?? []), entry].sort(preference));
    if (preference(entry, group.best) < 0) group.best = entry;
    this.groups.sort((a, b) => preference(a.best, b.best));
  }

  remove(entry: StoredEntry): void {
    const group = this.groups.find((candidate) => candidate.mask === entry.mask);
    const same = group?.entries.get(entry.value);
    if (group === undefined || same === undefined) return;
    same.splice(same.indexOf(entry), 1);
    if (same.length === 0) group.entries.delete(entry.value);
    const rest = [...group.entries.values()].map((list) => list[0]!).sort(preference);
    if (rest.length === 0) this.groups = this.groups.filter((candidate) => candidate !== group);
    else group.best = rest[0]!;
    this.groups.sort((a, b) => preference(a.best, b.best));
  }

  lookup(key: bigint): StoredEntry | undefined {
    let best: StoredEntry | undefined;
    for (const group of this.groups) {
      if (best !== undefined && preference(best, group.best) < 0) break;
      const found = group.entries.get(key & group.mask)?.[0];
      if (found !== undefined && (best === undefined || preference(found, best) < 0)) best = found;
    }
    return best;
  }

  clear(): void {
    this.groups = [];
  }
}

/** A list in order of preference: ranges do not hash, and tables with ranges are short. */
class RangeIndex implements MatchIndex {
  private readonly entries: StoredEntry[] = [];
  constructor(private readonly layout: KeyLayout) {}

  add(entry: StoredEntry): void {
    this.entries.push(entry);
    this.entries.sort(preference);
  }

  remove(entry: StoredEntry): void {
    this.entries.splice(this.entries.indexOf(entry), 1);
  }

  lookup(key: bigint): StoredEntry | undefined {
    return this.entries.find((entry) => (key & entry.mask) === entry.value && this.layout.inRanges(entry.keys, key));
  }

  clear(): void {
    this.entries.length = 0;
  }
}

function countBits(value: bigint): number {
  let bits = 0;
  for (let rest = value; rest > 0n; rest &= rest - 1n) bits++;
  return bits;
}
