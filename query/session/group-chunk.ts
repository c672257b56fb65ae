/** Rows of groups as columns of a DuckDB chunk: the bytes of keys and lanes are copied without creating values. */
import type { DuckDBAppender, DuckDBDataChunk, DuckDBVector } from '@duckdb/node-api';
import { LaneOp } from '../../protocol/query/constants.js';
import { duckdb } from '../duckdb.js';
import { TupleKeyLayout } from '../plan/keys.js';
import type { AggregateStep } from '../plan/plan.js';
import { rawBytes } from '../plan/vectors.js';
import { readSingle } from './lane-wire.js';

/** DuckDB's vector size. */
const CAPACITY = 2048;

const LANE_BYTES = 8;
/** Bytes below it are whole characters in UTF-8. */
const ASCII_END = 0x80;

/** Offsets of a row's fields other than its key. */
export interface Places {
  /** The first lane. */
  readonly lanes: number;
  /** How many rows it stands for; undefined: one. */
  readonly rows?: number;
  /** How many values of the first lane are not NULL; undefined: bit l of `nulls` says whether lane l is. */
  readonly counts?: number;
  readonly nulls?: number;
}

/** A column of 64 bits, seen as pairs of its lower and its upper half. */
class WordColumn {
  private readonly halves: Uint32Array;

  constructor(readonly vector: DuckDBVector) {
    const bytes = rawBytes(vector);
    this.halves = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  }

  /** From network byte order to DuckDB's. @returns whether it is 0 */
  copy(row: number, view: DataView, offset: number): boolean {
    const upper = view.getUint32(offset);
    const lower = view.getUint32(offset + 4);
    this.halves[2 * row] = lower;
    this.halves[2 * row + 1] = upper;
    return (upper | lower) === 0;
  }

  set(row: number, value: 0 | 1): void {
    this.halves[2 * row] = value;
    this.halves[2 * row + 1] = 0;
  }
}

/** Columns as `groupColumns` of the planner lists them. Full chunks go to the appender. */
export class GroupChunk {
  private readonly chunk: DuckDBDataChunk;
  private readonly layout: TupleKeyLayout;
  private readonly decoder = new TextDecoder();
  private rows = 0;
  private keys: DuckDBVector[] = [];
  private keyBytes: Uint8Array[] = [];
  private counts!: WordColumn;
  private lanes: WordColumn[] = [];
  private laneCounts: WordColumn[] = [];
  /** Of lanes of fp32, which become DOUBLE. */
  private singles: (Float64Array | undefined)[] = [];

  constructor(
    private readonly appender: DuckDBAppender,
    private readonly step: AggregateStep,
  ) {
    this.layout = new TupleKeyLayout(step.keys);
    this.chunk = duckdb().DuckDBDataChunk.create(
      Array.from({ length: appender.columnCount }, (_, i) => appender.columnType(i)),
      CAPACITY,
    );
    this.take();
  }

  /** @param bytes the same memory as `view`'s. @param key offset of the key's first byte */
  add(view: DataView, bytes: Uint8Array, key: number, { lanes, rows, counts, nulls = 0 }: Places): void {
    const row = this.rows;
    this.addKey(bytes, key, row);
    if (rows === undefined) this.counts.set(row, 1);
    else this.counts.copy(row, view, rows);
    for (let lane = 0; lane < this.lanes.length; lane++) {
      let isNull: boolean;
      if (counts === undefined) {
        isNull = ((nulls >> lane) & 1) === 1;
        this.laneCounts[lane]!.set(row, isNull ? 0 : 1);
      } else isNull = this.laneCounts[lane]!.copy(row, view, counts + LANE_BYTES * lane);
      const at = lanes + LANE_BYTES * lane;
      const singles = this.singles[lane];
      if (isNull) this.lanes[lane]!.vector.setItem(row, null);
      else if (singles !== undefined) singles[row] = readSingle(view, at);
      else this.lanes[lane]!.copy(row, view, at);
    }
    this.rows++;
    if (this.rows === CAPACITY) this.flush();
  }

  /** Passes the rows collected so far to the appender. */
  flush(): void {
    if (this.rows === 0) return;
    for (const vector of [
      ...this.keys,
      ...[this.counts, ...this.lanes, ...this.laneCounts].map(({ vector }) => vector),
    ])
      vector.flush();
    this.chunk.rowCount = this.rows;
    this.appender.appendDataChunk(this.chunk);
    this.chunk.reset();
    this.chunk.rowCount = CAPACITY;
    this.rows = 0;
    this.take();
  }

  /** Takes the chunk's vectors, which change with each flush. */
  private take(): void {
    const { keys, lanes } = this.step;
    const vector = (column: number): DuckDBVector => this.chunk.getColumnVector(column);
    this.keys = keys.map((_, i) => vector(i));
    this.keyBytes = this.keys.map((each, i) => (keys[i]!.type.kind === 'text' ? new Uint8Array(0) : rawBytes(each)));
    this.counts = new WordColumn(vector(keys.length));
    this.lanes = lanes.map((_, lane) => new WordColumn(vector(keys.length + 1 + 2 * lane)));
    this.laneCounts = lanes.map((_, lane) => new WordColumn(vector(keys.length + 2 + 2 * lane)));
    this.singles = lanes.map(({ op }, lane) => {
      if (op !== LaneOp.SUM_F32) return undefined;
      const bytes = rawBytes(this.lanes[lane]!.vector);
      return new Float64Array(bytes.buffer, bytes.byteOffset, CAPACITY);
    });
  }

  private addKey(bytes: Uint8Array, key: number, row: number): void {
    for (const { index, offset, width } of this.layout.fixed) {
      if (((bytes[key + (index >> 3)]! >> (index & 7)) & 1) === 1) {
        this.keys[index]!.setItem(row, null);
        continue;
      }
      const to = this.keyBytes[index]!;
      for (let i = 0, at = row * width, from = key + offset; i < width; i++) to[at + i] = bytes[from + i]!;
    }
    let at = key + this.layout.end;
    for (const { index } of this.layout.texts) {
      const length = bytes[at]!;
      const isNull = ((bytes[key + (index >> 3)]! >> (index & 7)) & 1) === 1;
      this.keys[index]!.setItem(row, isNull ? null : this.text(bytes, at + 1, length));
      at += 1 + length;
    }
  }

  private text(bytes: Uint8Array, from: number, length: number): string {
    let text = '';
    for (let i = from; i < from + length; i++) {
      const byte = bytes[i]!;
      if (byte >= ASCII_END) return this.decoder.decode(bytes.subarray(from, from + length));
      text += String.fromCharCode(byte);
    }
    return text;
  }
}
