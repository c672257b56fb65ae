/** The relation of the master's DuckDB that an aggregation becomes: rows of groups, whole and in parts. */
import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';
import type { QueryBuild } from '../../protocol/query/constants.js';
import type { AggregateStep } from '../plan/plan.js';
import { groupColumns } from '../plan/planner.js';
import { identifier } from '../plan/tree.js';
import { KEY_BYTES } from '../tuples.js';
import { GroupChunk } from './group-chunk.js';
import { literal } from './tables.js';

const ROWS_BYTES = 8;
const LANE_BYTES = 8;

export class GroupRelation {
  private readonly chunk: GroupChunk;
  /** Of the message that was read last: its tuples come one after the other. */
  private view: DataView | undefined;
  private bytes: Uint8Array = new Uint8Array(0);

  private constructor(
    private readonly connection: DuckDBConnection,
    private readonly step: AggregateStep,
    private readonly build: QueryBuild,
    private readonly appender: DuckDBAppender,
  ) {
    this.chunk = new GroupChunk(appender, step);
  }

  static async create(connection: DuckDBConnection, step: AggregateStep, build: QueryBuild): Promise<GroupRelation> {
    const columns = groupColumns(step).map(({ name, type }) => `${identifier(name)} ${type}`);
    await connection.run(`CREATE OR REPLACE TABLE ${identifier(step.relation)} (${columns.join(', ')})`);
    return new GroupRelation(connection, step, build, await connection.createAppender(step.relation));
  }

  /** A tuple that found no slot: its bytes begin at `offset`. Bit l of `nulls`: lane l is NULL. */
  addTuple(view: DataView, offset: number, nulls: number): void {
    this.chunk.add(view, this.bytesOf(view), offset, { lanes: offset + KEY_BYTES, nulls });
  }

  /** A group of the switch. */
  addGroup(view: DataView, offset: number): void {
    const rows = offset + KEY_BYTES;
    const lanes = rows + ROWS_BYTES;
    this.chunk.add(view, this.bytesOf(view), offset, { lanes, rows, counts: lanes + this.build.lanes * LANE_BYTES });
  }

  /** Rows that arrived as files of the worker's SELECT. @returns how many */
  async addUnfit(paths: readonly string[]): Promise<number> {
    const { keys, lanes, relation } = this.step;
    const items = [
      ...keys.map(({ name, sqlType }) => `CAST(${identifier(name)} AS ${sqlType})`),
      '1',
      ...lanes.flatMap(({ name }) => [identifier(name), `CASE WHEN ${identifier(name)} IS NULL THEN 0 ELSE 1 END`]),
    ];
    // The appender's rows first, so that none of its buffers is open while the table changes.
    this.chunk.flush();
    this.appender.flushSync();
    const result = await this.connection.run(
      `INSERT INTO ${identifier(relation)} SELECT ${items.join(', ')} FROM read_parquet([${paths.map(literal).join(', ')}], hive_partitioning = false)`,
    );
    return result.rowsChanged;
  }

  /** To be called when all rows are in. */
  close(): void {
    this.chunk.flush();
    this.appender.closeSync();
  }

  private bytesOf(view: DataView): Uint8Array {
    if (this.view !== view) {
      this.view = view;
      this.bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    }
    return this.bytes;
  }
}
