import type { ReadEntry, TableView, WantedDirect } from '../control.js';
import type { ListSnapshot } from '../tables/entry-list.js';
import type { StoredEntry } from '../tables/entry.js';
import type { Table } from '../tables/table.js';

/** A snapshot of the entries of one table. */
export class StateTableSnapshot implements TableView {
  private readonly entries: ListSnapshot;

  constructor(private readonly of: Table) {
    this.entries = of.snapshot();
  }

  get table(): string {
    return this.of.def.name;
  }

  get parts(): number {
    return this.entries.parts;
  }

  /** @param now microseconds */
  read(part: number, wanted: WantedDirect, now: number): ReadEntry[] {
    const { withCounters, directMeter, supportsTimeout } = this.of.def;
    const counter = wanted.counter === true && withCounters;
    const meter = wanted.meter === true && directMeter !== undefined;
    const time = wanted.sinceLastHit === true && supportsTimeout;
    const read = (stored: StoredEntry): ReadEntry => ({
      entry: this.of.show(stored),
      ...(counter && { counter: { packets: BigInt(stored.packets), bytes: BigInt(stored.bytes) } }),
      ...(meter && { rates: stored.meter?.rates }),
      ...(time && { sinceLastHit: now - stored.lastHit }),
    });
    return this.entries.part(part).map(read);
  }
}
