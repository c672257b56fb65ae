/** A worker's rows of one row set, and which of them are left. */
import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { Operator } from '../../protocol/query/constants.js';
import { duckdb } from '../duckdb.js';
import { KeyEncoder } from '../plan/keys.js';
import type { KeyColumn, PruneStep, RowSet } from '../plan/plan.js';
import { identifier } from '../plan/tree.js';
import { isValid, laneOf, validityOf } from '../plan/vectors.js';
import type { RowSender } from '../stream/sender.js';
import { KEY_BYTES, type TupleBatch } from '../tuples.js';
import { QueryEvaluationError } from './errors.js';

const ROW = 'fpisa_row';
const FIRST_CAPACITY = 1 << 12;
/** DuckDB's vector size. */
const CHUNK_ROWS = 2048;

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
  /** Sent into the switch: rows, or distinct keys if the step works on keys. */
  readonly rows: number;
  /** Kept without being sent. */
  readonly unseen: number;
  /** Of both, what is left. */
  readonly kept: number;
}

/** What a step needs from the worker. */
export interface PruneHost {
  /** Creates the stream's sender with the given listener for verdicts; the stream is open when it resolves. */
  senderOf(onVerdict: (first: number, count: number, mask: number) => void): Promise<RowSender>;
  /** @throws QueryAbortedError if the step is no longer needed */
  checkIsWanted(): void;
}

interface Column {
  readonly name: string;
  readonly type: string;
}

export class WorkerRowSet {
  /** SELECT of what is left. */
  private source: string;
  private tables = 0;

  /** @param table prefix of the tables that are created for it in the worker's DuckDB */
  constructor(
    private readonly connection: DuckDBConnection,
    private readonly rowSet: RowSet,
    private readonly table: string,
  ) {
    this.source = rowSet.select;
  }

  /** Sends what remains through an operator. */
  async prune(step: PruneStep, host: PruneHost): Promise<PrunedRows> {
    return step.operator !== Operator.TOP && step.isDistinct
      ? this.pruneByKeys(step, host)
      : this.pruneRows(step, host);
  }

  /** SELECT of the rows that remain, without helper columns. */
  async remainder(): Promise<{ select: string; columns: readonly Column[] }> {
    const prepared = await this.connection.prepare(this.source);
    try {
      const all = Array.from({ length: prepared.columnCount }, (_, i): Column => ({
        name: prepared.columnName(i),
        type: prepared.columnType(i).toString(),
      }));
      const columns = all.filter(({ name }) => !this.rowSet.helpers.includes(name));
      return {
        select: `SELECT ${columns.map(({ name }) => identifier(name)).join(', ')} FROM (${this.source})`,
        columns,
      };
    } finally {
      prepared.destroySync();
    }
  }

  /** Every row is a tuple. */
  private async pruneRows(step: PruneStep, host: PruneHost): Promise<PrunedRows> {
    const rows = this.nextTable();
    const count = await this.create(
      rows,
      `SELECT row_number() OVER () - 1 AS ${identifier(ROW)}, * FROM (${this.source})`,
    );
    const columns = step.operator === Operator.TOP ? [step.column] : step.keys.map(({ name }) => name);
    const { alive, sent } = await this.stream(
      step,
      `SELECT ${[ROW, ...columns].map(identifier).join(', ')} FROM ${identifier(rows)}`,
      count,
      host,
    );
    const kept = countOf(alive);
    this.source = `SELECT * EXCLUDE ${identifier(ROW)} FROM ${identifier(rows)}${kept === count ? '' : ` SEMI JOIN ${identifier(await this.list(alive))} ON ${identifier(ROW)} = row_number`}`;
    return { rows: sent, unseen: count - sent, kept };
  }

  /** Every distinct key is a tuple: the switch's verdict on equal ones would be the same. */
  private async pruneByKeys(
    step: PruneStep & { readonly keys: readonly KeyColumn[] },
    host: PruneHost,
  ): Promise<PrunedRows> {
    const { keys } = step;
    const table = this.nextTable();
    const names = keys.map((_, i) => identifier(`k${i}`));
    const different = `SELECT DISTINCT ${keys.map(({ name }, i) => `${identifier(name)} AS ${names[i]}`).join(', ')} FROM (${this.source})`;
    const count = await this.create(
      table,
      `SELECT row_number() OVER () - 1 AS ${identifier(ROW)}, * FROM (${different})`,
    );
    const { alive, sent } = await this.stream(
      step,
      `SELECT ${[identifier(ROW), ...names].join(', ')} FROM ${identifier(table)}`,
      count,
      host,
    );
    const kept = countOf(alive);
    if (kept < count) {
      const left = `SELECT ${names.join(', ')} FROM ${identifier(table)} SEMI JOIN ${identifier(await this.list(alive))} ON ${identifier(ROW)} = row_number`;
      const isSame = keys.map(({ name }, i) => `fpisa_all.${identifier(name)} = fpisa_left.${names[i]}`).join(' AND ');
      const rows = this.nextTable();
      await this.create(
        rows,
        `SELECT fpisa_all.* FROM (${this.source}) AS fpisa_all SEMI JOIN (${left}) AS fpisa_left ON ${isSame}`,
      );
      this.source = `SELECT * FROM ${identifier(rows)}`;
    }
    return { rows: sent, unseen: count - sent, kept };
  }

  /** Sends the rows of a SELECT of row numbers with keys or with the order column. @param count of its rows */
  private async stream(
    step: PruneStep,
    select: string,
    count: number,
    host: PruneHost,
  ): Promise<{ alive: Uint8Array; sent: number }> {
    const alive = new Uint8Array(count).fill(1);
    const sent = new SentRows();
    const drops = step.operator !== Operator.BUILD;
    const encoder = step.operator === Operator.TOP ? undefined : new KeyEncoder(step.keys);
    const result = await this.connection.stream(select);
    const sender = await host.senderOf((first, tuples, mask) => {
      if (!drops) return;
      for (let t = 0; t < tuples; t++) if (((mask >>> t) & 1) === 1) alive[sent.at(first + t)] = 0;
    });
    for (;;) {
      const chunk = await result.fetchChunk();
      host.checkIsWanted();
      if (chunk === null || chunk.rowCount === 0) break;
      const batch =
        encoder === undefined
          ? orderBatch(chunk, sent)
          : keyBatch(chunk, sent, encoder, step as { keys: readonly KeyColumn[]; operator: Operator });
      if (batch.rows > 0) await sender.send(batch);
    }
    await sender.end();
    return { alive, sent: sent.length };
  }

  private nextTable(): string {
    return `${this.table}_${this.tables++}`;
  }

  /** @returns the number of rows */
  private async create(table: string, select: string): Promise<number> {
    const [[count]] = (
      await this.connection.runAndReadAll(`CREATE OR REPLACE TABLE ${identifier(table)} AS ${select}`)
    ).getRows() as [[bigint]];
    return Number(count);
  }

  /** A table of the numbers of the rows that are left. */
  private async list(alive: Uint8Array): Promise<string> {
    const table = this.nextTable();
    await this.connection.run(`CREATE OR REPLACE TABLE ${identifier(table)} (row_number BIGINT)`);
    const appender = await this.connection.createAppender(table);
    const chunk = duckdb().DuckDBDataChunk.create([appender.columnType(0)]);
    const numbers: bigint[] = [];
    const flush = (): void => {
      chunk.rowCount = numbers.length;
      chunk.setColumnValues(0, numbers);
      appender.appendDataChunk(chunk);
      chunk.reset();
      numbers.length = 0;
    };
    alive.forEach((isAlive, row) => {
      if (isAlive === 0) return;
      numbers.push(BigInt(row));
      if (numbers.length === CHUNK_ROWS) flush();
    });
    if (numbers.length > 0) flush();
    appender.closeSync();
    return table;
  }
}

function countOf(alive: Uint8Array): number {
  let count = 0;
  for (const each of alive) count += each;
  return count;
}

/** The switch cannot order NULL: such a row is kept without being sent. */
function orderBatch(chunk: DuckDBDataChunk, sent: SentRows): TupleBatch {
  const rows = rowNumbers(chunk);
  const lane = laneOf(chunk.getColumnVector(1));
  const validity = validityOf(chunk.getColumnVector(1));
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    if (!isValid(validity, i)) continue;
    lane[count++] = lane[i]!;
    sent.push(Number(rows[i]!));
  }
  return {
    rows: count,
    keys: undefined,
    lanes: [lane.subarray(0, count) as Float64Array | BigInt64Array],
    nulls: undefined,
  };
}

function keyBatch(
  chunk: DuckDBDataChunk,
  sent: SentRows,
  encoder: KeyEncoder,
  step: { keys: readonly KeyColumn[]; operator: Operator },
): TupleBatch {
  const rows = rowNumbers(chunk);
  const keys = new Uint8Array(chunk.rowCount * KEY_BYTES);
  const unfit = new Set(
    encoder.encode(
      step.keys.map((_, i) => chunk.getColumnVector(1 + i)),
      chunk.rowCount,
      keys,
    ),
  );
  // A key that is missing from the filter would drop rows that have a partner.
  if (unfit.size > 0 && step.operator === Operator.BUILD)
    throw new QueryEvaluationError(
      `a key of ${step.keys.map(({ name }) => name).join(', ')} does not fit into the ${KEY_BYTES} bytes of a tuple's key`,
    );
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    if (unfit.has(i)) continue;
    if (count < i) keys.copyWithin(count * KEY_BYTES, i * KEY_BYTES, (i + 1) * KEY_BYTES);
    count++;
    sent.push(Number(rows[i]!));
  }
  return { rows: count, keys: keys.subarray(0, count * KEY_BYTES), lanes: [], nulls: undefined };
}

function rowNumbers(chunk: DuckDBDataChunk): BigInt64Array {
  return laneOf(chunk.getColumnVector(0)) as BigInt64Array;
}
