/** Notifications of idle entries (P4Runtime 1.4, section "Table Idle Timeout Notification"). */
import type { IdleTimeoutNotification, Init, TableEntry } from '../../p4runtime/index.js';
import type { Clock } from './clock.js';
import { keyText } from './match.js';
import { notesOf, type ForwardingPipeline } from './pipeline.js';
import { fromEntry } from './table-read.js';

/** A message must stay below the 4 MiB that clients take by default, with some hundred bytes of metadata for each entry. */
const ENTRIES_PER_NOTIFICATION = 1024;

/** Scans the tables of one pipeline. An entry that stays idle is reported again after each further timeout. */
export class IdleWatcher {
  /** When each idle entry was last reported, in ns. */
  private told = new Map<string, bigint>();
  private cancel: () => void;

  constructor(
    private readonly pipeline: ForwardingPipeline,
    private readonly send: (notification: Init<IdleTimeoutNotification>) => void,
    private readonly clock: Clock,
    private readonly scanMs: number,
  ) {
    this.cancel = clock.after(scanMs, () => this.scan());
  }

  close(): void {
    this.cancel();
  }

  private scan(): void {
    this.cancel = this.clock.after(this.scanMs, () => this.scan());
    const now = this.clock.nowNs();
    const told = new Map<string, bigint>();
    for (const table of this.pipeline.index.tables.items) {
      if (!table.hasIdleTimeout) continue;
      const idle: Init<TableEntry>[] = [];
      for (const entry of this.pipeline.control.idleEntries(table.name)) {
        const key = `${table.name} ${keyText(entry.keys, entry.priority)}`;
        const timeoutNs = notesOf(entry)?.idleTimeoutNs ?? 0n;
        const last = this.told.get(key);
        const due = last === undefined || now - last >= timeoutNs;
        told.set(key, due ? now : last);
        if (due) idle.push(fromEntry(this.pipeline, table, entry));
      }
      for (let first = 0; first < idle.length; first += ENTRIES_PER_NOTIFICATION)
        this.send({ tableEntry: idle.slice(first, first + ENTRIES_PER_NOTIFICATION), timestamp: now });
    }
    this.told = told; // Entries that were hit in the meantime are forgotten.
  }
}
