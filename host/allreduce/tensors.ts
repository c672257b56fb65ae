/** The tensors of one operation, packed contiguously so that a chunk may span several of them. */
import { endianness } from 'node:os';
import { VALUE_BYTES } from '../../protocol/message.js';
import { operationSignature } from '../../protocol/signature.js';
import { ArgumentError } from '../errors.js';

export type Tensor = Float32Array | Int32Array;
/** One tensor, a list, or a record; a record's tensors are taken in the order of its sorted names. */
export type Tensors = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

export type ReduceOp = 'sum' | 'mean';
export const REDUCE_OPS: readonly ReduceOp[] = ['sum', 'mean'];

/** Element format of a job's profile. */
export type Format = 'fp32' | 'int32';

export const HOST_IS_LITTLE_ENDIAN = endianness() === 'LE';

/** What the engine moves through the switch: elements by position, independent of their tensors. */
export interface Workload {
  readonly elements: number;
  readonly signature: number;
  /** Copies `count` elements from `start` of the saved input into `payload`, and fills the rest with +0. */
  load(start: number, count: number, payload: Uint8Array): void;
  /** Writes `count` summed elements to `start`. `networkOrder` is the byte order of `payload`. */
  store(start: number, count: number, payload: Uint8Array, networkOrder: boolean): void;
}

/**
 * Holds a copy of the input from construction on, so that an operation can be repeated in another
 * epoch, or undone, although results are written into the caller's memory as they arrive.
 */
export class TensorBatch implements Workload {
  readonly elements: number;
  readonly lengths: readonly number[];
  readonly signature: number;
  private readonly tensors: readonly Tensor[];
  /** The same memory as bytes. */
  private readonly outputs: readonly Uint8Array[];
  /** First element of each tensor in the packed order, and the total at the end. */
  private readonly starts: Float64Array;
  private readonly input: Uint8Array;
  /** Tensor that the last access touched: accesses are nearly sequential. */
  private cursor = 0;

  /** @throws ArgumentError for no tensor, an unknown op, or an element type other than the job's. */
  constructor(
    tensors: Tensors,
    readonly op: ReduceOp,
    readonly format: Format,
  ) {
    const list = listTensors(tensors, format);
    checkOp(op, format);
    this.tensors = list;
    this.lengths = list.map((tensor) => tensor.length);
    this.starts = new Float64Array(list.length + 1);
    for (let i = 0; i < list.length; i++) this.starts[i + 1] = this.starts[i]! + list[i]!.length;
    this.elements = this.starts[list.length]!;
    this.signature = operationSignature(op, format, this.lengths);
    this.outputs = list.map((tensor) => new Uint8Array(tensor.buffer, tensor.byteOffset, tensor.byteLength));
    this.input = new Uint8Array(this.elements * VALUE_BYTES);
    this.outputs.forEach((bytes, i) => this.input.set(bytes, this.starts[i]! * VALUE_BYTES));
  }

  load(start: number, count: number, payload: Uint8Array): void {
    payload.set(this.input.subarray(start * VALUE_BYTES, (start + count) * VALUE_BYTES));
    if (count * VALUE_BYTES < payload.length) payload.fill(0, count * VALUE_BYTES);
  }

  store(start: number, count: number, payload: Uint8Array, networkOrder: boolean): void {
    const values = networkOrder === HOST_IS_LITTLE_ENDIAN ? swapped(payload, count) : payload;
    let done = 0;
    let tensor = this.find(start);
    while (done < count) {
      const first = this.starts[tensor]!;
      const end = this.starts[tensor + 1]!;
      const position = start + done;
      const take = Math.min(count - done, end - position);
      const output = this.outputs[tensor]!;
      if (take > 0) {
        output.set(values.subarray(done * VALUE_BYTES, (done + take) * VALUE_BYTES), (position - first) * VALUE_BYTES);
      }
      done += take;
      tensor++;
    }
  }

  /** Turns the sum in the caller's memory into the op's result for `workers` members. */
  finish(workers: number): void {
    if (this.op !== 'mean') return;
    for (const tensor of this.tensors) {
      for (let i = 0; i < tensor.length; i++) tensor[i] = tensor[i]! / workers;
    }
  }

  /** Restores the input in the caller's memory. */
  restore(): void {
    this.outputs.forEach((bytes, i) => {
      bytes.set(this.input.subarray(this.starts[i]! * VALUE_BYTES, this.starts[i + 1]! * VALUE_BYTES));
    });
  }

  /** For people: op, format and the elements of each tensor. */
  describe(): string {
    return `${this.op} of ${this.format} [${this.lengths.join(', ')}]`;
  }

  /** The tensor that holds packed element `position`; empty tensors contain none. */
  private find(position: number): number {
    let i = this.cursor;
    if (position < this.starts[i]!) i = 0;
    while (position >= this.starts[i + 1]!) i++;
    this.cursor = i;
    return i;
  }
}

/** A copy of the first `words` words of `bytes` with the bytes of each reversed. */
function swapped(bytes: Uint8Array, words: number): Uint8Array {
  const copy = bytes.slice(0, words * VALUE_BYTES);
  for (let i = 0; i < copy.length; i += VALUE_BYTES) copy.subarray(i, i + VALUE_BYTES).reverse();
  return copy;
}

function checkOp(op: ReduceOp, format: Format): void {
  const valid = format === 'int32' ? REDUCE_OPS.filter((one) => one !== 'mean') : REDUCE_OPS;
  if (!valid.includes(op)) {
    throw new ArgumentError(`op is '${String(op)}'; a job of format ${format} supports ${valid.join(', ')}`);
  }
}

function listTensors(tensors: Tensors, format: Format): readonly Tensor[] {
  const isRecord =
    typeof tensors === 'object' && tensors !== null && !ArrayBuffer.isView(tensors) && !Array.isArray(tensors);
  const names = isRecord ? Object.keys(tensors).sort() : undefined;
  const list: readonly unknown[] =
    names !== undefined
      ? names.map((name) => (tensors as Readonly<Record<string, Tensor>>)[name])
      : Array.isArray(tensors)
        ? [...tensors]
        : [tensors];
  if (list.length === 0)
    throw new ArgumentError(
      'the list of tensors is empty; an operation takes at least one (of any length, including 0)',
    );
  const expected = format === 'int32' ? Int32Array : Float32Array;
  list.forEach((tensor, i) => {
    if (!(tensor instanceof expected)) {
      const found = tensor === null || tensor === undefined ? String(tensor) : (tensor as object).constructor.name;
      throw new ArgumentError(`tensor ${i} is a ${found}; a job of format ${format} takes ${expected.name}`);
    }
  });
  refuseOverlaps(list as readonly Tensor[], (i) => (names === undefined ? `tensor ${i}` : `tensor "${names[i]}"`));
  return list as readonly Tensor[];
}

/** Results are written in place: memory that two tensors share would get two results, and a mean be divided twice. */
function refuseOverlaps(tensors: readonly Tensor[], nameOf: (index: number) => string): void {
  const byBuffer = new Map<ArrayBufferLike, number[]>();
  tensors.forEach(({ buffer, length }, i) => {
    if (length > 0) byBuffer.set(buffer, [...(byBuffer.get(buffer) ?? []), i]);
  });
  for (const indices of byBuffer.values()) {
    indices.sort((a, b) => tensors[a]!.byteOffset - tensors[b]!.byteOffset);
    for (let k = 1; k < indices.length; k++) {
      const [before, after] = [indices[k - 1]!, indices[k]!];
      const { byteOffset, byteLength } = tensors[before]!;
      if (tensors[after]!.byteOffset >= byteOffset + byteLength) continue;
      const [first, second] = [Math.min(before, after), Math.max(before, after)];
      throw new ArgumentError(
        `${nameOf(first)} and ${nameOf(second)} share memory; results are written in place, so pass shared memory once`,
      );
    }
  }
}
