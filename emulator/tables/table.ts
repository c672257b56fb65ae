import {
  ControlError,
  NO_CALL,
  type ActionCall,
  type MatchKey,
  type ProfileReference,
  type SwitchTableEntry,
} from '../control.js';
import type { ActionDef, TableDef } from '../json/program.js';
import { MeterState, type MeterSnapshot } from '../externs/meter.js';
import { chooseByName } from './names.js';
import { KeyLayout } from './key-layout.js';
import { createIndex } from './match-index.js';
import { StoredEntry, type MatchIndex, type TableObserver } from './entry.js';

/** An entry with everything that belongs to it; actions by their index in the program. */
interface EntrySnapshot {
  readonly keys: readonly MatchKey[];
  readonly priority: number;
  readonly handle: number;
  readonly action: number | null;
  readonly args: readonly bigint[];
  readonly reference: ProfileReference | undefined;
  readonly packets: number;
  readonly bytes: number;
  readonly lastHit: number;
  readonly idleTimeoutMs: number;
  readonly meter: MeterSnapshot | undefined;
}

export interface TableSnapshot {
  readonly entries: readonly EntrySnapshot[];
  readonly defaultAction: number | null;
  readonly defaultArgs: readonly bigint[];
  readonly freeHandles: readonly number[];
  readonly nextHandle: number;
}

/** The run-time contents of one table. */
export class Table {
  readonly layout: KeyLayout;
  readonly index: MatchIndex;
  /** Null: nothing runs on a miss. */
  defaultAction: ActionDef | null = null;
  defaultArgs: readonly bigint[] = [];
  private readonly byIdentity = new Map<string, StoredEntry>();
  private readonly freeHandles: number[] = [];
  private nextHandle = 0;
  private observer: TableObserver | undefined;
  /** Entries of the program, in its order; of two with equal keys only one is in `byIdentity`. */
  private readonly initial: readonly StoredEntry[];
  private released = false;
  private maxSize: number;

  constructor(readonly def: TableDef) {
    this.layout = new KeyLayout(def.keys);
    this.maxSize = def.maxSize;
    this.index = createIndex(def.matchKind, this.layout);
    this.resetDefault();
    this.initial = (def.entries ?? []).map((entry) =>
      this.store(this.layout.cut(entry.keys), entry.priority, entry.call.action, entry.call.args, undefined),
    );
  }

  /** At most one observer. */
  observe(observer: TableObserver): void {
    this.observer = observer;
    observer.defaultChanged();
    for (const entry of this.ownEntries()) observer.added(entry);
  }

  get size(): number {
    return this.byIdentity.size;
  }

  /** True if entries come from the program and stay as they are. */
  get hasConstEntries(): boolean {
    return this.def.entries !== undefined && !this.released;
  }

  /**
   * From now on the program's entries are like all others. The JSON does not tell whether they are const, and gives
   * the table no more room than they need; the P4Info has both facts.
   */
  release(maxSize: number): void {
    this.released = true;
    this.maxSize = Math.max(maxSize, this.def.maxSize);
  }

  /** True if entries are ranked by their priority number. */
  get ranked(): boolean {
    return this.def.matchKind === 'ternary' || this.def.matchKind === 'range';
  }

  lookup(key: bigint): StoredEntry | undefined {
    return this.index.lookup(key);
  }

  stored(): Iterable<StoredEntry> {
    return this.byIdentity.values();
  }

  find(keys: readonly MatchKey[], priority: number): StoredEntry {
    const { value, mask } = this.layout.pack(this.def.name, keys);
    const entry = this.byIdentity.get(this.identity(keys, value, mask, priority));
    if (entry === undefined) throw new ControlError('NOT_FOUND', `table ${this.def.name} has no such entry`);
    return entry;
  }

  insert(entry: SwitchTableEntry, now: number): void {
    this.refuseConst();
    if (this.def.keys.length === 0)
      throw new ControlError('INVALID_ARGUMENT', `table ${this.def.name} has no keys, so it takes no entries`);
    const { action, args } = this.target(entry);
    const { value, mask } = this.layout.pack(this.def.name, entry.keys);
    if (this.byIdentity.has(this.identity(entry.keys, value, mask, entry.priority))) {
      throw new ControlError('ALREADY_EXISTS', `table ${this.def.name} already has an entry with these keys`);
    }
    if (this.size >= this.maxSize) {
      throw new ControlError('RESOURCE_EXHAUSTED', `table ${this.def.name} is full: it holds ${this.maxSize} entries`);
    }
    const stored = this.store(entry.keys, entry.priority, action, args, entry.reference);
    stored.idleTimeoutMs = entry.idleTimeoutMs ?? 0;
    stored.lastHit = now;
  }

  modify(entry: SwitchTableEntry, now: number): void {
    this.refuseConst();
    const { action, args } = this.target(entry);
    const stored = this.find(entry.keys, entry.priority);
    stored.action = action;
    stored.args = args;
    stored.reference = entry.reference;
    stored.idleTimeoutMs = entry.idleTimeoutMs ?? 0;
    stored.lastHit = now;
    this.observer?.changed(stored);
  }

  delete(keys: readonly MatchKey[], priority: number): void {
    this.refuseConst();
    const entry = this.find(keys, priority);
    this.remove(entry);
    this.freeHandles.push(entry.handle);
    this.freeHandles.sort((a, b) => a - b);
  }

  private remove(entry: StoredEntry): void {
    this.byIdentity.delete(this.identity(entry.keys, entry.value, entry.mask, entry.priority));
    this.index.remove(entry);
    this.observer?.removed(entry);
  }

  entries(): SwitchTableEntry[] {
    return [...this.byIdentity.values()].map((stored) => this.show(stored));
  }

  show(stored: StoredEntry): SwitchTableEntry {
    return {
      keys: stored.keys,
      priority: stored.priority,
      call: stored.action === null ? NO_CALL : { action: stored.action.name, args: stored.args },
      ...(stored.reference === undefined ? {} : { reference: stored.reference }),
      ...(stored.idleTimeoutMs === 0 ? {} : { idleTimeoutMs: stored.idleTimeoutMs }),
    };
  }

  setDefault(call: ActionCall | undefined): void {
    if (this.def.constDefaultEntry)
      throw new ControlError('PERMISSION_DENIED', `the default action of table ${this.def.name} is const`);
    if (call === undefined) return this.resetDefault();
    if (this.def.profile !== undefined) {
      throw new ControlError(
        'INVALID_ARGUMENT',
        `table ${this.def.name} is implemented by action profile ${this.def.profile.name}: it has no settable default`,
      );
    }
    const { action, args } = bindCall(this.def.name, this.def.actions, call);
    if (this.def.constDefaultAction && action !== this.def.defaultEntry?.action) {
      throw new ControlError(
        'PERMISSION_DENIED',
        `the default action of table ${this.def.name} must stay ${this.def.defaultEntry?.action.name}`,
      );
    }
    this.defaultAction = action;
    this.defaultArgs = args;
    this.observer?.defaultChanged();
  }

  save(): TableSnapshot {
    return {
      entries: this.ownEntries().map(saveEntry),
      defaultAction: this.defaultAction?.index ?? null,
      defaultArgs: this.defaultArgs,
      freeHandles: [...this.freeHandles],
      nextHandle: this.nextHandle,
    };
  }

  /** @param saved of a table of the same program. */
  restore(saved: TableSnapshot): void {
    if (this.hasConstEntries) {
      // The entries cannot have changed; only what packets left in them can differ.
      this.initial.forEach((entry, i) => restoreEntry(entry, saved.entries[i]!));
    } else {
      for (const entry of [...this.byIdentity.values()]) this.remove(entry);
      for (const each of saved.entries) {
        const entry = this.store(
          each.keys,
          each.priority,
          this.actionOf(each.action),
          each.args,
          each.reference,
          each.handle,
        );
        restoreEntry(entry, each);
      }
    }
    this.freeHandles.splice(0, this.freeHandles.length, ...saved.freeHandles);
    this.nextHandle = saved.nextHandle;
    this.defaultAction = this.actionOf(saved.defaultAction);
    this.defaultArgs = saved.defaultArgs;
    this.observer?.defaultChanged();
  }

  private ownEntries(): readonly StoredEntry[] {
    return this.hasConstEntries ? this.initial : [...this.byIdentity.values()];
  }

  private actionOf(index: number | null): ActionDef | null {
    if (index === null) return null;
    return [...this.def.actions, this.def.defaultEntry?.action].find((action) => action?.index === index)!;
  }

  private resetDefault(): void {
    this.defaultAction = this.def.defaultEntry?.action ?? null;
    this.defaultArgs = this.def.defaultEntry?.args ?? [];
    this.observer?.defaultChanged();
  }

  private target(entry: SwitchTableEntry): { action: ActionDef | null; args: readonly bigint[] } {
    const { profile, name } = this.def;
    if (profile === undefined) {
      if (entry.reference !== undefined)
        throw new ControlError(
          'INVALID_ARGUMENT',
          `table ${name} has no action profile, so an entry must name its action`,
        );
      return bindCall(name, this.def.actions, entry.call);
    }
    if (entry.reference === undefined) {
      throw new ControlError(
        'INVALID_ARGUMENT',
        `table ${name} is implemented by action profile ${profile.name}: an entry must refer to a member or group`,
      );
    }
    if (entry.reference.kind === 'group' && profile.selector === undefined) {
      throw new ControlError('INVALID_ARGUMENT', `action profile ${profile.name} has no selector, so it has no groups`);
    }
    return { action: null, args: [] };
  }

  private refuseConst(): void {
    if (this.hasConstEntries)
      throw new ControlError('PERMISSION_DENIED', `the entries of table ${this.def.name} are const`);
  }

  private store(
    keys: readonly MatchKey[],
    priority: number,
    action: ActionDef | null,
    args: readonly bigint[],
    reference: SwitchTableEntry['reference'],
    handle = this.freeHandles.shift() ?? this.nextHandle++,
  ): StoredEntry {
    const { value, mask } = this.layout.pack(this.def.name, keys);
    const entry = new StoredEntry(keys, this.ranked ? priority : 0, handle, value, mask, action, args, reference);
    this.byIdentity.set(this.identity(keys, value, mask, priority), entry);
    this.index.add(entry);
    this.observer?.added(entry);
    return entry;
  }

  /** What identifies an entry: keys with their masks and ranges, and the priority where it ranks. */
  private identity(keys: readonly MatchKey[], value: bigint, mask: bigint, priority: number): string {
    const ranges =
      this.def.matchKind === 'range' ? keys.map((k) => (k.kind === 'range' ? `${k.low}-${k.high}` : '')).join() : '';
    return `${value}&${mask};${this.ranked ? priority : ''};${ranges}`;
  }
}

function saveEntry(entry: StoredEntry): EntrySnapshot {
  const { keys, priority, handle, action, args, reference, packets, bytes, lastHit, idleTimeoutMs, meter } = entry;
  return {
    keys,
    priority,
    handle,
    action: action?.index ?? null,
    args,
    reference,
    packets,
    bytes,
    lastHit,
    idleTimeoutMs,
    meter: meter?.save(),
  };
}

function restoreEntry(entry: StoredEntry, { packets, bytes, lastHit, idleTimeoutMs, meter }: EntrySnapshot): void {
  Object.assign(entry, {
    packets,
    bytes,
    lastHit,
    idleTimeoutMs,
    meter: meter === undefined ? undefined : MeterState.restored(meter),
  });
}

/** Resolves a call among the actions that are allowed and checks its arguments. */
export function bindCall(
  where: string,
  actions: readonly ActionDef[],
  call: ActionCall,
): { action: ActionDef; args: readonly bigint[] } {
  const action = chooseByName('action', call.action, actions, where);
  if (call.args.length !== action.params.length) {
    const names = action.params.map((p) => p.name).join(', ');
    throw new ControlError(
      'INVALID_ARGUMENT',
      `action ${action.name} takes ${action.params.length} argument(s) (${names}), but ${call.args.length} are given`,
    );
  }
  call.args.forEach((value, i) => {
    const { name, width } = action.params[i]!;
    if (value < 0n || value >> BigInt(width) !== 0n) {
      throw new ControlError(
        'INVALID_ARGUMENT',
        `argument ${name} of action ${action.name} does not fit ${width} bit(s)`,
      );
    }
  });
  return { action, args: call.args };
}
