/** Notifications of idle entries (P4Runtime 1.4, section "Table Idle Timeout Notification"). */
import type { IdleTimeoutNotification, Init, TableEntry } from '../../p4runtime/index.js';
import type { Clock } from './clock.js';
import { noteKey, type ForwardingPipeline } from './pipeline.js';
import { fromEntry } from './table-read.js';

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
        const key = noteKey(table, entry);
        const timeoutNs = this.pipeline.entryNotes.get(key)?.idleTimeoutNs ?? 0n;
        const last = this.told.get(key);
        const due = last === undefined || now - last >= timeoutNs;
        told.set(key, due ? now : last);
        if (due) idle.push(fromEntry(this.pipeline, table, entry));
      }
      if (idle.length > 0) this.send({ tableEntry: idle, timestamp: now });
    }
    this.told = told; // Entries that were hit in the meantime are forgotten.
  }
}
