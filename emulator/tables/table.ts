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
import { EntryList, type ListSnapshot } from './entry-list.js';
import { LowestFree } from './lowest-free.js';
import { ReferenceCounts } from './reference-counts.js';
import { StoredEntry, type MatchIndex, type TableObserver } from './entry.js';

/** An entry with everything that belongs to it; actions by their index in the program. */
interface EntrySnapshot {
  readonly keys: readonly MatchKey[];
  readonly priority: number;
  readonly handle: number;
  readonly action: number | null;
  readonly args: readonly bigint[];
  readonly reference: ProfileReference | undefined;
  readonly attachment: object | undefined;
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
}

/** The run-time contents of one table. */
export class Table {
  readonly layout: KeyLayout;
  readonly index: MatchIndex;
  /** Null: nothing runs on a miss. */
  defaultAction: ActionDef | null = null;
  defaultArgs: readonly bigint[] = [];
  private readonly list = new EntryList();
  private handles = new LowestFree();
  private readonly references = new ReferenceCounts();
  private observer: TableObserver | undefined;
  private released = false;
  private maxSize: number;

  constructor(readonly def: TableDef) {
    this.layout = new KeyLayout(def.keys);
    this.maxSize = def.maxSize;
    this.index = createIndex(def.matchKind, this.layout);
    this.resetDefault();
    for (const { keys, priority, call } of def.entries ?? [])
      this.store(this.layout.cut(keys), priority, { ...call, reference: undefined, attachment: undefined });
  }

  /** At most one observer. */
  observe(observer: TableObserver): void {
    this.observer = observer;
    observer.defaultChanged();
    for (const entry of this.list) observer.added(entry);
  }

  get size(): number {
    return this.list.size;
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
    return this.list;
  }

  /** The entries as they are now. */
  snapshot(): ListSnapshot {
    return this.list.snapshot();
  }

  /** Whether an entry refers to this member or group. */
  refersTo(reference: ProfileReference): boolean {
    return this.references.has(reference);
  }

  seek(keys: readonly MatchKey[], priority: number): StoredEntry | undefined {
    const { value, mask } = this.layout.pack(this.def.name, keys);
    return this.index.find(keys, value, mask, this.ranked ? priority : 0);
  }

  find(keys: readonly MatchKey[], priority: number): StoredEntry {
    const entry = this.seek(keys, priority);
    if (entry === undefined) throw new ControlError('NOT_FOUND', `table ${this.def.name} has no such entry`);
    return entry;
  }

  /** The entry to change in place of this one: snapshots keep this one as it is. */
  own(entry: StoredEntry): StoredEntry {
    if (!this.list.isShared(entry)) return entry;
    const next = entry.successor();
    this.list.replace(next);
    this.index.replace(entry, next);
    this.observer?.replaced(entry, next);
    return next;
  }

  insert(entry: SwitchTableEntry, now: number): void {
    this.refuseConst();
    if (this.def.keys.length === 0)
      throw new ControlError('INVALID_ARGUMENT', `table ${this.def.name} has no keys, so it takes no entries`);
    const target = this.target(entry);
    const key = this.layout.pack(this.def.name, entry.keys);
    if (this.index.find(entry.keys, key.value, key.mask, this.ranked ? entry.priority : 0) !== undefined) {
      throw new ControlError('ALREADY_EXISTS', `table ${this.def.name} already has an entry with these keys`);
    }
    if (this.size >= this.maxSize) {
      throw new ControlError('RESOURCE_EXHAUSTED', `table ${this.def.name} is full: it holds ${this.maxSize} entries`);
    }
    const stored = this.store(entry.keys, entry.priority, target, key);
    stored.idleTimeoutMs = entry.idleTimeoutMs ?? 0;
    stored.lastHit = now;
  }

  modify(entry: SwitchTableEntry, now: number): void {
    this.refuseConst();
    const { action, args, reference, attachment } = this.target(entry);
    const stored = this.own(this.find(entry.keys, entry.priority));
    this.references.remove(stored.reference);
    this.references.add(reference);
    stored.action = action;
    stored.args = args;
    stored.reference = reference;
    stored.attachment = attachment;
    stored.idleTimeoutMs = entry.idleTimeoutMs ?? 0;
    stored.lastHit = now;
    this.observer?.changed(stored);
  }

  delete(keys: readonly MatchKey[], priority: number): void {
    this.refuseConst();
    const entry = this.find(keys, priority);
    this.remove(entry);
    this.handles.free(entry.handle);
  }

  private remove(entry: StoredEntry): void {
    this.list.remove(entry);
    this.references.remove(entry.reference);
    this.index.remove(entry);
    this.observer?.removed(entry);
  }

  entries(): SwitchTableEntry[] {
    return [...this.list].map((stored) => this.show(stored));
  }

  show(stored: StoredEntry): SwitchTableEntry {
    return {
      keys: stored.keys,
      priority: stored.priority,
      call: stored.action === null ? NO_CALL : { action: stored.action.name, args: stored.args },
      ...(stored.reference === undefined ? {} : { reference: stored.reference }),
      ...(stored.idleTimeoutMs === 0 ? {} : { idleTimeoutMs: stored.idleTimeoutMs }),
      ...(stored.attachment === undefined ? {} : { attachment: stored.attachment }),
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
      entries: [...this.list].map(saveEntry),
      defaultAction: this.defaultAction?.index ?? null,
      defaultArgs: this.defaultArgs,
    };
  }

  /** @param saved of a table of the same program. */
  restore(saved: TableSnapshot): void {
    if (this.hasConstEntries) {
      // The entries cannot have changed; only what packets left in them can differ.
      [...this.list].forEach((entry, i) => restoreEntry(this.own(entry), saved.entries[i]!));
    } else {
      for (const entry of [...this.list]) this.remove(entry);
      for (const each of saved.entries) {
        const target = { ...each, action: this.actionOf(each.action) };
        restoreEntry(this.store(each.keys, each.priority, target, undefined, each.handle), each);
      }
      this.handles = LowestFree.besides(saved.entries.map(({ handle }) => handle));
    }
    this.defaultAction = this.actionOf(saved.defaultAction);
    this.defaultArgs = saved.defaultArgs;
    this.observer?.defaultChanged();
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

  private target(entry: SwitchTableEntry): Target {
    const { profile, name } = this.def;
    const { reference, attachment } = entry;
    if (profile === undefined) {
      if (entry.reference !== undefined)
        throw new ControlError(
          'INVALID_ARGUMENT',
          `table ${name} has no action profile, so an entry must name its action`,
        );
      const { action, args } = bindCall(name, this.def.actions, entry.call);
      return { action, args, reference, attachment };
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
    return { action: null, args: NO_ARGUMENTS, reference, attachment };
  }

  private refuseConst(): void {
    if (this.hasConstEntries)
      throw new ControlError('PERMISSION_DENIED', `the entries of table ${this.def.name} are const`);
  }

  private store(
    keys: readonly MatchKey[],
    priority: number,
    { action, args, reference, attachment }: Target,
    { value, mask } = this.layout.pack(this.def.name, keys),
    handle = this.handles.take(),
  ): StoredEntry {
    const rank = this.ranked ? priority : 0;
    const entry = new StoredEntry(keys, rank, handle, value, mask, action, args, reference, attachment);
    this.list.add(entry);
    this.references.add(reference);
    this.index.add(entry);
    this.observer?.added(entry);
    return entry;
  }
}

/** What an entry runs. */
interface Target {
  readonly action: ActionDef | null;
  readonly args: readonly bigint[];
  readonly reference: ProfileReference | undefined;
  readonly attachment: object | undefined;
}

const NO_ARGUMENTS: readonly bigint[] = [];

function saveEntry(entry: StoredEntry): EntrySnapshot {
  const { keys, priority, handle, action, args, reference, attachment, packets, bytes, lastHit, idleTimeoutMs, meter } =
    entry;
  return {
    keys,
    priority,
    handle,
    action: action?.index ?? null,
    args,
    reference,
    attachment,
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
  for (let i = 0; i < call.args.length; i++) {
    const { name, width } = action.params[i]!;
    if (BigInt.asUintN(width, call.args[i]!) !== call.args[i]) {
      throw new ControlError(
        'INVALID_ARGUMENT',
        `argument ${name} of action ${action.name} does not fit ${width} bit(s)`,
      );
    }
  }
  return { action, args: call.args };
}
