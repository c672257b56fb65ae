/** Types of the elements of tensor files, and how each becomes what workers reduce: fp32 or int32. */
import type { Tensor } from '../allreduce/index.js';
import { HOST_IS_LITTLE_ENDIAN } from '../byte-order.js';
import { FileDtypeError } from './errors.js';

export type ElementType = 'fp16' | 'bf16' | 'fp32' | 'fp64' | 'int32';
export type ByteOrder = 'little' | 'big';

export const ELEMENT_TYPE_BYTES: Readonly<Record<ElementType, number>> = {
  fp16: 2,
  bf16: 2,
  fp32: 4,
  fp64: 8,
  int32: 4,
};

export interface ReadOptions {
  /** Elements of other types than fp32 and int32 are refused unless they are to be converted. */
  readonly cast?: 'fp32' | undefined;
}

/** How messages name the conversion, for the command and for programs. */
export const CAST_REMEDY = "--cast fp32 (in programs, {cast: 'fp32'})";

const HOST_ORDER: ByteOrder = HOST_IS_LITTLE_ENDIAN ? 'little' : 'big';

/** Where elements come from, for errors. */
export interface ElementSource {
  readonly path: string;
  readonly tensor: string;
}

/** Whether elements of `type` can be reduced without a conversion. */
export function isReducible(type: ElementType): boolean {
  return type === 'fp32' || type === 'int32';
}

/**
 * @param bytes elements of `type` in `order`; overwritten
 * @returns the elements in the order of the file, in the same memory if they need no conversion
 * @throws FileDtypeError for a value that has no fp32 near it
 */
export function elementsOfType(
  bytes: Uint8Array<ArrayBuffer>,
  type: ElementType,
  order: ByteOrder,
  source: ElementSource,
  { cast }: ReadOptions,
): Tensor {
  if (order !== HOST_ORDER) swap(bytes, ELEMENT_TYPE_BYTES[type]);
  const { buffer } = bytes;
  switch (type) {
    case 'fp32':
      return new Float32Array(buffer);
    case 'int32':
      return cast === undefined ? new Int32Array(buffer) : exact(new Int32Array(buffer), source);
    case 'fp16':
      return Float32Array.from(new Uint16Array(buffer), halfValue);
    case 'bf16':
      // bf16 is the upper half of an fp32.
      return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer);
    case 'fp64':
      return rounded(new Float64Array(buffer), source);
  }
}

/** Elements that are stored with the first dimension fastest, with the last one fastest. */
export function inCOrder<T extends Tensor>(data: T, shape: readonly number[]): T {
  const result = data.slice() as T;
  const strides: number[] = [];
  shape.reduce((stride, length) => (strides.push(stride), stride * length), 1);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = data[from]!;
    for (let k = shape.length - 1; k >= 0; k--) {
      from += strides[k]!;
      if (++index[k]! < shape[k]!) break;
      from -= strides[k]! * shape[k]!;
      index[k] = 0;
    }
  }
  return result;
}

function swap(bytes: Uint8Array<ArrayBuffer>, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else buffer.swap64();
}

/** The value of an IEEE 754 binary16; every one of them is an fp32. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** To nearest; what is finite stays finite, or is refused. */
function rounded(values: Float64Array, source: ElementSource): Float32Array {
  const result = Float32Array.from(values);
  const beyond = result.findIndex((value, i) => Math.abs(value) === Infinity && Math.abs(values[i]!) !== Infinity);
  if (beyond >= 0) throw unfit(source, beyond, values[beyond]!, "is beyond fp32's range");
  return result;
}

function exact(values: Int32Array, source: ElementSource): Float32Array {
  const result = Float32Array.from(values);
  const other = result.findIndex((value, i) => value !== values[i]!);
  if (other >= 0)
    throw unfit(source, other, values[other]!, 'has no equal in fp32, whose integers are exact up to 2^24');
  return result;
}

function unfit({ path, tensor }: ElementSource, element: number, value: number, problem: string): FileDtypeError {
  return new FileDtypeError(path, `element ${element} of tensor '${tensor}', ${value}, ${problem}`);
}
