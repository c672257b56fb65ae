/** The tensors of one operation, packed contiguously so that a chunk may span several of them. */
import { endianness } from 'node:os';
import { VALUE_BYTES } from '../../protocol/message.js';
import { operationSignature, submission, type Submission, type TensorDescription } from '../../protocol/submission.js';
import { ArgumentError, type WorkerError } from '../errors.js';
import type { ChunkPlan } from './chunk-plan.js';
import { listTensors, type Format, type Tensor, type Tensors } from './tensor-list.js';

export type ReduceOp = 'sum' | 'mean';
export const REDUCE_OPS: readonly ReduceOp[] = ['sum', 'mean'];

/** Tensors whose length a message gives. */
const MAX_DESCRIBED = 16;

export const HOST_IS_LITTLE_ENDIAN = endianness() === 'LE';

/** What the engine moves through the switch: elements by position, independent of their tensors. */
export interface Workload {
  readonly elements: number;
  readonly signature: number;
  /** Byte order of the values that {@link load} writes. */
  readonly networkOrder: boolean;
  /** Data chunks that it needs. */
  chunksOf(valuesPerPacket: number): number;
  /** At each start; undefined if the elements are in their order. */
  plan(valuesPerPacket: number): ChunkPlan | undefined;
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
  /** Memory is sent as it is. */
  readonly networkOrder: boolean = !HOST_IS_LITTLE_ENDIAN;
  /** Why the operation cannot be finished, once that is known. */
  readonly fault: WorkerError | undefined;
  protected readonly descriptions: readonly TensorDescription[];
  private readonly tensors: readonly Tensor[];
  /** The same memory as bytes. */
  private readonly outputs: readonly Uint8Array[];
  /** First element of each tensor in the packed order, and the total at the end. */
  private readonly starts: Float64Array;
  private readonly input: Uint8Array;
  /** Tensor that the last access touched: accesses are nearly sequential. */
  private cursor = 0;

  /**
   * @param taker for people: what takes tensors of `format`
   * @throws ArgumentError for an unknown op, and what {@link listTensors} throws
   */
  constructor(
    tensors: Tensors,
    readonly op: ReduceOp,
    readonly format: Format,
    taker?: string,
  ) {
    const listed = listTensors(tensors, format, taker);
    checkOp(op, format);
    const list = listed.map(({ data }) => data);
    this.tensors = list;
    this.descriptions = listed.map(({ name, shape }) => ({ ...(name !== undefined && { name }), shape }));
    this.lengths = list.map((tensor) => tensor.length);
    this.starts = new Float64Array(list.length + 1);
    for (let i = 0; i < list.length; i++) this.starts[i + 1] = this.starts[i]! + list[i]!.length;
    this.elements = this.starts[list.length]!;
    this.signature = this.signatureOf(op);
    this.outputs = list.map((tensor) => new Uint8Array(tensor.buffer, tensor.byteOffset, tensor.byteLength));
    this.input = new Uint8Array(this.elements * VALUE_BYTES);
    this.outputs.forEach((bytes, i) => this.input.set(bytes, this.starts[i]! * VALUE_BYTES));
  }

  chunksOf(valuesPerPacket: number): number {
    return Math.ceil(this.elements / valuesPerPacket);
  }

  plan(_valuesPerPacket: number): ChunkPlan | undefined {
    return undefined;
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

  /** What other workers must have submitted as well. */
  get submission(): Submission {
    return submission(this.op, this.format, this.descriptions);
  }

  /** The signature of the same tensors under `op`. */
  signatureOf(op: ReduceOp): number {
    return operationSignature(op, this.format, this.descriptions);
  }

  /** For people: op, format and the elements of each tensor. */
  describe(): string {
    const more = this.lengths.length - MAX_DESCRIBED;
    const lengths = this.lengths.slice(0, MAX_DESCRIBED).join(', ');
    return `${this.op} of ${this.format} [${lengths}${more > 0 ? `, and ${more} more` : ''}]`;
  }

  /** For people: the tensor and the index in it of packed element `position`, with its value in the input. */
  protected describeElement(position: number): string {
    const tensor = this.find(position);
    const { name } = this.descriptions[tensor]!;
    const value = new Float32Array(this.input.buffer, position * VALUE_BYTES, 1)[0]!;
    const label = name === undefined ? `tensor ${tensor}` : `tensor "${name}"`;
    return `element ${position - this.starts[tensor]!} of ${label} is ${value}`;
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

/** @throws ArgumentError */
export function checkOp(op: ReduceOp, format: Format): void {
  const valid = format === 'int32' ? REDUCE_OPS.filter((one) => one !== 'mean') : REDUCE_OPS;
  if (!valid.includes(op)) {
    throw new ArgumentError(`op is '${String(op)}'; a job of format ${format} supports ${valid.join(', ')}`);
  }
}
