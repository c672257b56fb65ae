/** Raw access to DuckDB's vectors: `getItem` allocates for every row. */
import type { DuckDBVector } from '@duckdb/node-api';

/** What node-api's vectors hold, though their types keep it private. */
interface VectorInside {
  readonly items?: ArrayBufferView;
  readonly dataView?: DataView;
  readonly validity: { readonly data: BigUint64Array | null; readonly offset: number };
}

/** One bit per row from `offset` on, set for what is not NULL; null if nothing is NULL. */
export interface Validity {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

export function validityOf(vector: DuckDBVector): Validity | null {
  const { data, offset } = (vector as unknown as VectorInside).validity;
  return data === null ? null : { bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset };
}

export function isValid(validity: Validity | null, row: number): boolean {
  if (validity === null) return true;
  const bit = validity.offset + row;
  return ((validity.bytes[bit >> 3]! >> (bit & 7)) & 1) === 1;
}

/** The vector's memory as it is: values of fixed width one after the other, or 16 bytes for each text. */
export function rawBytes(vector: DuckDBVector): Uint8Array {
  const { items, dataView } = vector as unknown as VectorInside;
  const view = items ?? dataView!;
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

export function rawView(vector: DuckDBVector): DataView {
  const { items, dataView } = vector as unknown as VectorInside;
  const view = items ?? dataView!;
  return new DataView(view.buffer, view.byteOffset, view.byteLength);
}

/** A lane's values; a copy, so that the chunk may be freed. @throws TypeError unless the column is DOUBLE or BIGINT */
export function laneOf(vector: DuckDBVector): Float64Array | BigInt64Array {
  const { items } = vector as unknown as VectorInside;
  if (items instanceof Float64Array || items instanceof BigInt64Array)
    return items.slice() as Float64Array | BigInt64Array;
  throw new TypeError(`a lane is DOUBLE or BIGINT, not ${vector.type.toString()}`);
}
