/** The contents of a tensor file, independent of its format. */
import type { Tensor } from '../allreduce/index.js';
import { HOST_IS_LITTLE_ENDIAN } from '../byte-order.js';

export interface FileTensor {
  /** Elements per dimension, outermost first; empty for a scalar. */
  shape: readonly number[];
  /** In C order. */
  data: Tensor;
}

export interface TensorFile {
  /** By name, in the order of the file. A format without names uses {@link SINGLE_TENSOR}. */
  tensors: Map<string, FileTensor>;
  /** Free text by key, where the format has it. */
  metadata: Record<string, string>;
}

/** Name of the only tensor of a file whose format has no names. */
export const SINGLE_TENSOR = 'data';

/** Elements of a shape. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** The memory of `data` as bytes in little-endian order: itself, or a copy on a big-endian host. */
export function littleEndianBytes(data: Tensor): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return HOST_IS_LITTLE_ENDIAN ? bytes : Buffer.from(bytes).swap32();
}
