import type { MatchKey, ProfileReference } from '../control.js';
import type { ActionDef } from '../json/program.js';
import type { MeterState } from '../externs/meter.js';

export interface DirectCount {
  packets: number;
  bytes: number;
}

/** One entry with everything that belongs to it alone. */
export class StoredEntry implements DirectCount {
  private count: DirectCount = { packets: 0, bytes: 0 };
  /** Microseconds of the switch's clock. */
  lastHit = 0;
  meter: MeterState | undefined;
  idleTimeoutMs = 0;

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
  ) {}

  /** Direct counter; shown only where the program has one. */
  get packets(): number {
    return this.count.packets;
  }

  set packets(value: number) {
    this.count.packets = value;
  }

  get bytes(): number {
    return this.count.bytes;
  }

  set bytes(value: number) {
    this.count.bytes = value;
  }

  /** From now on hits are counted in `place`, starting from the current counts; undefined: in the entry itself. */
  countIn(place: DirectCount | undefined): void {
    const { packets, bytes } = this.count;
    this.count = Object.assign(place ?? { packets: 0, bytes: 0 }, { packets, bytes });
  }
}

/** How a table finds its entries. Keys are concatenated, the first one in the highest bits. */
export interface MatchIndex {
  add(entry: StoredEntry): void;
  remove(entry: StoredEntry): void;
  lookup(key: bigint): StoredEntry | undefined;
  clear(): void;
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
  defaultChanged(): void;
}
