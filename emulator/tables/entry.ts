import type { MatchKey, ProfileReference } from '../control.js';
import type { ActionDef } from '../json/program.js';
import type { MeterState } from '../state/meters.js';

/** One entry with all that belongs to it alone. */
export class StoredEntry {
  /** Direct counter; counted for every table, shown only where the program has one. */
  packets = 0;
  bytes = 0;
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
    /** Null when `reference` says what runs. */
    public action: ActionDef | null,
    public args: readonly bigint[],
    public reference: ProfileReference | undefined,
  ) {}
}

/** What a table needs of a way to find entries. Keys are concatenated, the first one in the highest bits. */
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

/** Is told of every change of a table, and of what is there when it begins to observe. */
export interface TableObserver {
  added(entry: StoredEntry): void;
  removed(entry: StoredEntry): void;
  /** The entry runs something else now. */
  changed(entry: StoredEntry): void;
  defaultChanged(): void;
}
