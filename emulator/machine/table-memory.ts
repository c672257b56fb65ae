import { preference, type DirectCount, type StoredEntry, type TableObserver } from '../tables/entry.js';
import type { Table } from '../tables/table.js';
import type { ActionDef } from '../json/program.js';
import { ENTRY, GROUP, TABLE, type Layout, type TableLayout } from './layout.js';
import type { ProgramMemory } from './memory.js';

interface Placed {
  readonly entry: StoredEntry;
  readonly address: number;
  readonly id: number;
  readonly hash: number;
}

/** Entries with one mask: a hash table with open addressing, at most half full. */
interface Group {
  readonly mask: bigint;
  /** All entries by masked value, the preferred one of each value first; that one is in the buckets. */
  readonly byValue: Map<bigint, Placed[]>;
  readonly address: number;
  /** The entry that is preferred to all others of the group. */
  best: StoredEntry;
  buckets: number;
  capacity: number;
}

const SMALLEST_TABLE = 8;

/**
 * Keeps the entries of one table in linear memory, where the compiled look-up finds them. The control plane works on
 * the Table; this mirrors its changes.
 */
export class TableMemory implements TableObserver {
  private readonly place: TableLayout;
  private readonly placed = new Map<StoredEntry, Placed>();
  /** By the number in the entry's record, for calls of the compiled code. */
  private readonly byId: (StoredEntry | undefined)[] = [];
  private readonly freeIds: number[] = [];
  private groups: Group[] = [];
  private ranges: Placed[] = [];
  private list = { address: 0, capacity: 0 };
  private defaultArgs = { address: 0, bytes: 0 };

  constructor(
    private readonly table: Table,
    private readonly layout: Layout,
    private readonly memory: ProgramMemory,
  ) {
    this.place = layout.tables[table.def.index]!;
    table.observe(this);
  }

  entry(id: number): StoredEntry {
    return this.byId[id]!;
  }

  /** The address of an entry's record. */
  addressOf(entry: StoredEntry): number {
    return this.placed.get(entry)!.address;
  }

  added(entry: StoredEntry): void {
    const { memory, place } = this;
    const id = this.freeIds.pop() ?? this.byId.length;
    this.byId[id] = entry;
    const address = memory.allocate(place.entryBytes);
    const added: Placed = { entry, address, id, hash: hashKey(entry.value, place.keyLimbs) };
    this.placed.set(entry, added);
    memory.i32[(address + ENTRY.id) >> 2] = id;
    memory.f64[(address + ENTRY.priority) >> 3] = entry.priority;
    memory.i32[(address + ENTRY.handle) >> 2] = entry.handle;
    entry.countIn(new EntryCounts(memory, address));
    memory.writeLimbs(address + ENTRY.key, place.keyLimbs, entry.value);
    this.changed(entry);
    if (this.table.def.matchKind === 'range') this.addRange(added);
    else this.addToGroup(added);
  }

  removed(entry: StoredEntry): void {
    const gone = this.placed.get(entry)!;
    entry.countIn(undefined);
    if (this.table.def.matchKind === 'range') {
      this.ranges.splice(this.ranges.indexOf(gone), 1);
      this.writeList(this.ranges.map((p) => p.address));
    } else {
      this.removeFromGroup(gone);
    }
    this.placed.delete(entry);
    this.byId[gone.id] = undefined;
    this.freeIds.push(gone.id);
    this.memory.release(gone.address, this.place.entryBytes);
  }

  changed(entry: StoredEntry): void {
    const { address } = this.placed.get(entry)!;
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

  private addRange(added: Placed): void {
    const { memory, place } = this;
    const masks = added.address + ENTRY.key + 8 * place.keyLimbs;
    memory.writeLimbs(masks, place.keyLimbs, added.entry.mask);
    added.entry.keys.forEach((key, i) => {
      if (key.kind !== 'range') return;
      const bounds = masks + 8 * place.keyLimbs + 16 * i;
      memory.writeLimbs(bounds, 1, key.low);
      memory.writeLimbs(bounds + 8, 1, key.high);
    });
    const at = this.ranges.findIndex((other) => preference(added.entry, other.entry) < 0);
    this.ranges.splice(at < 0 ? this.ranges.length : at, 0, added);
    this.writeList(this.ranges.map((p) => p.address));
  }

  private addToGroup(added: Placed): void {
    const { entry } = added;
    let group = this.groups.find((candidate) => candidate.mask === entry.mask);
    if (group === undefined) {
      group = {
        mask: entry.mask,
        byValue: new Map(),
        address: this.memory.allocate(GROUP.mask + 8 * this.place.keyLimbs),
        best: entry,
        buckets: 0,
        capacity: 0,
      };
      this.memory.writeLimbs(group.address + GROUP.mask, this.place.keyLimbs, entry.mask);
      this.groups.push(group);
    }
    const same = group.byValue.get(entry.value);
    const before = same?.[0];
    // If a program has two equal entries, an exact or lpm table uses the last one.
    const all = this.table.ranked
      ? [...(same ?? []), added].sort((a, b) => preference(a.entry, b.entry))
      : [added, ...(same ?? [])];
    group.byValue.set(entry.value, all);
    if (all[0] !== before) this.put(group, all[0]!, before);
    if (preference(entry, group.best) < 0) group.best = entry;
    this.orderGroups();
  }

  private removeFromGroup(gone: Placed): void {
    const group = this.groups.find((candidate) => candidate.mask === gone.entry.mask)!;
    const same = group.byValue.get(gone.entry.value)!;
    const wasFirst = same[0] === gone;
    same.splice(same.indexOf(gone), 1);
    if (same.length === 0) group.byValue.delete(gone.entry.value);
    if (group.byValue.size === 0) {
      this.memory.release(group.buckets, group.capacity * 4);
      this.memory.release(group.address, GROUP.mask + 8 * this.place.keyLimbs);
      this.groups = this.groups.filter((other) => other !== group);
    } else if (wasFirst) {
      if (same.length > 0) this.put(group, same[0]!, gone);
      else this.takeOut(group, gone);
    }
    if (group.best === gone.entry && group.byValue.size > 0) group.best = bestOf(group);
    this.orderGroups();
  }

  /** Puts an entry in its bucket, replacing one with the same value if it exists. */
  private put(group: Group, added: Placed, instead: Placed | undefined): void {
    const { memory } = this;
    if (instead === undefined && group.byValue.size * 2 > group.capacity) return this.rebuild(group);
    let at = added.hash;
    for (; ; at++) {
      const bucket = (group.buckets >> 2) + (at & (group.capacity - 1));
      const found = memory.i32[bucket]!;
      if (found !== (instead?.address ?? 0)) continue;
      memory.i32[bucket] = added.address;
      return;
    }
  }

  private rebuild(group: Group): void {
    const { memory } = this;
    const old = { address: group.buckets, capacity: group.capacity };
    let capacity = Math.max(SMALLEST_TABLE, old.capacity);
    while (group.byValue.size * 2 > capacity) capacity *= 2;
    group.buckets = memory.allocate(capacity * 4);
    group.capacity = capacity;
    memory.i32.fill(0, group.buckets >> 2, (group.buckets >> 2) + capacity);
    for (const [first] of group.byValue.values()) {
      let at = first!.hash;
      while (memory.i32[(group.buckets >> 2) + (at & (capacity - 1))] !== 0) at++;
      memory.i32[(group.buckets >> 2) + (at & (capacity - 1))] = first!.address;
    }
    memory.i32[(group.address + GROUP.buckets) >> 2] = group.buckets;
    memory.i32[(group.address + GROUP.bucketMask) >> 2] = capacity - 1;
    if (old.capacity > 0) memory.release(old.address, old.capacity * 4);
  }

  /** Empties a bucket and moves later entries of its chain forward, so that no chain has a gap. */
  private takeOut(group: Group, gone: Placed): void {
    const { i32 } = this.memory;
    const base = group.buckets >> 2;
    const mask = group.capacity - 1;
    let hole = gone.hash & mask;
    while (i32[base + hole] !== gone.address) hole = (hole + 1) & mask;
    i32[base + hole] = 0;
    for (let at = (hole + 1) & mask; i32[base + at] !== 0; at = (at + 1) & mask) {
      const address = i32[base + at]!;
      const home = this.placed.get(this.entry(i32[(address + ENTRY.id) >> 2]!))!.hash & mask;
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
    if (table.def.matchKind === 'exact') {
      memory.i32[(place.address + TABLE.index) >> 2] = this.groups[0]?.address ?? 0;
      memory.i32[(place.address + TABLE.count) >> 2] = this.groups.length;
      return;
    }
    if (table.def.matchKind === 'lpm') {
      this.groups.sort((a, b) => countBits(b.mask) - countBits(a.mask));
    } else {
      this.groups.sort((a, b) => preference(a.best, b.best));
      for (const { address, best } of this.groups) {
        memory.f64[(address + GROUP.priority) >> 3] = best.priority;
        memory.i32[(address + GROUP.handle) >> 2] = best.handle;
      }
    }
    this.writeList(this.groups.map((group) => group.address));
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

/** The direct counter of an entry, where compiled code counts. */
class EntryCounts implements DirectCount {
  constructor(
    private readonly memory: ProgramMemory,
    private readonly address: number,
  ) {}

  get packets(): number {
    return this.memory.f64[(this.address + ENTRY.packets) >> 3]!;
  }

  set packets(value: number) {
    this.memory.f64[(this.address + ENTRY.packets) >> 3] = value;
  }

  get bytes(): number {
    return this.memory.f64[(this.address + ENTRY.bytes) >> 3]!;
  }

  set bytes(value: number) {
    this.memory.f64[(this.address + ENTRY.bytes) >> 3] = value;
  }
}

function bestOf(group: Group): StoredEntry {
  let best: StoredEntry | undefined;
  for (const [first] of group.byValue.values())
    if (best === undefined || preference(first!.entry, best) < 0) best = first!.entry;
  return best!;
}

/** Must be the same as what the compiled look-up computes. */
function hashKey(key: bigint, limbs: number): number {
  let hash = 0x9e3779b9 | 0;
  let rest = key;
  for (let i = 0; i < limbs; i++) {
    hash = rotate(Math.imul(hash ^ Number(BigInt.asIntN(32, rest)), 0x85ebca6b), 15);
    hash = rotate(Math.imul(hash ^ Number(BigInt.asIntN(32, rest >> 32n)), 0xc2b2ae35), 13);
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
