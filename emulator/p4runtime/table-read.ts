/** Reading table entries (P4Runtime 1.4, section "Wildcard Reads" of "TableEntry"). */
import type { Entity, Init, TableAction, TableEntry, TableInfo } from '../../p4runtime/index.js';
import type { Control, ReadEntry, SwitchTableEntry, TableView, WantedDirect } from '../control.js';
import { fromCall } from './action.js';
import { fromCounterValue } from './counter-value.js';
import { fromKeys, keyText, toKeys } from './match.js';
import { fromRates } from './meter-config.js';
import { notesOf, type EntryNotes, type ForwardingPipeline } from './pipeline.js';
import { invalid, unimplemented } from './rpc-error.js';

function isConst(pipeline: ForwardingPipeline, table: TableInfo): boolean {
  return table.isConst || pipeline.description(table).constEntries;
}

function actionOf(
  pipeline: ForwardingPipeline,
  entry: SwitchTableEntry,
  notes: EntryNotes | undefined,
): Init<TableAction> {
  if (notes?.oneShot) return notes.oneShot.action;
  if (entry.reference?.kind === 'member') return { actionProfileMemberId: entry.reference.id };
  if (entry.reference) return { actionProfileGroupId: entry.reference.id };
  return { action: fromCall(pipeline.index.actions, entry.call) };
}

/** Key and action of an entry and what the client stored with it, without direct resources. */
export function fromEntry(pipeline: ForwardingPipeline, table: TableInfo, entry: SwitchTableEntry): Init<TableEntry> {
  const notes = notesOf(entry);
  return {
    tableId: table.id,
    match: fromKeys(table.keys, entry.keys),
    action: actionOf(pipeline, entry, notes),
    priority: pipeline.invertPriority(table, entry.priority),
    isConst: isConst(pipeline, table),
    ...(notes && {
      metadata: notes.metadata,
      controllerMetadata: notes.controllerMetadata,
      idleTimeoutNs: notes.idleTimeoutNs,
    }),
  };
}

function direct(read: ReadEntry): Pick<Init<TableEntry>, 'counterData' | 'meterConfig' | 'timeSinceLastHit'> {
  const { counter, rates, sinceLastHit } = read;
  return {
    ...(counter && { counterData: fromCounterValue(counter) }),
    ...(rates && { meterConfig: fromRates(rates) }),
    ...(sinceLastHit !== undefined && { timeSinceLastHit: { elapsedNs: nanoseconds(sinceLastHit) } }),
  };
}

/** Never negative, though a clock may have been set back. @param time microseconds, perhaps with a fraction */
const nanoseconds = (time: number): bigint => BigInt(Math.max(0, Math.round(time * 1000)));

/**
 * Entries of a table that a request selects, as they are when this is called; also used for their direct resources.
 * Where it yields undefined the reader may pause.
 */
export function selectEntries(
  pipeline: ForwardingPipeline,
  table: TableInfo,
  request: TableEntry,
  wanted: WantedDirect,
): Iterable<ReadEntry | undefined> {
  const { control } = pipeline;
  const keys = request.match.length === 0 ? undefined : toKeys(table.keys, request.match);
  const wantedPriority = request.priority === 0 ? undefined : pipeline.invertPriority(table, request.priority);
  const snapshot = control.snapshot(table.name);
  if (keys && (!table.needsPriority || wantedPriority !== undefined)) {
    const entry = control.entry(table.name, keys, wantedPriority ?? 0);
    return entry ? [readNow(control, table, entry, wanted)] : [];
  }
  return scan(control, snapshot, keys && keyText(keys, 0), wantedPriority, wanted);
}

/** An entry that was found by its key, with its direct resources. */
function readNow(control: Control, table: TableInfo, entry: SwitchTableEntry, wanted: WantedDirect): ReadEntry {
  const { keys, priority } = entry;
  return {
    entry,
    ...(wanted.counter && table.directCounter && { counter: control.readDirectCounter(table.name, keys, priority) }),
    ...(wanted.meter && table.directMeter && { rates: control.readDirectMeter(table.name, keys, priority) }),
    ...(wanted.sinceLastHit &&
      table.hasIdleTimeout && { sinceLastHit: control.sinceLastHit(table.name, keys, priority) }),
  };
}

function* scan(
  control: Control,
  snapshot: TableView,
  key: string | undefined,
  priority: number | undefined,
  wanted: WantedDirect,
): Generator<ReadEntry | undefined> {
  for (let part = 0; part < snapshot.parts; part++) {
    for (const read of control.readSnapshot(snapshot, part, wanted)) {
      if (key !== undefined && keyText(read.entry.keys, 0) !== key) continue;
      if (priority === undefined || read.entry.priority === priority) yield read;
    }
    yield undefined;
  }
}

function hasFilter(request: TableEntry): boolean {
  const { match, priority, action, controllerMetadata, metadata } = request;
  return match.length > 0 || priority !== 0 || !!action || controllerMetadata !== 0n || metadata.length > 0;
}

function passesFilter(entry: Init<TableEntry>, request: TableEntry): boolean {
  const wanted = request.action?.action?.actionId;
  if (wanted !== undefined && wanted !== 0 && entry.action?.action?.actionId !== wanted) return false;
  const { controllerMetadata, metadata } = request;
  if (controllerMetadata !== 0n && entry.controllerMetadata !== controllerMetadata) return false;
  return metadata.length === 0 || Buffer.compare(metadata, entry.metadata ?? new Uint8Array(0)) === 0;
}

const NO_ACTION = 'NoAction';

function* defaultEntry(pipeline: ForwardingPipeline, table: TableInfo): Generator<Init<TableEntry>> {
  if (table.actionProfileId !== undefined) {
    // "Restrict the default entry for indirect tables to a constant NoAction" (section "Default Entry").
    const noAction = pipeline.index.actions.items.find(({ name }) => name === NO_ACTION);
    if (noAction)
      yield { tableId: table.id, isDefaultAction: true, action: { action: { actionId: noAction.id } }, isConst: true };
    return;
  }
  const call = pipeline.control.defaultAction(table.name);
  if (!call || !pipeline.index.actions.names.includes(call.action)) return; // Made by the compiler, unknown to clients.
  const notes = pipeline.defaultNotes.get(table.name);
  yield {
    tableId: table.id,
    isDefaultAction: true,
    action: { action: fromCall(pipeline.index.actions, call) },
    isConst: table.constDefaultAction !== undefined,
    ...(notes && { metadata: notes.metadata, controllerMetadata: notes.controllerMetadata }),
  };
}

/** Entries as they are when this is called. Where it yields undefined the reader may pause. */
export function readTableEntries(
  pipeline: ForwardingPipeline,
  request: TableEntry,
): Iterable<Init<Entity> | undefined> {
  if (request.tableId === 0 && hasFilter(request)) {
    throw invalid('A read of all tables (table_id 0) cannot be filtered further.');
  }
  if (request.timeSinceLastHit && request.isDefaultAction)
    throw invalid('A default entry has no time since the last hit.');
  if (request.meterCounterData) throw unimplemented('Meters have no counters per color on this switch.');
  const tables = request.tableId === 0 ? pipeline.index.tables.items : [pipeline.index.tables.byId(request.tableId)];
  if (request.tableId !== 0 && request.action && !request.action.action) {
    throw invalid('Entries can be filtered by action only, not by member or group.');
  }
  if (request.timeSinceLastHit && request.tableId !== 0 && !tables[0]!.hasIdleTimeout) {
    throw invalid(`Table ${tables[0]!.name} has no idle timeouts, so hits are not timed.`);
  }
  if (request.isDefaultAction) {
    const entries = tables.flatMap((table) => [...defaultEntry(pipeline, table)]);
    return entries.filter((entry) => passesFilter(entry, request)).map((tableEntry) => ({ tableEntry }));
  }
  const wanted = {
    counter: request.counterData !== undefined,
    meter: request.meterConfig !== undefined,
    sinceLastHit: request.timeSinceLastHit !== undefined,
  };
  const selected = tables.map((table) => ({ table, entries: selectEntries(pipeline, table, request, wanted) }));
  return tableEntries(pipeline, request, selected);
}

function* tableEntries(
  pipeline: ForwardingPipeline,
  request: TableEntry,
  selected: readonly { readonly table: TableInfo; readonly entries: Iterable<ReadEntry | undefined> }[],
): Generator<Init<Entity> | undefined> {
  for (const { table, entries } of selected) {
    for (const read of entries) {
      const message = read && fromEntry(pipeline, table, read.entry);
      if (!message) yield undefined;
      else if (passesFilter(message, request)) yield { tableEntry: { ...message, ...direct(read) } };
    }
  }
}
