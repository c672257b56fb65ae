/** Writing table entries (P4Runtime 1.4, section "TableEntry"). */
import type { TableAction, TableEntry, TableInfo, UpdateType } from '../../p4runtime/index.js';
import { ControlError, NO_CALL, type ActionCall, type ProfileReference, type SwitchTableEntry } from '../control.js';
import { toCall } from './action.js';
import { toCounterValue } from './counter-value.js';
import { toKeys } from './match.js';
import { toRates } from './meter-config.js';
import { notesOf, type EntryKey, type EntryNotes, type ForwardingPipeline } from './pipeline.js';
import { createOneShot, emptyOneShot, removeOneShot, toReference } from './one-shot.js';
import { denied, exists, invalid, unimplemented, type RpcError } from './rpc-error.js';
import type { DirectResources, Transaction } from './transaction.js';

function directResources(table: TableInfo): DirectResources {
  return { counter: table.directCounter !== undefined, meter: table.directMeter !== undefined };
}

/** @throws RpcError if match fields or priority do not fit the table */
export function toEntryKey(pipeline: ForwardingPipeline, table: TableInfo, entry: TableEntry): EntryKey {
  const keys = toKeys(table.keys, entry.match);
  if (table.needsPriority && entry.priority <= 0) {
    throw invalid(`Table ${table.name} needs a priority of at least 1, not ${entry.priority}.`);
  }
  if (!table.needsPriority && entry.priority !== 0) {
    throw invalid(`Table ${table.name} has no priorities, so the priority must be 0, not ${entry.priority}.`);
  }
  return { keys, priority: pipeline.invertPriority(table, entry.priority) };
}

interface WriteTarget {
  readonly pipeline: ForwardingPipeline;
  readonly tx: Transaction;
  readonly table: TableInfo;
  readonly entry: TableEntry;
}

export function writeTableEntry(
  pipeline: ForwardingPipeline,
  tx: Transaction,
  type: UpdateType,
  entry: TableEntry,
): void {
  const table = pipeline.index.tables.byId(entry.tableId);
  const target: WriteTarget = { pipeline, tx, table, entry };
  if (entry.isConst) throw invalid('A write must not set is_const.');
  if (type !== 'DELETE') checkUnsupported(table, entry);
  if (entry.isDefaultAction) {
    writeDefault(target, type);
    return;
  }
  if (table.keys.items.length === 0) throw invalid(`Table ${table.name} has no key, so it has no entries.`);
  const key = toEntryKey(pipeline, table, entry);
  if (table.isConst || pipeline.description(table).constEntries) {
    writeConst(target, type, key);
    return;
  }
  switch (type) {
    case 'INSERT':
      insert(target, key);
      break;
    case 'MODIFY':
      modify(target, key);
      break;
    case 'DELETE':
      remove(target, key);
      break;
    default:
      throw invalid('The update has no type.');
  }
}

function checkUnsupported(table: TableInfo, entry: TableEntry): void {
  if (entry.timeSinceLastHit) throw invalid('A write must not set time_since_last_hit.');
  if (entry.meterCounterData) throw unimplemented('Meters have no counters per color on this switch.');
  if (entry.idleTimeoutNs !== 0n && (!table.hasIdleTimeout || entry.isDefaultAction)) {
    throw invalid(`Table ${table.name} has no idle timeouts${entry.isDefaultAction ? ' for default entries' : ''}.`);
  }
  if (entry.idleTimeoutNs < 0n) throw invalid('An idle timeout must not be negative.');
  if (entry.counterData && !table.directCounter) throw invalid(`Table ${table.name} has no direct counter.`);
  if (entry.meterConfig && !table.directMeter) throw invalid(`Table ${table.name} has no direct meter.`);
}

interface NewAction {
  readonly call: ActionCall;
  readonly reference?: ProfileReference;
  readonly oneShot?: NonNullable<EntryNotes['oneShot']>;
}

function toAction({ pipeline, tx, table }: WriteTarget, given: TableAction): NewAction {
  if (table.actionProfileId === undefined) {
    if (!given.action) throw invalid(`Table ${table.name} is direct, so its entries must name an action.`);
    return { call: toCall(table.actions, given.action, 'DEFAULT_ONLY') };
  }
  if (given.actionProfileActionSet) {
    const oneShot = createOneShot(pipeline, tx, table, given);
    return { call: NO_CALL, reference: { kind: 'group', id: oneShot.group }, oneShot };
  }
  return { call: NO_CALL, reference: toReference(pipeline, table, given) };
}

/** What the switch does not keep; undefined if that is all defaults, as it is in most entries of a large table. */
function newNotes(entry: TableEntry, oneShot?: EntryNotes['oneShot']): EntryNotes | undefined {
  const { metadata, controllerMetadata, idleTimeoutNs } = entry;
  if (metadata.length === 0 && controllerMetadata === 0n && idleTimeoutNs === 0n && !oneShot) return undefined;
  return { metadata, controllerMetadata, idleTimeoutNs, ...(oneShot && { oneShot }) };
}

function withNotes(entry: SwitchTableEntry, notes: EntryNotes | undefined): SwitchTableEntry {
  return notes ? { ...entry, attachment: notes } : entry;
}

/** Says that a client wrote the default entry, without anything to keep. */
const NO_NOTES: EntryNotes = { metadata: new Uint8Array(0), controllerMetadata: 0n, idleTimeoutNs: 0n };

/** The switch counts whole milliseconds; a timeout shorter than one must not become "never". */
function idleTimeoutMs(entry: TableEntry): { idleTimeoutMs?: number } {
  return entry.idleTimeoutNs === 0n ? {} : { idleTimeoutMs: Math.max(1, Number(entry.idleTimeoutNs / 1_000_000n)) };
}

const existsAlready = (table: TableInfo): RpcError => exists(`Table ${table.name} has an entry with this key already.`);

function insert(target: WriteTarget, key: EntryKey): void {
  const { pipeline, tx, table, entry } = target;
  if (!entry.action) throw invalid('An inserted entry needs an action.');
  // Looked up before a one-shot creates members, of which there might be too many; otherwise the table does it.
  if (entry.action.actionProfileActionSet && pipeline.control.entry(table.name, key.keys, key.priority))
    throw existsAlready(table);
  const { call, reference, oneShot } = toAction(target, entry.action);
  const inserted: SwitchTableEntry = {
    keys: key.keys,
    priority: key.priority,
    call,
    ...(reference && { reference }),
    ...(entry.idleTimeoutNs !== 0n && idleTimeoutMs(entry)),
  };
  try {
    tx.insertEntry(table.name, withNotes(inserted, newNotes(entry, oneShot)));
  } catch (error) {
    throw error instanceof ControlError && error.code === 'ALREADY_EXISTS' ? existsAlready(table) : error;
  }
  if (entry.counterData) {
    tx.writeDirectCounter(table.name, key.keys, key.priority, toCounterValue(entry.counterData));
  }
  if (entry.meterConfig) {
    tx.setDirectMeter(table.name, key.keys, key.priority, toRates(table.directMeter!, entry.meterConfig));
  }
}

function modify(target: WriteTarget, key: EntryKey): void {
  const { pipeline, tx, table, entry } = target;
  const before = pipeline.entry(table, key);
  const noted = notesOf(before)?.oneShot;
  // A one-shot that replaces another may need its space.
  if (noted && entry.action) emptyOneShot(pipeline, tx, table, noted);
  const { oneShot, ...action } = entry.action
    ? toAction(target, entry.action)
    : { call: before.call, ...(before.reference && { reference: before.reference }), ...(noted && { oneShot: noted }) };
  const modified = { ...key, ...action, ...idleTimeoutMs(entry) };
  tx.modifyEntry(table.name, before, withNotes(modified, newNotes(entry, oneShot)));
  if (noted && entry.action) removeOneShot(pipeline, tx, table, noted);
  modifyDirect(target, key);
}

/** An unset counter stays as it is; an unset meter returns to green for all packets. */
function modifyDirect({ tx, table, entry }: WriteTarget, { keys, priority }: EntryKey): void {
  if (entry.counterData) tx.writeDirectCounter(table.name, keys, priority, toCounterValue(entry.counterData));
  if (table.directMeter) {
    const rates = entry.meterConfig && toRates(table.directMeter, entry.meterConfig);
    tx.setDirectMeter(table.name, keys, priority, rates);
  }
}

function remove({ pipeline, tx, table }: WriteTarget, key: EntryKey): void {
  const before = pipeline.entry(table, key);
  const noted = notesOf(before)?.oneShot;
  tx.deleteEntry(table.name, before, directResources(table));
  if (noted) {
    emptyOneShot(pipeline, tx, table, noted);
    removeOneShot(pipeline, tx, table, noted);
  }
}

/** Of the program's own entries, only counters and meters can be written. */
function writeConst(target: WriteTarget, type: UpdateType, key: EntryKey): void {
  const { pipeline, table, entry } = target;
  if (type !== 'MODIFY' || entry.action) {
    throw denied(`The entries of table ${table.name} are constant; only MODIFY of direct resources is allowed.`);
  }
  pipeline.entry(table, key); // Throws if it does not exist.
  modifyDirect(target, key);
}

function writeDefault({ pipeline, tx, table, entry }: WriteTarget, type: UpdateType): void {
  if (entry.match.length > 0 || entry.priority !== 0) {
    throw invalid('The default entry has neither match fields nor a priority.');
  }
  if (type !== 'MODIFY') throw invalid('The default entry always exists, so MODIFY is its only update.');
  if (table.constDefaultAction || table.actionProfileId !== undefined || pipeline.description(table).constDefault) {
    throw denied(`The default action of table ${table.name} is constant.`);
  }
  if (entry.counterData || entry.meterConfig) {
    throw unimplemented('A default entry has no counter and no meter in BMv2.');
  }
  if (entry.action && !entry.action.action) throw invalid('A default entry must name an action.');
  const call = entry.action?.action && toCall(table.actions, entry.action.action, 'TABLE_ONLY');
  tx.setDefaultAction(table.name, call);
  tx.note(pipeline.defaultNotes, table.name, call && (newNotes(entry) ?? NO_NOTES));
}
