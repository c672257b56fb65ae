import type { MatchKey, ProfileReference } from '../control.js';
import { MeterState } from '../externs/meter.js';
import type { ActionDef } from '../json/program.js';

/** Where the direct counters of entries are kept outside the entries, by the number that `place` gave each. */
export interface CountStore {
  packets(record: number): number;
  bytes(record: number): number;
  set(record: number, packets: number, bytes: number): void;
}

/** One entry with everything that belongs to it alone. There may be a million, so it has no objects that it can share. */
export class StoredEntry {
  private ownPackets = 0;
  private ownBytes = 0;
  private counts: CountStore | undefined;
  /** Its record in {@link counts}. */
  record = 0;
  /** Microseconds of the switch's clock. */
  lastHit = 0;
  meter: MeterState | undefined;
  idleTimeoutMs = 0;
  /** Where it is in the list of its table. */
  position = -1;
  /** How many snapshots of the list had been taken when this object came into it: later ones have it, too. */
  generation = 0;

  constructor(
    readonly keys: readonly MatchKey[],
    readonly priority: number,
    /** BMv2 gives the lowest free number; among entries of one priority the lowest handle wins. */
    readonly handle: number,
    /** Key bits, concatenated with the first key in the highest bits, already masked. */
    readonly value: bigint,
    readonly mask: bigint,
    /** Null when `reference` determines what runs. */
    public action: ActionDef | null,
    public args: readonly bigint[],
    public reference: ProfileReference | undefined,
    /** Kept for whoever wrote the entry. */
    public attachment: object | undefined,
  ) {}

  /** Direct counter; shown only where the program has one. */
  get packets(): number {
    return this.counts === undefined ? this.ownPackets : this.counts.packets(this.record);
  }

  set packets(value: number) {
    if (this.counts === undefined) this.ownPackets = value;
    else this.counts.set(this.record, value, this.bytes);
  }

  get bytes(): number {
    return this.counts === undefined ? this.ownBytes : this.counts.bytes(this.record);
  }

  set bytes(value: number) {
    if (this.counts === undefined) this.ownBytes = value;
    else this.counts.set(this.record, this.packets, value);
  }

  /** From now on hits are counted in `store`, starting from the current counts; undefined: in the entry itself. */
  countIn(store: CountStore | undefined, record: number): void {
    const { packets, bytes } = this;
    this.counts = store;
    this.record = record;
    if (store !== undefined) store.set(record, packets, bytes);
    else [this.ownPackets, this.ownBytes] = [packets, bytes];
  }

  /** An equal entry that takes this one's place in the table; this one stays as it is now, for those who have it. */
  successor(): StoredEntry {
    const { keys, priority, handle, value, mask, action, args, reference, attachment, counts, record, meter } = this;
    const next = new StoredEntry(keys, priority, handle, value, mask, action, args, reference, attachment);
    this.countIn(undefined, 0);
    next.countFrom(this);
    if (counts !== undefined) next.countIn(counts, record);
    next.lastHit = this.lastHit;
    next.idleTimeoutMs = this.idleTimeoutMs;
    next.position = this.position;
    next.meter = meter;
    if (meter !== undefined) this.meter = MeterState.restored(meter.save());
    return next;
  }

  private countFrom({ packets, bytes }: StoredEntry): void {
    this.ownPackets = packets;
    this.ownBytes = bytes;
  }
}

/** How a table finds its entries. Keys are concatenated, the first one in the highest bits. */
export interface MatchIndex {
  add(entry: StoredEntry): void;
  remove(entry: StoredEntry): void;
  /** Puts an entry in the place of one with the same keys, priority and handle. */
  replace(before: StoredEntry, entry: StoredEntry): void;
  /** The entry that a packet with this key hits. */
  lookup(key: bigint): StoredEntry | undefined;
  /** The entry with exactly these keys, and this priority where it ranks. */
  find(keys: readonly MatchKey[], value: bigint, mask: bigint, priority: number): StoredEntry | undefined;
}

/** Order in which BMv2 prefers entries: smaller priority number, then smaller handle. */
export function preference(a: StoredEntry, b: StoredEntry): number {
  return a.priority - b.priority || a.handle - b.handle;
}

/** Notified of every change of a table, and of its contents when it begins to observe. */
export interface TableObserver {
  added(entry: StoredEntry): void;
  removed(entry: StoredEntry): void;
  /** What the entry runs has changed. */
  changed(entry: StoredEntry): void;
  /** An equal entry is in its place now. */
  replaced(before: StoredEntry, entry: StoredEntry): void;
  defaultChanged(): void;
}
