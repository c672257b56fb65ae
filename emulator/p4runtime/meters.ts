/** Meters, indexed and of table entries (P4Runtime 1.4, section "MeterEntry & DirectMeterEntry"). */
import type { DirectMeterEntry, Entity, Init, MeterEntry, UpdateType } from '../../p4runtime/index.js';
import { directTables, readDirect, requireDirect } from './direct-resource.js';
import { elementIndices } from './element-index.js';
import { fromRates, toRates } from './meter-config.js';
import type { ForwardingPipeline } from './pipeline.js';
import { invalid, unimplemented } from './rpc-error.js';
import { toEntryKey } from './table-entry.js';
import type { Transaction } from './transaction.js';

function refuseColors(entry: MeterEntry | DirectMeterEntry): void {
  if (entry.counterData) throw unimplemented('Meters have no counters per color on this switch.');
}

export function writeMeter(pipeline: ForwardingPipeline, tx: Transaction, type: UpdateType, entry: MeterEntry): void {
  const meter = pipeline.index.meters.byId(entry.meterId);
  if (type !== 'MODIFY') throw invalid('A meter can only be modified.');
  refuseColors(entry);
  const rates = entry.config && toRates(meter, entry.config);
  for (const index of elementIndices(meter, pipeline.control.meterSize(meter.name), entry.index)) {
    tx.setMeter(meter.name, index, rates);
  }
}

export function* readMeters(pipeline: ForwardingPipeline, request: MeterEntry): Generator<Init<Entity>> {
  refuseColors(request);
  const { meters } = pipeline.index;
  if (request.meterId === 0 && request.index) throw invalid('An index needs a meter_id.');
  for (const meter of request.meterId === 0 ? meters.items : [meters.byId(request.meterId)]) {
    for (const index of elementIndices(meter, pipeline.control.meterSize(meter.name), request.index)) {
      const rates = pipeline.control.readMeter(meter.name, index);
      yield {
        meterEntry: {
          meterId: meter.id,
          index: { index: BigInt(index) },
          ...(rates && { config: fromRates(rates) }),
        },
      };
    }
  }
}

export function writeDirectMeter(
  pipeline: ForwardingPipeline,
  tx: Transaction,
  type: UpdateType,
  entry: DirectMeterEntry,
): void {
  const table = requireDirect(pipeline, entry.tableEntry, 'directMeter');
  if (type !== 'MODIFY') throw invalid('A direct meter can only be modified.');
  refuseColors(entry);
  const { keys, priority } = pipeline.entry(table, toEntryKey(pipeline, table, entry.tableEntry!));
  tx.setDirectMeter(table.name, keys, priority, entry.config && toRates(table.directMeter!, entry.config));
}

export function readDirectMeters(
  pipeline: ForwardingPipeline,
  request: DirectMeterEntry,
): Iterable<Init<Entity> | undefined> {
  refuseColors(request);
  const tables = directTables(pipeline, request.tableEntry, 'directMeter');
  return readDirect(pipeline, tables, { meter: true }, (tableEntry, { rates }) => ({
    directMeterEntry: { tableEntry, ...(rates && { config: fromRates(rates) }) },
  }));
}
