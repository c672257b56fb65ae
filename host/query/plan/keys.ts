/**
 * Keys of tuples: NULL bits of the columns (bit c of the first bytes), then the columns of fixed width in their order,
 * little-endian as DuckDB's vectors hold them, then the texts in theirs, each with its length before it; zeros to the
 * end. Keys are equal just when DuckDB takes the values as equal: -0 is +0, and there is one NaN.
 */
import {
  DuckDBDateValue, DuckDBDecimalValue, DuckDBTimestampMillisecondsValue, DuckDBTimestampNanosecondsValue, DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue, DuckDBTimestampValue, DuckDBTimeValue, type DuckDBValue, type DuckDBVector,
} from '@duckdb/node-api';
import { KEY_BYTES } from '../tuples.js';
import type { KeyColumn } from './plan.js';
import { decimalOf } from './types.js';
import { rawBytes, rawView, validityOf, isValid } from './vectors.js';

const HASH_BYTES = 16;
/** DuckDB's vectors keep a text of up to 12 bytes in the 16 bytes of its entry: its length, then the bytes. */
const ENTRY_BYTES = 16;
const INLINE_BYTES = 12;

interface Place {
  readonly column: KeyColumn;
  readonly index: number;
  /** Of a column of fixed width; texts follow one another. */
  readonly offset: number;
  readonly width: number;
}

class Layout {
  readonly fixed: readonly Place[];
  readonly texts: readonly Place[];
  /** Where the first text's length is. */
  readonly end: number;

  constructor(columns: readonly KeyColumn[]) {
    let offset = Math.ceil(columns.length / 8);
    const fixed: Place[] = [];
    const texts: Place[] = [];
    columns.forEach((column, index) => {
      const { type } = column;
      const width = type.kind === 'hash' ? HASH_BYTES : type.kind === 'text' ? 0 : type.bytes;
      (type.kind === 'text' ? texts : fixed).push({ column, index, offset, width });
      offset += width;
    });
    this.fixed = fixed;
    this.texts = texts;
    this.end = offset;
  }
}

/** Puts the key columns of a chunk into tuples' keys; nothing is allocated for a row unless a text is longer than 12 bytes. */
export class KeyEncoder {
  private readonly layout: Layout;
  private readonly text = new Uint8Array(KEY_BYTES);
  private readonly encoder = new TextEncoder();
  private ends = new Uint8Array(0);

  constructor(columns: readonly KeyColumn[]) {
    this.layout = new Layout(columns);
  }

  /**
   * @param vectors of the key columns in their order
   * @param keys {@link KEY_BYTES} a row; overwritten
   * @returns rows whose texts do not fit, ascending; their keys mean nothing
   */
  encode(vectors: readonly DuckDBVector[], rows: number, keys: Uint8Array): readonly number[] {
    keys.fill(0, 0, rows * KEY_BYTES);
    for (const place of this.layout.fixed) {
      const vector = vectors[place.index]!;
      if (place.column.type.kind === 'hash') this.hashes(vector, place, rows, keys);
      else if (place.column.type.kind === 'float') floats(vector, place, rows, keys);
      else integers(vector, place, rows, keys);
    }
    if (this.layout.texts.length === 0) return [];
    if (this.ends.length < rows) this.ends = new Uint8Array(rows);
    this.ends.fill(this.layout.end, 0, rows);
    for (const place of this.layout.texts) this.texts(vectors[place.index]!, place, rows, keys);
    const unfit: number[] = [];
    for (let row = 0; row < rows; row++) if (this.ends[row]! > KEY_BYTES) unfit.push(row);
    return unfit;
  }

  private texts(vector: DuckDBVector, { index }: Place, rows: number, keys: Uint8Array): void {
    const view = rawView(vector);
    const bytes = rawBytes(vector);
    const validity = validityOf(vector);
    const { ends } = this;
    for (let row = 0; row < rows; row++) {
      const isNull = !isValid(validity, row);
      if (isNull) keys[row * KEY_BYTES + (index >> 3)]! |= 1 << (index & 7);
      const length = isNull ? 0 : view.getUint32(row * ENTRY_BYTES, true);
      const end = ends[row]! + 1 + length;
      if (end > KEY_BYTES) {
        ends[row] = KEY_BYTES + 1;
        continue;
      }
      const at = row * KEY_BYTES + ends[row]!;
      keys[at] = length;
      if (length <= INLINE_BYTES) {
        const from = row * ENTRY_BYTES + 4;
        for (let i = 0; i < length; i++) keys[at + 1 + i] = bytes[from + i]!;
      } else {
        this.encoder.encodeInto(vector.getItem(row) as string, this.text);
        for (let i = 0; i < length; i++) keys[at + 1 + i] = this.text[i]!;
      }
      ends[row] = end;
    }
  }

  private hashes(vector: DuckDBVector, { index, offset }: Place, rows: number, keys: Uint8Array): void {
    const view = rawView(vector);
    const bytes = rawBytes(vector);
    const validity = validityOf(vector);
    for (let row = 0; row < rows; row++) {
      const at = row * KEY_BYTES;
      if (!isValid(validity, row)) {
        keys[at + (index >> 3)]! |= 1 << (index & 7);
        continue;
      }
      const length = view.getUint32(row * ENTRY_BYTES, true);
      const isInline = length <= INLINE_BYTES;
      hashInto(isInline ? bytes : this.encoder.encode(vector.getItem(row) as string), isInline ? row * ENTRY_BYTES + 4 : 0, length, keys, at + offset);
    }
  }
}

function integers(vector: DuckDBVector, { index, offset, width }: Place, rows: number, keys: Uint8Array): void {
  const bytes = rawBytes(vector);
  const validity = validityOf(vector);
  for (let row = 0; row < rows; row++) {
    const at = row * KEY_BYTES;
    if (validity !== null && !isValid(validity, row)) {
      keys[at + (index >> 3)]! |= 1 << (index & 7);
      continue;
    }
    const from = row * width;
    for (let i = 0; i < width; i++) keys[at + offset + i] = bytes[from + i]!;
  }
}

function floats(vector: DuckDBVector, { index, offset, width }: Place, rows: number, keys: Uint8Array): void {
  const { items } = vector as unknown as { items: Float64Array | Float32Array };
  const validity = validityOf(vector);
  const view = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
  for (let row = 0; row < rows; row++) {
    const at = row * KEY_BYTES;
    if (validity !== null && !isValid(validity, row)) {
      keys[at + (index >> 3)]! |= 1 << (index & 7);
      continue;
    }
    // -0 + 0 is +0. Writing NaN as a constant gives one bit pattern, whatever the item's was.
    const value = items[row]! + 0;
    const canonical = Number.isNaN(value) ? NaN : value;
    if (width === 8) view.setFloat64(at + offset, canonical, true);
    else view.setFloat32(at + offset, canonical, true);
  }
}

const MULTIPLIERS = [0x01000193, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f] as const;

/** 128 bits, the same on every machine: each worker must find what another has put into the filter. */
function hashInto(bytes: Uint8Array, from: number, length: number, into: Uint8Array, at: number): void {
  let [a, b, c, d] = [0x811c9dc5 ^ length, 0x9e3779b9, 0x7f4a7c15, 0x165667b1];
  for (let i = 0; i < length; i++) {
    const byte = bytes[from + i]!;
    a = Math.imul(a ^ byte, MULTIPLIERS[0]);
    b = Math.imul(b ^ byte ^ a >>> 15, MULTIPLIERS[1]);
    c = Math.imul(c ^ byte ^ b >>> 13, MULTIPLIERS[2]);
    d = Math.imul(d ^ byte ^ c >>> 16, MULTIPLIERS[3]);
  }
  put32(into, at, mix(a ^ d));
  put32(into, at + 4, mix(b + a | 0));
  put32(into, at + 8, mix(c ^ b));
  put32(into, at + 12, mix(d + c | 0));
}

function mix(h: number): number {
  h = Math.imul(h ^ h >>> 16, MULTIPLIERS[1]);
  h = Math.imul(h ^ h >>> 13, MULTIPLIERS[2]);
  return h ^ h >>> 16;
}

function put32(into: Uint8Array, at: number, value: number): void {
  into[at] = value;
  into[at + 1] = value >>> 8;
  into[at + 2] = value >>> 16;
  into[at + 3] = value >>> 24;
}

/** Keys back into the values of their columns, as DuckDB's appender takes them. Hashes have no way back. */
export class KeyDecoder {
  private readonly layout: Layout;
  private readonly readers: readonly ((view: DataView, at: number) => DuckDBValue)[];
  private readonly decoder = new TextDecoder();

  constructor(private readonly columns: readonly KeyColumn[]) {
    this.layout = new Layout(columns);
    this.readers = this.layout.fixed.map(({ column, width }) => readerOf(column.sqlType, width));
  }

  /** @param offset of the key's first byte. @param into gets a value for each column, in their order */
  decode(keys: Uint8Array, offset: number, into: DuckDBValue[]): DuckDBValue[] {
    const view = new DataView(keys.buffer, keys.byteOffset + offset, KEY_BYTES);
    const isNull = (index: number): boolean => (view.getUint8(index >> 3) >> (index & 7) & 1) === 1;
    into.length = this.columns.length;
    this.layout.fixed.forEach(({ index, offset: at }, i) => {
      into[index] = isNull(index) ? null : this.readers[i]!(view, at);
    });
    let at = this.layout.end;
    for (const { index } of this.layout.texts) {
      const length = view.getUint8(at);
      into[index] = isNull(index) ? null : this.decoder.decode(keys.subarray(offset + at + 1, offset + at + 1 + length));
      at += 1 + length;
    }
    return into;
  }
}

function integerReader(isSigned: boolean, width: number): (view: DataView, at: number) => number {
  if (width === 1) return isSigned ? (view, at) => view.getInt8(at) : (view, at) => view.getUint8(at);
  if (width === 2) return isSigned ? (view, at) => view.getInt16(at, true) : (view, at) => view.getUint16(at, true);
  return isSigned ? (view, at) => view.getInt32(at, true) : (view, at) => view.getUint32(at, true);
}

function readerOf(sqlType: string, width: number): (view: DataView, at: number) => DuckDBValue {
  const i64 = (view: DataView, at: number): bigint => view.getBigInt64(at, true);
  const decimal = decimalOf(sqlType);
  if (decimal !== undefined) {
    const read = width === 8 ? i64 : integerReader(true, width);
    return (view, at) => new DuckDBDecimalValue(BigInt(read(view, at)), decimal.width, decimal.scale);
  }
  switch (sqlType) {
    case 'BOOLEAN': return (view, at) => view.getUint8(at) !== 0;
    case 'FLOAT': return (view, at) => view.getFloat32(at, true);
    case 'DOUBLE': return (view, at) => view.getFloat64(at, true);
    case 'BIGINT': return i64;
    case 'UBIGINT': return (view, at) => view.getBigUint64(at, true);
    case 'DATE': return (view, at) => new DuckDBDateValue(view.getInt32(at, true));
    case 'TIME': return (view, at) => new DuckDBTimeValue(i64(view, at));
    case 'TIMESTAMP': return (view, at) => new DuckDBTimestampValue(i64(view, at));
    case 'TIMESTAMP WITH TIME ZONE': return (view, at) => new DuckDBTimestampTZValue(i64(view, at));
    case 'TIMESTAMP_S': return (view, at) => new DuckDBTimestampSecondsValue(i64(view, at));
    case 'TIMESTAMP_MS': return (view, at) => new DuckDBTimestampMillisecondsValue(i64(view, at));
    case 'TIMESTAMP_NS': return (view, at) => new DuckDBTimestampNanosecondsValue(i64(view, at));
    default: return integerReader(!sqlType.startsWith('U'), width);
  }
}
