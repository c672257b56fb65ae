/** A worker's rows of one row set, and which of them are left. */
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { Operator } from '../../../protocol/query/constants.js';
import { KeyEncoder } from '../plan/keys.js';
import type { KeyColumn, PruneStep, RowSet } from '../plan/plan.js';
import { identifier } from '../plan/tree.js';
import { isValid, laneOf, validityOf } from '../plan/vectors.js';
import type { RowSender } from '../stream/sender.js';
import { KEY_BYTES, type TupleBatch } from '../tuples.js';
import { QueryEvaluationError } from './errors.js';

const ROW = 'fpisa_row';
const FIRST_CAPACITY = 1 << 12;

/** Rows of a stream in the order in which they were sent. */
class SentRows {
  private rows = new Uint32Array(FIRST_CAPACITY);
  length = 0;

  push(row: number): void {
    if (this.length === this.rows.length) {
      const larger = new Uint32Array(this.rows.length * 2);
      larger.set(this.rows);
      this.rows = larger;
    }
    this.rows[this.length++] = row;
  }

  at(index: number): number {
    return this.rows[index]!;
  }
}

export interface PrunedRows {
  /** Sent into the switch. */
  readonly rows: number;
  readonly kept: number;
}

export class WorkerRowSet {
  private alive: Uint8Array | undefined;
  private columns: readonly { readonly name: string; readonly type: string }[] = [];

  /** @param table of the worker's DuckDB that may be made for it */
  constructor(
    private readonly connection: DuckDBConnection,
    private readonly rowSet: RowSet,
    private readonly table: string,
  ) {}

  /** What the master gets of each row. */
  async describe(): Promise<readonly { readonly name: string; readonly type: string }[]> {
    const rows = (await this.connection.runAndReadAll(`DESCRIBE ${this.rowSet.select}`)).getRows();
    this.columns = rows.map(([name, type]) => ({ name: String(name), type: String(type) })).filter(({ name }) => !this.rowSet.helpers.includes(name));
    return this.columns;
  }

  /** Sends what remains through an operator. @param senderOf makes the stream's sender with the given hearing of verdicts */
  async prune(step: PruneStep, senderOf: (onVerdict: (first: number, count: number, mask: number) => void) => RowSender, checkIsWanted: () => void): Promise<PrunedRows> {
    const alive = await this.materialised();
    const sent = new SentRows();
    const drops = step.operator !== Operator.BUILD;
    const sender = senderOf((first, count, mask) => {
      if (!drops) return;
      for (let t = 0; t < count; t++) if (((mask >>> t) & 1) === 1) alive[sent.at(first + t)] = 0;
    });
    const columns = step.operator === Operator.TOP ? [step.column] : step.keys.map(({ name }) => name);
    const encoder = step.operator === Operator.TOP ? undefined : new KeyEncoder(step.keys);
    const result = await this.connection.stream(`SELECT ${[ROW, ...columns].map(identifier).join(', ')} FROM ${identifier(this.table)}`);
    for (;;) {
      const chunk = await result.fetchChunk();
      checkIsWanted();
      if (chunk === null || chunk.rowCount === 0) break;
      const batch = encoder === undefined ? orderBatch(chunk, alive, sent) : keyBatch(chunk, alive, sent, encoder, step as { keys: readonly KeyColumn[]; operator: Operator });
      if (batch.rows > 0) await sender.send(batch);
    }
    await sender.end();
    return { rows: sent.length, kept: alive.reduce((sum, each) => sum + each, 0) };
  }

  /** SELECT of the rows that remain, without helper columns. */
  async remainder(): Promise<{ select: string; columns: readonly { readonly name: string; readonly type: string }[] }> {
    const columns = await this.describe();
    const items = columns.map(({ name }) => identifier(name)).join(', ');
    if (this.alive === undefined) return { select: `SELECT ${items} FROM (${this.rowSet.select})`, columns };
    const kept = `${this.table}_kept`;
    await this.connection.run(`CREATE OR REPLACE TABLE ${identifier(kept)} (row_number BIGINT)`);
    const appender = await this.connection.createAppender(kept);
    this.alive.forEach((isAlive, row) => {
      if (isAlive === 0) return;
      appender.appendBigInt(BigInt(row));
      appender.endRow();
    });
    appender.closeSync();
    return { select: `SELECT ${items} FROM ${identifier(this.table)} SEMI JOIN ${identifier(kept)} ON ${identifier(ROW)} = row_number`, columns };
  }

  private async materialised(): Promise<Uint8Array> {
    if (this.alive !== undefined) return this.alive;
    await this.connection.run(`CREATE OR REPLACE TABLE ${identifier(this.table)} AS SELECT row_number() OVER () - 1 AS ${identifier(ROW)}, * FROM (${this.rowSet.select})`);
    const [[count]] = (await this.connection.runAndReadAll(`SELECT count(*) FROM ${identifier(this.table)}`)).getRows() as [[bigint]];
    return (this.alive = new Uint8Array(Number(count)).fill(1));
  }
}

/** A value that is NULL has no place in an order of the switch; its row is kept unseen. */
function orderBatch(chunk: DuckDBDataChunk, alive: Uint8Array, sent: SentRows): TupleBatch {
  const rows = rowNumbers(chunk);
  const lane = laneOf(chunk.getColumnVector(1));
  const validity = validityOf(chunk.getColumnVector(1));
  let count = 0;
  rows.forEach((number, i) => {
    const row = Number(number);
    if (alive[row] === 0 || !isValid(validity, i)) return;
    lane[count++] = lane[i]!;
    sent.push(row);
  });
  return { rows: count, keys: undefined, lanes: [lane.subarray(0, count) as Float64Array | BigInt64Array], nulls: undefined };
}

function keyBatch(chunk: DuckDBDataChunk, alive: Uint8Array, sent: SentRows, encoder: KeyEncoder, step: { keys: readonly KeyColumn[]; operator: Operator }): TupleBatch {
  const rows = rowNumbers(chunk);
  const keys = new Uint8Array(chunk.rowCount * KEY_BYTES);
  const unfit = new Set(encoder.encode(step.keys.map((_, i) => chunk.getColumnVector(1 + i)), chunk.rowCount, keys));
  // A key that is missing from the filter would drop rows that have a partner.
  if (unfit.size > 0 && step.operator === Operator.BUILD) throw new QueryEvaluationError(`a key of ${step.keys.map(({ name }) => name).join(', ')} does not fit into the ${KEY_BYTES} bytes of a tuple's key`);
  let count = 0;
  rows.forEach((number, i) => {
    const row = Number(number);
    if (alive[row] === 0 || unfit.has(i)) return;
    keys.copyWithin(count++ * KEY_BYTES, i * KEY_BYTES, (i + 1) * KEY_BYTES);
    sent.push(row);
  });
  return { rows: count, keys: keys.subarray(0, count * KEY_BYTES), lanes: [], nulls: undefined };
}

function rowNumbers(chunk: DuckDBDataChunk): BigInt64Array {
  return laneOf(chunk.getColumnVector(0)) as BigInt64Array;
}
