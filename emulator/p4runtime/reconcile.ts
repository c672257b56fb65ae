/** Carries the state of one pipeline over to another, for RECONCILE_AND_COMMIT. */
import type { Entity, Init, Update, UpdateType } from '../../p4runtime/index.js';
import { codec } from '../../p4runtime/index.js';
import { BatchError, writeBatch } from './batch.js';
import { readEntity } from './entities.js';
import { isPreinitialized, type ForwardingPipeline } from './pipeline.js';
import { invalid } from './rpc-error.js';

const entityCodec = codec<Entity>('p4.v1.Entity');

/** Fills in the defaults of an entity. */
function complete(entity: Init<Entity>): Entity {
  return entityCodec.decode(entityCodec.encode(entity));
}

const ALL_COUNTERS = { byteCount: 0n, packetCount: 0n };

/** What is read, in the order in which it can be written: what others refer to comes first. */
const SELECTORS: readonly Init<Entity>[] = [
  { actionProfileMember: {} },
  { actionProfileGroup: {} },
  { tableEntry: { counterData: ALL_COUNTERS, meterConfig: {} } },
  { tableEntry: { isDefaultAction: true } },
  { packetReplicationEngineEntry: { multicastGroupEntry: {} } },
  { packetReplicationEngineEntry: { cloneSessionEntry: {} } },
  { valueSetEntry: {} },
  { digestEntry: {} },
  { counterEntry: {} },
  { meterEntry: {} },
  { registerEntry: {} },
];

/**
 * The update that creates an entity, or undefined if the new pipeline has it already: what the program itself
 * creates, and untouched elements of arrays, whose size may have changed.
 */
function updateFor(before: ForwardingPipeline, next: ForwardingPipeline, entity: Entity): Update | undefined {
  const update = (type: UpdateType): Update => ({ type, entity });
  const { tableEntry, counterEntry, meterEntry, registerEntry, valueSetEntry } = entity;
  if (tableEntry?.isDefaultAction) {
    return before.defaultNotes.has(before.index.tables.byId(tableEntry.tableId).name) ? update('MODIFY') : undefined;
  }
  if (tableEntry) return tableEntry.isConst ? undefined : update('INSERT');
  if (counterEntry) {
    const { byteCount = 0n, packetCount = 0n } = counterEntry.data ?? {};
    const zero = byteCount === 0n && packetCount === 0n;
    return zero || !fits(next.index.counters, counterEntry.counterId, counterEntry.index)
      ? undefined
      : update('MODIFY');
  }
  if (meterEntry) {
    return !meterEntry.config || !fits(next.index.meters, meterEntry.meterId, meterEntry.index)
      ? undefined
      : update('MODIFY');
  }
  if (registerEntry) {
    const zero = registerEntry.data?.bitstring?.every((byte) => byte === 0);
    return zero || !fits(next.index.registers, registerEntry.registerId, registerEntry.index)
      ? undefined
      : update('MODIFY');
  }
  if (valueSetEntry) return valueSetEntry.members.length === 0 ? undefined : update('MODIFY');
  return update('INSERT');
}

/** Whether the element exists in the new pipeline: arrays may be gone or shorter. */
function fits(
  arrays: { has(id: number): boolean; byId(id: number): { readonly size: number } },
  id: number,
  index: { index: bigint } | undefined,
): boolean {
  return arrays.has(id) && Number(index?.index ?? 0n) < arrays.byId(id).size;
}

/** @throws RpcError INVALID_ARGUMENT if something that a client wrote does not fit the new pipeline */
export function reconcile(before: ForwardingPipeline, next: ForwardingPipeline): void {
  const updates: Update[] = [];
  // The state that is kept includes the program's own entries as they are now.
  for (const table of next.index.tables.items) {
    if (!isPreinitialized(table) || !before.index.tables.has(table.id)) continue;
    for (const { keys, priority } of next.control.entries(table.name))
      next.control.deleteEntry(table.name, keys, priority);
  }
  for (const selector of SELECTORS) {
    for (const entity of readEntity(before, complete(selector))) {
      const update = entity && updateFor(before, next, complete(entity));
      if (update) updates.push(update);
    }
  }
  try {
    writeBatch(next, updates, 'CONTINUE_ON_ERROR');
  } catch (error) {
    if (!(error instanceof BatchError)) throw error;
    const first = error.errors.find(({ canonicalCode }) => canonicalCode !== 0)!;
    throw invalid(`The state cannot be kept (${error.message}) The first error: ${first.message}`);
  }
}
