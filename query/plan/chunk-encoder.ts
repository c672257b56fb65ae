/** Chunks of DuckDB's results as tuples. */
import type { DuckDBDataChunk } from '@duckdb/node-api';
import { KEY_BYTES, type TupleBatch } from '../tuples.js';
import { KeyEncoder } from './keys.js';
import type { KeyColumn, LaneColumn } from './plan.js';
import { isValid, laneOf, validityOf } from './vectors.js';

export interface EncodedChunk {
  /** The rows whose key fits. */
  readonly batch: TupleBatch;
  /** Rows of the chunk whose key does not fit, ascending: they go to the master as they are. */
  readonly unfit: readonly number[];
}

/** Chunks of an aggregation's SELECT (key columns, then lanes) as tuples. */
export class ChunkEncoder {
  private readonly keys: KeyEncoder | undefined;

  constructor(
    private readonly keyColumns: readonly KeyColumn[],
    private readonly lanes: readonly LaneColumn[],
  ) {
    this.keys = keyColumns.length === 0 ? undefined : new KeyEncoder(keyColumns, { keepsZeroSign: true });
  }

  encode(chunk: DuckDBDataChunk): EncodedChunk {
    const rows = chunk.rowCount;
    const vectors = this.keyColumns.map((_, i) => chunk.getColumnVector(i));
    const keys = this.keys === undefined ? undefined : new Uint8Array(rows * KEY_BYTES);
    const unfit = keys === undefined ? [] : this.keys!.encode(vectors, rows, keys);
    const laneVectors = this.lanes.map((_, i) => chunk.getColumnVector(this.keyColumns.length + i));
    const lanes = laneVectors.map(laneOf);
    let nulls: Uint8Array | undefined;
    laneVectors.forEach((vector, lane) => {
      const validity = validityOf(vector);
      if (validity === null) return;
      nulls ??= new Uint8Array(rows);
      for (let row = 0; row < rows; row++) if (!isValid(validity, row)) nulls[row]! |= 1 << lane;
    });
    const batch = { rows, keys, lanes, nulls };
    return { batch: unfit.length === 0 ? batch : without(batch, unfit), unfit };
  }
}

function without(batch: TupleBatch, unfit: readonly number[]): TupleBatch {
  const { keys, lanes, nulls } = batch;
  let to = 0;
  let next = 0;
  for (let row = 0; row < batch.rows; row++) {
    if (unfit[next] === row) {
      next++;
      continue;
    }
    keys?.copyWithin(to * KEY_BYTES, row * KEY_BYTES, (row + 1) * KEY_BYTES);
    for (const lane of lanes) lane[to] = lane[row]!;
    if (nulls !== undefined) nulls[to] = nulls[row]!;
    to++;
  }
  return {
    rows: to,
    keys: keys?.subarray(0, to * KEY_BYTES),
    lanes: lanes.map((lane) => lane.subarray(0, to)),
    nulls: nulls?.subarray(0, to),
  };
}
