/** Counters, indexed and of table entries (P4Runtime 1.4, section "CounterEntry & DirectCounterEntry"). */
import type { CounterEntry, DirectCounterEntry, Entity, Init, UpdateType } from '../../p4runtime/index.js';
import { fromCounterValue, toCounterValue } from './counter-value.js';
import { elementIndices } from './element-index.js';
import type { ForwardingPipeline } from './pipeline.js';
import { invalid } from './rpc-error.js';
import { directTables, readDirect, requireDirect } from './direct-resource.js';
import { toEntryKey } from './table-entry.js';
import type { Transaction } from './transaction.js';

export function writeCounter(
  pipeline: ForwardingPipeline,
  tx: Transaction,
  type: UpdateType,
  entry: CounterEntry,
): void {
  const counter = pipeline.index.counters.byId(entry.counterId);
  if (type !== 'MODIFY') throw invalid('A counter can only be modified.');
  const value = entry.data && toCounterValue(entry.data);
  for (const index of elementIndices(counter, pipeline.control.counterSize(counter.name), entry.index)) {
    if (value) tx.writeCounter(counter.name, index, value);
  }
}

export function* readCounters(pipeline: ForwardingPipeline, request: CounterEntry): Generator<Init<Entity>> {
  const { counters } = pipeline.index;
  if (request.counterId === 0 && request.index) throw invalid('An index needs a counter_id.');
  for (const counter of request.counterId === 0 ? counters.items : [counters.byId(request.counterId)]) {
    for (const index of elementIndices(counter, pipeline.control.counterSize(counter.name), request.index)) {
      const data = fromCounterValue(pipeline.control.readCounter(counter.name, index));
      yield { counterEntry: { counterId: counter.id, index: { index: BigInt(index) }, data } };
    }
  }
}

export function writeDirectCounter(
  pipeline: ForwardingPipeline,
  tx: Transaction,
  type: UpdateType,
  entry: DirectCounterEntry,
): void {
  const table = requireDirect(pipeline, entry.tableEntry, 'directCounter');
  if (type !== 'MODIFY') throw invalid('A direct counter can only be modified.');
  const { keys, priority } = pipeline.entry(table, toEntryKey(pipeline, table, entry.tableEntry!));
  if (entry.data) tx.writeDirectCounter(table.name, keys, priority, toCounterValue(entry.data));
}

export function readDirectCounters(
  pipeline: ForwardingPipeline,
  request: DirectCounterEntry,
): Iterable<Init<Entity> | undefined> {
  const tables = directTables(pipeline, request.tableEntry, 'directCounter');
  return readDirect(pipeline, tables, { counter: true }, (tableEntry, { counter }) => ({
    directCounterEntry: { tableEntry, data: fromCounterValue(counter!) },
  }));
}
