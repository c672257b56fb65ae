/** Which tables a request about direct counters or meters refers to. */
import type { Entity, Init, TableEntry, TableInfo } from '../../p4runtime/index.js';
import type { ReadEntry, WantedDirect } from '../control.js';
import type { ForwardingPipeline } from './pipeline.js';
import { invalid, notFound, unimplemented } from './rpc-error.js';
import { fromEntry, selectEntries } from './table-read.js';

type Resource = 'directCounter' | 'directMeter';

const WORDS: Readonly<Record<Resource, string>> = { directCounter: 'direct counter', directMeter: 'direct meter' };

/** The one table of a write. @throws RpcError if it is not named or has no such resource */
export function requireDirect(
  pipeline: ForwardingPipeline,
  entry: TableEntry | undefined,
  resource: Resource,
): TableInfo {
  if (!entry) throw invalid(`A ${WORDS[resource]} belongs to a table entry, but the request names none.`);
  const table = pipeline.index.tables.byId(entry.tableId);
  if (!table[resource]) {
    const valid = pipeline.index.tables.items.filter((each) => each[resource]).map(({ name }) => name);
    throw invalid(`Table ${table.name} has no ${WORDS[resource]}; tables that do: ${valid.join(', ') || 'none'}.`);
  }
  if (entry.isDefaultAction) throw unimplemented(`A default entry has no ${WORDS[resource]} in BMv2.`);
  return table;
}

/** The tables of a read; all that have the resource if none is named. */
export function directTables(
  pipeline: ForwardingPipeline,
  selector: TableEntry | undefined,
  resource: Resource,
): { table: TableInfo; selector: TableEntry }[] {
  if (!selector) throw invalid(`A ${WORDS[resource]} belongs to a table entry, but the request names none.`);
  if (selector.tableId !== 0) return [{ table: requireDirect(pipeline, selector, resource), selector }];
  return pipeline.index.tables.items.filter((table) => table[resource]).map((table) => ({ table, selector }));
}

/** Direct resources of the entries that tables have when this is called. Where it yields undefined the reader may pause. */
export function readDirect(
  pipeline: ForwardingPipeline,
  tables: readonly { table: TableInfo; selector: TableEntry }[],
  wanted: WantedDirect,
  toEntity: (entry: Init<TableEntry>, read: ReadEntry) => Init<Entity>,
): Iterable<Init<Entity> | undefined> {
  const selected = tables.map(({ table, selector }) => ({
    table,
    isOne: selector.match.length > 0,
    entries: selectEntries(pipeline, table, selector, wanted),
  }));
  return (function* () {
    for (const { table, isOne, entries } of selected) {
      let isFound = false;
      for (const read of entries) {
        isFound ||= read !== undefined;
        if (!read) yield undefined;
        else {
          const { tableId, match, priority } = fromEntry(pipeline, table, read.entry);
          yield toEntity({ tableId, match, priority }, read);
        }
      }
      if (!isFound && isOne) throw notFound(`Table ${table.name} has no entry with this key.`);
    }
  })();
}
