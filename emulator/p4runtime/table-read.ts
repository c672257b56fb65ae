/** Reading table entries (P4Runtime 1.4, section "Wildcard Reads" of "TableEntry"). */
import type { Entity, Init, TableAction, TableEntry, TableInfo } from '../../p4runtime/index.js';
import type { SwitchTableEntry } from '../control.js';
import { fromCall } from './action.js';
import { fromCounterValue } from './counter-value.js';
import { fromKeys, keyText, toKeys } from './match.js';
import { fromRates } from './meter-config.js';
import { noteKey, type EntryNotes, type ForwardingPipeline } from './pipeline.js';
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
  const notes = pipeline.entryNotes.get(noteKey(table, entry));
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

/** The counter, meter and time of the entry, if the request asks for them and the table has them. */
function direct(
  pipeline: ForwardingPipeline,
  table: TableInfo,
  entry: SwitchTableEntry,
  request: TableEntry,
): Pick<Init<TableEntry>, 'counterData' | 'meterConfig' | 'timeSinceLastHit'> {
  const { control } = pipeline;
  const { keys, priority } = entry;
  const counter = request.counterData && table.directCounter;
  const rates = request.meterConfig && table.directMeter && control.readDirectMeter(table.name, keys, priority);
  return {
    ...(counter && { counterData: fromCounterValue(control.readDirectCounter(table.name, keys, priority)) }),
    ...(rates && { meterConfig: fromRates(rates) }),
    ...(request.timeSinceLastHit &&
      table.hasIdleTimeout && {
        timeSinceLastHit: { elapsedNs: nanoseconds(control.sinceLastHit(table.name, keys, priority)) },
      }),
  };
}

/** Never negative, though a clock may have been set back. @param time microseconds, perhaps with a fraction */
const nanoseconds = (time: number): bigint => BigInt(Math.max(0, Math.round(time * 1000)));

/** Entries of a table that a request selects; also used for their direct resources. */
export function* selectEntries(
  pipeline: ForwardingPipeline,
  table: TableInfo,
  request: TableEntry,
): Generator<SwitchTableEntry> {
  const key = request.match.length === 0 ? undefined : keyText(toKeys(table.keys, request.match), 0);
  for (const entry of pipeline.control.entries(table.name)) {
    if (key !== undefined && keyText(entry.keys, 0) !== key) continue;
    if (request.priority !== 0 && pipeline.invertPriority(table, entry.priority) !== request.priority) continue;
    yield entry;
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

export function* readTableEntries(pipeline: ForwardingPipeline, request: TableEntry): Generator<Init<Entity>> {
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
  for (const table of tables) {
    if (request.isDefaultAction) {
      for (const entry of defaultEntry(pipeline, table)) {
        if (passesFilter(entry, request)) yield { tableEntry: entry };
      }
      continue;
    }
    for (const entry of selectEntries(pipeline, table, request)) {
      const message = fromEntry(pipeline, table, entry);
      if (passesFilter(message, request)) {
        yield { tableEntry: { ...message, ...direct(pipeline, table, entry, request) } };
      }
    }
  }
}
