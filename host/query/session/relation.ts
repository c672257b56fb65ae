/** The relation of the master's DuckDB that an aggregation becomes: rows of groups, whole and in parts. */
import { DuckDBDecimalType, type DuckDBAppender, type DuckDBConnection, type DuckDBType, type DuckDBValue } from '@duckdb/node-api';
import type { QueryBuild } from '../../../protocol/query/constants.js';
import { KeyDecoder } from '../plan/keys.js';
import type { AggregateStep } from '../plan/plan.js';
import { groupColumns } from '../plan/planner.js';
import { identifier } from '../plan/tree.js';
import { KEY_BYTES } from '../tuples.js';
import { isIntegerLane, readFloatLane } from './lane-wire.js';
import { literal } from './tables.js';

const ROWS_BYTES = 8;
const LANE_BYTES = 8;

export class GroupRelation {
  private readonly decoder: KeyDecoder;
  private readonly key: DuckDBValue[] = [];
  private readonly types: readonly DuckDBType[];
  /** Of the message that was looked at last: its tuples come one after the other. */
  private view: DataView | undefined;
  private bytes: Uint8Array = new Uint8Array(0);

  private constructor(
    private readonly connection: DuckDBConnection,
    private readonly step: AggregateStep,
    private readonly build: QueryBuild,
    private appender: DuckDBAppender,
  ) {
    this.decoder = new KeyDecoder(step.keys);
    this.types = step.keys.map((_, i) => appender.columnType(i));
  }

  static async create(connection: DuckDBConnection, step: AggregateStep, build: QueryBuild): Promise<GroupRelation> {
    const columns = groupColumns(step).map(({ name, type }) => `${identifier(name)} ${type}`);
    await connection.run(`CREATE OR REPLACE TABLE ${identifier(step.relation)} (${columns.join(', ')})`);
    return new GroupRelation(connection, step, build, await connection.createAppender(step.relation));
  }

  /** A tuple that found no slot: its bytes begin at `offset`. Bit l of `nulls`: lane l is NULL. */
  addTuple(view: DataView, offset: number, nulls: number): void {
    this.addKey(view, offset);
    this.appender.appendBigInt(1n);
    this.step.lanes.forEach(({ op }, lane) => {
      const isNull = ((nulls >> lane) & 1) === 1;
      this.addLane(op, view, offset + KEY_BYTES + lane * LANE_BYTES, isNull ? 0n : 1n);
    });
    this.appender.endRow();
  }

  /** A group of the switch. */
  addGroup(view: DataView, offset: number): void {
    this.addKey(view, offset);
    const rows = offset + KEY_BYTES;
    this.appender.appendBigInt(view.getBigInt64(rows));
    const lanes = rows + ROWS_BYTES;
    const counts = lanes + this.build.lanes * LANE_BYTES;
    this.step.lanes.forEach(({ op }, lane) => this.addLane(op, view, lanes + lane * LANE_BYTES, view.getBigInt64(counts + lane * LANE_BYTES)));
    this.appender.endRow();
  }

  /** Rows that came as files of the worker's SELECT. @returns how many */
  async addUnfit(paths: readonly string[]): Promise<number> {
    const { keys, lanes, relation } = this.step;
    const items = [
      ...keys.map(({ name, sqlType }) => `CAST(${identifier(name)} AS ${sqlType})`),
      '1',
      ...lanes.flatMap(({ name }) => [identifier(name), `CASE WHEN ${identifier(name)} IS NULL THEN 0 ELSE 1 END`]),
    ];
    // The appender's rows first, so that none of its buffers is open while the table changes.
    this.appender.flushSync();
    const result = await this.connection.run(`INSERT INTO ${identifier(relation)} SELECT ${items.join(', ')} FROM read_parquet([${paths.map(literal).join(', ')}], hive_partitioning = false)`);
    return result.rowsChanged;
  }

  /** To be called when all rows are in. */
  close(): void {
    this.appender.closeSync();
  }

  private addKey(view: DataView, offset: number): void {
    const { types, key, appender } = this;
    if (this.view !== view) {
      this.view = view;
      this.bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    }
    this.decoder.decode(this.bytes, offset, key);
    for (let i = 0; i < types.length; i++) {
      const value = key[i]!;
      if (value === null) appender.appendNull();
      else if (types[i] instanceof DuckDBDecimalType) appender.appendDecimal(value as Parameters<DuckDBAppender['appendDecimal']>[0]);
      else appender.appendValue(value, types[i]);
    }
  }

  private addLane(op: AggregateStep['lanes'][number]['op'], view: DataView, offset: number, count: bigint): void {
    if (count === 0n) this.appender.appendNull();
    else if (isIntegerLane(op)) this.appender.appendBigInt(view.getBigInt64(offset));
    else this.appender.appendDouble(readFloatLane(op, view, offset));
    this.appender.appendBigInt(count);
  }
}
