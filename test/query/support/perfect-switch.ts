/**
 * Carries out plans with a switch that loses nothing: groups in as many slots as asked for, the exact Top-N, a set
 * as the filter. What such a run answers depends on the plan alone.
 */
import {
  DuckDBInstance,
  DuckDBDataChunk,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { FORMATS } from '../../../arithmetic/formats.js';
import { orderKey } from '../../../arithmetic/key.js';
import { ChunkEncoder } from '../../../query/plan/chunk-encoder.js';
import { KeyEncoder } from '../../../query/plan/keys.js';
import type { AggregateStep, PruneStep, QueryPlan, RowSet } from '../../../query/plan/plan.js';
import { groupColumns } from '../../../query/plan/planner.js';
import { KEY_BYTES } from '../../../query/tuples.js';
import { Having, HAVING_ON_ROWS, LaneOp, Operator, Order } from '../../../protocol/query/constants.js';
import { KeyDecoder } from './key-decoder.js';

export interface Run {
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly rows: readonly (readonly DuckDBValue[])[];
  /** Rows of row sets that reached the master, and rows of relations. */
  readonly fetched: number;
  readonly groups: number;
}

export class SumOverflow extends Error {}

interface Group {
  rows: bigint;
  readonly lanes: (number | bigint)[];
  readonly counts: bigint[];
}

interface Portion {
  readonly chunk: DuckDBDataChunk;
  readonly isAlive: boolean[];
}

const scratch = new DataView(new ArrayBuffer(8));

function orderOf(op: LaneOp, value: number | bigint): bigint {
  if (typeof value === 'bigint') return orderKey({ ...FORMATS.int32, bits: 64 } as never, BigInt.asUintN(64, value));
  scratch.setFloat64(0, value);
  return orderKey(FORMATS.fp64, scratch.getBigUint64(0));
}

function fold(op: LaneOp, before: number | bigint | undefined, value: number | bigint): number | bigint {
  if (before === undefined) return op === LaneOp.SUM_F32 ? Math.fround(value as number) : value;
  switch (op) {
    case LaneOp.SUM_F64:
      return (before as number) + (value as number);
    case LaneOp.SUM_F32:
      return Math.fround((before as number) + Math.fround(value as number));
    case LaneOp.SUM_I64: {
      const sum = (before as bigint) + (value as bigint);
      if (BigInt.asIntN(64, sum) !== sum) throw new SumOverflow('an integer sum left 64 bits');
      return sum;
    }
    case LaneOp.MIN_F64:
    case LaneOp.MIN_I64:
      return orderOf(op, value) < orderOf(op, before) ? value : before;
    default:
      return orderOf(op, value) > orderOf(op, before) ? value : before;
  }
}

function failsHaving(step: AggregateStep, group: Group): boolean {
  const { having } = step;
  if (having === undefined) return false;
  if (having.lane !== HAVING_ON_ROWS && group.counts[having.lane] === 0n) return true;
  const key =
    having.lane === HAVING_ON_ROWS ? group.rows : orderOf(step.lanes[having.lane]!.op, group.lanes[having.lane]!);
  return having.comparison === Having.AT_LEAST ? key < having.key : key > having.key;
}

/** @param workers one connection a worker, each with its share of every table */
export async function execute(
  plan: QueryPlan,
  workers: readonly DuckDBConnection[],
  { groupSlots = 64 } = {},
): Promise<Run> {
  const instance = await DuckDBInstance.create(':memory:');
  const master = await instance.connect();
  let groups = 0;
  let fetched = 0;
  const rowSets = new Map<
    string,
    { set: RowSet; names: readonly string[]; types: readonly DuckDBType[]; portions: Portion[] }
  >();
  for (const set of plan.rowSets) {
    const portions: Portion[] = [];
    let names: readonly string[] = [];
    let types: readonly DuckDBType[] = [];
    for (const worker of workers) {
      const result = await worker.run(set.select);
      names = result.columnNames();
      types = result.columnTypes();
      for (const chunk of await result.fetchAllChunks())
        portions.push({ chunk, isAlive: Array<boolean>(chunk.rowCount).fill(true) });
    }
    rowSets.set(set.name, { set, names, types, portions });
  }
  const filters = new Map<number, Set<string>>();
  for (const step of plan.steps) {
    if (step.operator === Operator.GROUP) groups += await aggregate(step, workers, master, groupSlots);
    else {
      const { names, portions } = rowSets.get(step.rowSet)!;
      prune(step, names, portions, filters);
    }
  }
  for (const { set, names, types, portions } of rowSets.values()) {
    const kept = names.map((_, i) => i).filter((i) => !set.helpers.includes(names[i]!));
    const rows = portions.flatMap(({ chunk, isAlive }) =>
      chunk
        .getRows()
        .filter((_, row) => isAlive[row])
        .map((row) => kept.map((i) => row[i]!)),
    );
    fetched += rows.length;
    await fill(
      master,
      set.name,
      kept.map((i) => names[i]!),
      kept.map((i) => types[i]!),
      rows,
    );
  }
  const result = await master.runAndReadAll(plan.masterSql);
  const run = {
    names: result.columnNames(),
    types: result.columnTypes().map(String),
    rows: result.getRows(),
    fetched,
    groups,
  };
  master.closeSync();
  instance.closeSync();
  return run;
}

async function aggregate(
  step: AggregateStep,
  workers: readonly DuckDBConnection[],
  master: DuckDBConnection,
  slots: number,
): Promise<number> {
  const encoder = new ChunkEncoder(step.keys, step.lanes);
  const decoder = new KeyDecoder(step.keys);
  const groups = new Map<string, { key: Uint8Array; group: Group }>();
  const rows: DuckDBValue[][] = [];
  const direct = (keys: readonly DuckDBValue[], lanes: readonly (number | bigint | null)[]): void =>
    void rows.push([...keys, 1n, ...lanes.flatMap((value) => [value, value === null ? 0n : 1n])]);
  for (const worker of workers) {
    for (const chunk of await (await worker.run(step.select)).fetchAllChunks()) {
      const { batch, unfit } = encoder.encode(chunk);
      for (const row of unfit) {
        const values = chunk.getRowValues(row);
        direct(values.slice(0, step.keys.length), values.slice(step.keys.length) as (number | bigint | null)[]);
      }
      for (let row = 0; row < batch.rows; row++) {
        const key = batch.keys?.slice(row * KEY_BYTES, (row + 1) * KEY_BYTES) ?? new Uint8Array(KEY_BYTES);
        const name = Buffer.from(key).toString('hex');
        const lanes = step.lanes.map((_, l) => (((batch.nulls?.[row] ?? 0) >> l) & 1 ? null : batch.lanes[l]![row]!));
        let entry = groups.get(name);
        if (entry === undefined) {
          if (groups.size === slots) {
            direct(decoder.decode(key, 0, []), lanes);
            continue;
          }
          entry = { key, group: { rows: 0n, lanes: [], counts: step.lanes.map(() => 0n) } };
          groups.set(name, entry);
        }
        const { group } = entry;
        group.rows++;
        lanes.forEach((value, l) => {
          if (value === null) return;
          group.lanes[l] = fold(step.lanes[l]!.op, group.counts[l] === 0n ? undefined : group.lanes[l], value);
          group.counts[l]!++;
        });
      }
    }
  }
  for (const { key, group } of groups.values()) {
    if (failsHaving(step, group)) continue;
    rows.push([
      ...decoder.decode(key, 0, []),
      group.rows,
      ...step.lanes.flatMap((_, l) => [group.counts[l] === 0n ? null : group.lanes[l]!, group.counts[l]!]),
    ]);
  }
  const columns = groupColumns(step);
  await master.run(
    `CREATE TABLE "${step.relation}" (${columns.map(({ name, type }) => `"${name}" ${type}`).join(', ')})`,
  );
  const types = (await master.run(`SELECT * FROM "${step.relation}"`)).columnTypes();
  await append(master, step.relation, types, rows);
  return rows.length;
}

function prune(
  step: PruneStep,
  names: readonly string[],
  portions: readonly Portion[],
  filters: Map<number, Set<string>>,
): void {
  if (step.operator === Operator.TOP) {
    const kept: bigint[] = [];
    for (const { chunk, isAlive } of portions) {
      const values = chunk.getColumnValues(names.indexOf(step.column)) as (number | bigint)[];
      values.forEach((value, row) => {
        const key = orderOf(step.order === Order.F64 ? LaneOp.MAX_F64 : LaneOp.MAX_I64, value);
        if (kept.length < step.n) kept.push(key);
        else if (key < kept[0]!) isAlive[row] = false;
        else if (key > kept[0]!) kept[0] = key;
        kept.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
      });
    }
    return;
  }
  const encoder = new KeyEncoder(step.keys);
  const filter = filters.get(step.filter) ?? new Set<string>();
  filters.set(step.filter, filter);
  for (const { chunk, isAlive } of portions) {
    const keys = new Uint8Array(chunk.rowCount * KEY_BYTES);
    const unfit = encoder.encode(
      step.keys.map(({ name }) => chunk.getColumnVector(names.indexOf(name))),
      chunk.rowCount,
      keys,
    );
    if (unfit.length > 0) throw new Error('a join key must always fit');
    for (let row = 0; row < chunk.rowCount; row++) {
      const key = Buffer.from(keys.subarray(row * KEY_BYTES, (row + 1) * KEY_BYTES)).toString('hex');
      if (step.operator === Operator.PROBE) isAlive[row] &&= filter.has(key);
      else if (isAlive[row]) filter.add(key);
    }
  }
}

async function fill(
  master: DuckDBConnection,
  table: string,
  names: readonly string[],
  types: readonly DuckDBType[],
  rows: readonly (readonly DuckDBValue[])[],
): Promise<void> {
  await master.run(
    `CREATE TABLE "${table}" (${names.map((name, i) => `"${name}" ${types[i]!.toString()}`).join(', ')})`,
  );
  await append(master, table, types, rows);
}

async function append(
  master: DuckDBConnection,
  table: string,
  types: readonly DuckDBType[],
  rows: readonly (readonly DuckDBValue[])[],
): Promise<void> {
  const appender = await master.createAppender(table);
  for (let from = 0; from < rows.length; from += 2048) {
    const part = rows.slice(from, from + 2048);
    const chunk = DuckDBDataChunk.create(types, part.length);
    chunk.setRows(part);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}
