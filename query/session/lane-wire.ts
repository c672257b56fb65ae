/** Conversion of lane values between DuckDB's columns and the 64 bits on the wire. */
import { LaneOp } from '../../protocol/query/constants.js';
import type { LaneColumn } from '../plan/plan.js';
import type { TupleBatch } from '../tuples.js';

/** fp32 sums take the bits of an fp32 number in the lower half of the lane. */
export function toWire(batch: TupleBatch, lanes: readonly LaneColumn[]): TupleBatch {
  if (!lanes.some(({ op }) => op === LaneOp.SUM_F32)) return batch;
  return {
    ...batch,
    lanes: batch.lanes.map((lane, i) => (lanes[i]!.op === LaneOp.SUM_F32 ? fp32Bits(lane as Float64Array) : lane)),
  };
}

function fp32Bits(values: Float64Array): BigInt64Array {
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  const words = new BigInt64Array(values.length);
  const halves = new Uint32Array(words.buffer);
  // Little-endian, as every machine that DuckDB runs on; the sender byte-swaps the word.
  for (let i = 0; i < bits.length; i++) halves[2 * i] = bits[i]!;
  return words;
}

/** A lane's fp32 number. @param offset of the lane's eight bytes */
export function readSingle(view: DataView, offset: number): number {
  return view.getFloat32(offset + 4);
}
