/**
 * Keys of tuples: NULL bits of the columns (bit c of the first bytes), then the columns of fixed width in their order,
 * little-endian as DuckDB's vectors hold them, then the texts in theirs, each preceded by its length; zeros to the end.
 * Keys are equal exactly when DuckDB considers the values equal: -0 is +0, and there is one NaN. Only groups keep the
 * sign of zero, because an answer shows it: there one group may have two keys, which the master makes one again.
 */
import type { DuckDBVector } from '@duckdb/node-api';
import { KEY_BYTES } from '../tuples.js';
import type { KeyColumn } from './plan.js';
import { rawBytes, rawView, validityOf, isValid } from './vectors.js';

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

/** Where the columns of a key are. */
export class TupleKeyLayout {
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
      const width = type.kind === 'text' ? 0 : type.bytes;
      (type.kind === 'text' ? texts : fixed).push({ column, index, offset, width });
      offset += width;
    });
    this.fixed = fixed;
    this.texts = texts;
    this.end = offset;
  }
}

/** Writes the key columns of a chunk into tuples' keys; allocates nothing for a row unless a text is longer than 12 bytes. */
export class KeyEncoder {
  private readonly layout: TupleKeyLayout;
  private readonly text = new Uint8Array(KEY_BYTES);
  private readonly encoder = new TextEncoder();
  private ends = new Uint8Array(0);
  /** What is added to a floating-point value: -0 + 0 is +0, and -0 + -0 is -0. */
  private readonly zero: number;

  constructor(columns: readonly KeyColumn[], { keepsZeroSign = false } = {}) {
    this.layout = new TupleKeyLayout(columns);
    this.zero = keepsZeroSign ? -0 : 0;
  }

  /**
   * @param vectors of the key columns in their order
   * @param keys {@link KEY_BYTES} a row; overwritten
   * @returns rows whose texts do not fit, ascending; their keys are invalid
   */
  encode(vectors: readonly DuckDBVector[], rows: number, keys: Uint8Array): readonly number[] {
    keys.fill(0, 0, rows * KEY_BYTES);
    for (const place of this.layout.fixed) {
      const vector = vectors[place.index]!;
      if (place.column.type.kind === 'float') floats(vector, place, rows, keys, this.zero);
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

function floats(
  vector: DuckDBVector,
  { index, offset, width }: Place,
  rows: number,
  keys: Uint8Array,
  zero: number,
): void {
  const { items } = vector as unknown as { items: Float64Array | Float32Array };
  const validity = validityOf(vector);
  const view = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
  for (let row = 0; row < rows; row++) {
    const at = row * KEY_BYTES;
    if (validity !== null && !isValid(validity, row)) {
      keys[at + (index >> 3)]! |= 1 << (index & 7);
      continue;
    }
    // Writing NaN as a constant gives one bit pattern, whatever the item's was.
    const value = items[row]! + zero;
    const canonical = Number.isNaN(value) ? NaN : value;
    if (width === 8) view.setFloat64(at + offset, canonical, true);
    else view.setFloat32(at + offset, canonical, true);
  }
}
