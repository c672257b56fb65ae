import { BestEntry } from '../tables/best-entry.js';
import { preference, type CountStore, type StoredEntry, type TableObserver } from '../tables/entry.js';
import type { Table } from '../tables/table.js';
import type { ActionDef } from '../json/program.js';
import { ENTRY, GROUP, TABLE, type Layout, type TableLayout } from './layout.js';
import type { ProgramMemory } from './memory.js';

/** Entries with one mask: a hash table with open addressing, at most half full. */
interface Group {
  readonly mask: bigint;
  /** Values that several entries have, which only a table with priorities allows: the preferred one is in the buckets. */
  readonly several: Map<bigint, StoredEntry[]>;
  readonly address: number;
  readonly best: BestEntry;
  buckets: number;
  capacity: number;
  /** Buckets in use. */
  size: number;
}

const SMALLEST_TABLE = 8;

/**
 * Keeps the entries of one table in linear memory, where the compiled look-up finds them. The control plane works on
 * the Table; this mirrors its changes.
 */
export class TableMemory implements TableObserver {
  private readonly place: TableLayout;
  /** By the number in the entry's record, for calls of the compiled code. */
  private readonly byId: (StoredEntry | undefined)[] = [];
  private readonly freeIds: number[] = [];
  private readonly groups = new Map<bigint, Group>();
  private ranges: StoredEntry[] = [];
  private readonly counts: CountStore;
  private list = { address: 0, capacity: 0 };
  private defaultArgs = { address: 0, bytes: 0 };

  constructor(
    private readonly table: Table,
    private readonly layout: Layout,
    private readonly memory: ProgramMemory,
  ) {
    this.place = layout.tables[table.def.index]!;
    this.counts = new EntryCounts(memory);
    table.observe(this);
  }

  entry(id: number): StoredEntry {
    return this.byId[id]!;
  }

  /** The address of an entry's record. */
  addressOf(entry: StoredEntry): number {
    return entry.record;
  }

  added(entry: StoredEntry): void {
    const { memory, place } = this;
    const id = this.freeIds.pop() ?? this.byId.length;
    this.byId[id] = entry;
    const address = memory.allocate(place.entryBytes);
    memory.i32[(address + ENTRY.id) >> 2] = id;
    memory.f64[(address + ENTRY.priority) >> 3] = entry.priority;
    memory.i32[(address + ENTRY.handle) >> 2] = entry.handle;
    entry.countIn(this.counts, address);
    memory.writeLimbs(address + ENTRY.key, place.keyLimbs, entry.value);
    this.changed(entry);
    if (this.table.def.matchKind === 'range') this.addRange(entry);
    else this.addToGroup(entry);
  }

  removed(entry: StoredEntry): void {
    const address = entry.record;
    if (this.table.def.matchKind === 'range') {
      this.ranges.splice(this.ranges.indexOf(entry), 1);
      this.writeList(this.ranges.map(({ record }) => record));
    } else {
      this.removeFromGroup(entry);
    }
    entry.countIn(undefined, 0);
    const id = this.memory.i32[(address + ENTRY.id) >> 2]!;
    this.byId[id] = undefined;
    this.freeIds.push(id);
    this.memory.release(address, this.place.entryBytes);
  }

  replaced(before: StoredEntry, entry: StoredEntry): void {
    this.byId[this.memory.i32[(entry.record + ENTRY.id) >> 2]!] = entry;
    if (this.table.def.matchKind === 'range') {
      this.ranges[this.ranges.indexOf(before)] = entry;
      return;
    }
    const group = this.groups.get(entry.mask)!;
    const same = group.several.get(entry.value);
    if (same !== undefined) same[same.indexOf(before)] = entry;
    group.best.replace(before, entry);
  }

  changed(entry: StoredEntry): void {
    const address = entry.record;
    this.memory.i32[(address + ENTRY.action) >> 2] = entry.action?.index ?? -1;
    if (entry.action !== null) this.writeArguments(address + this.place.args, entry.action, entry.args);
  }

  defaultChanged(): void {
    const { memory, table, place } = this;
    const action = table.defaultAction;
    memory.i32[(place.address + TABLE.defaultAction) >> 2] = action?.index ?? -1;
    if (action === null) return;
    if (this.defaultArgs.address === 0) {
      const bytes = place.entryBytes - place.args;
      this.defaultArgs = { address: memory.allocate(bytes), bytes };
      memory.i32[(place.address + TABLE.defaultArgs) >> 2] = this.defaultArgs.address;
    }
    this.writeArguments(this.defaultArgs.address, action, table.defaultArgs);
  }

  writeArguments(address: number, action: ActionDef, args: readonly bigint[]): void {
    this.layout.params[action.index]!.forEach(({ offset, limbs }, i) =>
      this.memory.writeLimbs(address + offset, limbs, args[i]!),
    );
  }

  private addRange(added: StoredEntry): void {
    const { memory, place } = this;
    const masks = added.record + ENTRY.key + 8 * place.keyLimbs;
    memory.writeLimbs(masks, place.keyLimbs, added.mask);
    added.keys.forEach((key, i) => {
      if (key.kind !== 'range') return;
      const bounds = masks + 8 * place.keyLimbs + 16 * i;
      memory.writeLimbs(bounds, 1, key.low);
      memory.writeLimbs(bounds + 8, 1, key.high);
    });
    const at = this.ranges.findIndex((other) => preference(added, other) < 0);
    this.ranges.splice(at < 0 ? this.ranges.length : at, 0, added);
    this.writeList(this.ranges.map(({ record }) => record));
  }

  private addToGroup(entry: StoredEntry): void {
    let group = this.groups.get(entry.mask);
    if (group === undefined) {
      group = {
        mask: entry.mask,
        several: new Map(),
        address: this.memory.allocate(GROUP.mask + 8 * this.place.keyLimbs),
        best: new BestEntry(entry),
        buckets: 0,
        capacity: 0,
        size: 0,
      };
      this.memory.writeLimbs(group.address + GROUP.mask, this.place.keyLimbs, entry.mask);
      this.groups.set(entry.mask, group);
      this.orderGroups();
    } else if (group.best.add(entry)) this.orderGroups();
    const first = this.table.ranked ? this.first(group, entry.value) : undefined;
    if (first === undefined) {
      this.put(group, entry);
      return;
    }
    const same = group.several.get(entry.value) ?? [first];
    same.push(entry);
    same.sort(preference);
    group.several.set(entry.value, same);
    if (same[0] === entry) this.exchange(group, first, entry);
  }

  private removeFromGroup(gone: StoredEntry): void {
    const group = this.groups.get(gone.mask)!;
    const same = group.several.get(gone.value);
    if (same === undefined) this.takeOut(group, gone);
    else {
      const at = same.indexOf(gone);
      same.splice(at, 1);
      if (at === 0) this.exchange(group, gone, same[0]!);
      if (same.length === 1) group.several.delete(gone.value);
    }
    if (group.size === 0) {
      this.memory.release(group.buckets, group.capacity * 4);
      this.memory.release(group.address, GROUP.mask + 8 * this.place.keyLimbs);
      this.groups.delete(group.mask);
      this.orderGroups();
    } else if (group.best.remove(gone, group.size, () => this.firsts(group))) this.orderGroups();
  }

  /** The entry of this value that is in a bucket. */
  private first(group: Group, value: bigint): StoredEntry | undefined {
    if (group.size === 0) return undefined;
    const { i32 } = this.memory;
    for (let at = hashKey(value, this.place.keyLimbs); ; at++) {
      const address = i32[(group.buckets >> 2) + (at & (group.capacity - 1))]!;
      if (address === 0) return undefined;
      const entry = this.at(address);
      if (entry.value === value) return entry;
    }
  }

  private at(address: number): StoredEntry {
    return this.entry(this.memory.i32[(address + ENTRY.id) >> 2]!);
  }

  /** {@link hashKey} of the key in a record. */
  private hashAt(address: number): number {
    const { i32 } = this.memory;
    const words = (address + ENTRY.key) >> 2;
    let hash = SEED;
    for (let i = 0; i < this.place.keyLimbs; i++) hash = mix(hash, i32[words + 2 * i]!, i32[words + 2 * i + 1]!);
    return hash;
  }

  private *firsts(group: Group): Generator<StoredEntry> {
    for (let bucket = 0; bucket < group.capacity; bucket++) {
      const address = this.memory.i32[(group.buckets >> 2) + bucket]!;
      if (address !== 0) yield this.at(address);
    }
  }

  private put(group: Group, added: StoredEntry): void {
    if (++group.size * 2 > group.capacity) this.enlarge(group);
    this.occupy(group, added.record, this.hashAt(added.record));
  }

  private occupy(group: Group, address: number, hash: number): void {
    const { i32 } = this.memory;
    let at = hash;
    while (i32[(group.buckets >> 2) + (at & (group.capacity - 1))] !== 0) at++;
    i32[(group.buckets >> 2) + (at & (group.capacity - 1))] = address;
  }

  /** Puts an entry in the bucket of another one with the same value. */
  private exchange(group: Group, before: StoredEntry, entry: StoredEntry): void {
    this.memory.i32[this.bucketOf(group, before)] = entry.record;
  }

  /** The index in i32 of the bucket that an entry is in. */
  private bucketOf(group: Group, entry: StoredEntry): number {
    const { i32 } = this.memory;
    const base = group.buckets >> 2;
    const mask = group.capacity - 1;
    let at = this.hashAt(entry.record) & mask;
    while (i32[base + at] !== entry.record) at = (at + 1) & mask;
    return base + at;
  }

  private enlarge(group: Group): void {
    const { memory } = this;
    const old = { buckets: group.buckets, capacity: group.capacity };
    group.capacity = Math.max(SMALLEST_TABLE, 2 * old.capacity);
    group.buckets = memory.allocate(group.capacity * 4);
    memory.i32.fill(0, group.buckets >> 2, (group.buckets >> 2) + group.capacity);
    for (let bucket = 0; bucket < old.capacity; bucket++) {
      const address = memory.i32[(old.buckets >> 2) + bucket]!;
      if (address !== 0) this.occupy(group, address, this.hashAt(address));
    }
    memory.i32[(group.address + GROUP.buckets) >> 2] = group.buckets;
    memory.i32[(group.address + GROUP.bucketMask) >> 2] = group.capacity - 1;
    if (old.capacity > 0) memory.release(old.buckets, old.capacity * 4);
  }

  /** Empties a bucket and moves later entries of its chain forward, so that no chain has a gap. */
  private takeOut(group: Group, gone: StoredEntry): void {
    const { i32 } = this.memory;
    const base = group.buckets >> 2;
    const mask = group.capacity - 1;
    let hole = this.bucketOf(group, gone) - base;
    i32[base + hole] = 0;
    group.size--;
    for (let at = (hole + 1) & mask; i32[base + at] !== 0; at = (at + 1) & mask) {
      const address = i32[base + at]!;
      const home = this.hashAt(address) & mask;
      // It may move into the hole unless its home lies between the hole and its present place.
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      i32[base + hole] = address;
      i32[base + at] = 0;
      hole = at;
    }
  }

  /** lpm: longest prefix first; ternary: the group with the most preferred entry first. Exact: there is one group. */
  private orderGroups(): void {
    const { memory, place, table } = this;
    const groups = [...this.groups.values()];
    if (table.def.matchKind === 'exact') {
      memory.i32[(place.address + TABLE.index) >> 2] = groups[0]?.address ?? 0;
      memory.i32[(place.address + TABLE.count) >> 2] = groups.length;
      return;
    }
    if (table.def.matchKind === 'lpm') {
      groups.sort((a, b) => countBits(b.mask) - countBits(a.mask));
    } else {
      groups.sort((a, b) => preference(a.best.bound, b.best.bound));
      for (const { address, best } of groups) {
        memory.f64[(address + GROUP.priority) >> 3] = best.bound.priority;
        memory.i32[(address + GROUP.handle) >> 2] = best.bound.handle;
      }
    }
    this.writeList(groups.map((group) => group.address));
  }

  private writeList(addresses: readonly number[]): void {
    const { memory, place } = this;
    if (addresses.length > this.list.capacity) {
      if (this.list.capacity > 0) memory.release(this.list.address, this.list.capacity * 4);
      const capacity = 2 * addresses.length;
      this.list = { address: memory.allocate(capacity * 4), capacity };
    }
    addresses.forEach((address, i) => (memory.i32[(this.list.address >> 2) + i] = address));
    memory.i32[(place.address + TABLE.index) >> 2] = this.list.address;
    memory.i32[(place.address + TABLE.count) >> 2] = addresses.length;
  }
}

/** The direct counters of entries, where compiled code counts. */
class EntryCounts implements CountStore {
  constructor(private readonly memory: ProgramMemory) {}

  packets(record: number): number {
    return this.memory.f64[(record + ENTRY.packets) >> 3]!;
  }

  bytes(record: number): number {
    return this.memory.f64[(record + ENTRY.bytes) >> 3]!;
  }

  set(record: number, packets: number, bytes: number): void {
    this.memory.f64[(record + ENTRY.packets) >> 3] = packets;
    this.memory.f64[(record + ENTRY.bytes) >> 3] = bytes;
  }
}

const SEED = 0x9e3779b9 | 0;

/** One limb by its two words. Must be the same as what the compiled look-up computes. */
function mix(hash: number, low: number, high: number): number {
  const first = rotate(Math.imul(hash ^ low, 0x85ebca6b), 15);
  return rotate(Math.imul(first ^ high, 0xc2b2ae35), 13);
}

function hashKey(key: bigint, limbs: number): number {
  let hash = SEED;
  let rest = key;
  for (let i = 0; i < limbs; i++) {
    hash = mix(hash, Number(BigInt.asIntN(32, rest)), Number(BigInt.asIntN(32, rest >> 32n)));
    rest >>= 64n;
  }
  return hash;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function countBits(value: bigint): number {
  let bits = 0;
  for (let rest = value; rest > 0n; rest &= rest - 1n) bits++;
  return bits;
}
