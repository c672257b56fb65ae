import type { MatchKey } from '../control.js';
import type { TableDef } from '../json/program.js';
import type { KeyLayout } from './key-layout.js';
import { BestEntry } from './best-entry.js';
import { preference, type MatchIndex, type StoredEntry } from './entry.js';

export function createIndex(kind: TableDef['matchKind'], layout: KeyLayout): MatchIndex {
  const wide = layout.width > HASHED_BITS;
  switch (kind) {
    case 'exact':
      return new ExactIndex(wide);
    case 'lpm':
      return new PrefixIndex(wide);
    case 'ternary':
      return new MaskIndex(wide);
    case 'range':
      return new RangeIndex(layout);
  }
}

/** V8 hashes a bigint by its lowest 64 bits, so that keys which differ above those would share a chain. */
const HASHED_BITS = 64;

/** A hash table by values of keys. */
class ValueMap<T> {
  private readonly map = new Map<bigint | string, T>();

  constructor(private readonly wide: boolean) {}

  get size(): number {
    return this.map.size;
  }

  get(value: bigint): T | undefined {
    return this.map.get(this.key(value));
  }

  set(value: bigint, item: T): void {
    this.map.set(this.key(value), item);
  }

  delete(value: bigint): void {
    this.map.delete(this.key(value));
  }

  values(): IterableIterator<T> {
    return this.map.values();
  }

  private key(value: bigint): bigint | string {
    return this.wide ? value.toString(16) : value;
  }
}

class ExactIndex implements MatchIndex {
  private readonly entries: ValueMap<StoredEntry>;
  constructor(wide: boolean) {
    this.entries = new ValueMap(wide);
  }
  add(entry: StoredEntry): void {
    this.entries.set(entry.value, entry);
  }
  remove(entry: StoredEntry): void {
    this.entries.delete(entry.value);
  }
  replace(_before: StoredEntry, entry: StoredEntry): void {
    this.add(entry);
  }
  lookup(key: bigint): StoredEntry | undefined {
    return this.entries.get(key);
  }
  find(_keys: readonly MatchKey[], value: bigint): StoredEntry | undefined {
    return this.entries.get(value);
  }
}

/** One hash table for each prefix length, longest first. Exact keys next to the lpm key are part of every mask. */
class PrefixIndex implements MatchIndex {
  private readonly groups: {
    readonly mask: bigint;
    readonly bits: number;
    readonly entries: ValueMap<StoredEntry>;
  }[] = [];

  constructor(private readonly wide: boolean) {}

  add(entry: StoredEntry): void {
    let group = this.groups.find((candidate) => candidate.mask === entry.mask);
    if (group === undefined) {
      group = { mask: entry.mask, bits: countBits(entry.mask), entries: new ValueMap(this.wide) };
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

  replace(_before: StoredEntry, entry: StoredEntry): void {
    this.add(entry);
  }

  lookup(key: bigint): StoredEntry | undefined {
    for (const group of this.groups) {
      const entry = group.entries.get(key & group.mask);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  find(_keys: readonly MatchKey[], value: bigint, mask: bigint): StoredEntry | undefined {
    return this.groups.find((group) => group.mask === mask)?.entries.get(value);
  }
}

interface MaskGroup {
  readonly mask: bigint;
  readonly best: BestEntry;
  readonly entries: ValueMap<StoredEntry[]>;
}

/**
 * Tuple space search: entries with one mask share a hash table, and tables are tried in the order of their best
 * entry, so that the search ends as soon as no later table can win.
 */
class MaskIndex implements MatchIndex {
  private readonly byMask: ValueMap<MaskGroup>;
  private groups: MaskGroup[] = [];

  constructor(private readonly wide: boolean) {
    this.byMask = new ValueMap(wide);
  }

  add(entry: StoredEntry): void {
    let group = this.byMask.get(entry.mask);
    if (group === undefined) {
      group = { mask: entry.mask, best: new BestEntry(entry), entries: new ValueMap(this.wide) };
      this.byMask.set(entry.mask, group);
      this.groups.push(group);
      this.order();
    } else if (group.best.add(entry)) this.order();
    const same = group.entries.get(entry.value);
    if (same === undefined) group.entries.set(entry.value, [entry]);
    else {
      same.push(entry);
      same.sort(preference);
    }
  }

  remove(entry: StoredEntry): void {
    const group = this.byMask.get(entry.mask);
    const same = group?.entries.get(entry.value);
    if (group === undefined || same === undefined) return;
    same.splice(same.indexOf(entry), 1);
    if (same.length === 0) group.entries.delete(entry.value);
    if (group.entries.size === 0) {
      this.byMask.delete(group.mask);
      this.groups = this.groups.filter((candidate) => candidate !== group);
    } else if (group.best.remove(entry, group.entries.size, () => firsts(group))) this.order();
  }

  replace(before: StoredEntry, entry: StoredEntry): void {
    const group = this.byMask.get(entry.mask)!;
    const same = group.entries.get(entry.value)!;
    same[same.indexOf(before)] = entry;
    group.best.replace(before, entry);
  }

  lookup(key: bigint): StoredEntry | undefined {
    let best: StoredEntry | undefined;
    for (const group of this.groups) {
      if (best !== undefined && preference(best, group.best.bound) < 0) break;
      const found = group.entries.get(key & group.mask)?.[0];
      if (found !== undefined && (best === undefined || preference(found, best) < 0)) best = found;
    }
    return best;
  }

  find(_keys: readonly MatchKey[], value: bigint, mask: bigint, priority: number): StoredEntry | undefined {
    const same = this.byMask.get(mask)?.entries.get(value);
    return same?.find((entry) => entry.priority === priority);
  }

  private order(): void {
    this.groups.sort((a, b) => preference(a.best.bound, b.best.bound));
  }
}

function* firsts({ entries }: MaskGroup): Generator<StoredEntry> {
  for (const [first] of entries.values()) yield first!;
}

/** A list in order of preference: ranges do not hash, and tables with ranges are short. */
class RangeIndex implements MatchIndex {
  private readonly entries: StoredEntry[] = [];
  private readonly byIdentity = new Map<string, StoredEntry>();
  constructor(private readonly layout: KeyLayout) {}

  add(entry: StoredEntry): void {
    this.byIdentity.set(rangeIdentity(entry.keys, entry.value, entry.mask, entry.priority), entry);
    const at = this.entries.findIndex((other) => preference(entry, other) < 0);
    this.entries.splice(at < 0 ? this.entries.length : at, 0, entry);
  }

  remove(entry: StoredEntry): void {
    this.byIdentity.delete(rangeIdentity(entry.keys, entry.value, entry.mask, entry.priority));
    this.entries.splice(this.entries.indexOf(entry), 1);
  }

  replace(before: StoredEntry, entry: StoredEntry): void {
    this.byIdentity.set(rangeIdentity(entry.keys, entry.value, entry.mask, entry.priority), entry);
    this.entries[this.entries.indexOf(before)] = entry;
  }

  lookup(key: bigint): StoredEntry | undefined {
    return this.entries.find((entry) => (key & entry.mask) === entry.value && this.layout.inRanges(entry.keys, key));
  }

  find(keys: readonly MatchKey[], value: bigint, mask: bigint, priority: number): StoredEntry | undefined {
    return this.byIdentity.get(rangeIdentity(keys, value, mask, priority));
  }
}

function rangeIdentity(keys: readonly MatchKey[], value: bigint, mask: bigint, priority: number): string {
  const ranges = keys.map((key) => (key.kind === 'range' ? `${key.low}-${key.high}` : '')).join();
  return `${value}&${mask};${priority};${ranges}`;
}

function countBits(value: bigint): number {
  let bits = 0;
  for (let rest = value; rest > 0n; rest &= rest - 1n) bits++;
  return bits;
}
