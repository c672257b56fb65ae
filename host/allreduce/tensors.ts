/** The tensors of one operation, packed contiguously so that a chunk may span several of them. */
import { endianness } from 'node:os';
import { VALUE_BYTES } from '../../protocol/message.js';
import { operationSignature, submission, type Submission, type TensorDescription } from '../../protocol/submission.js';
import { ArgumentError } from '../errors.js';
import { elementsIn, type PacketLayout, type PacketStore, PacketStorePool, sameLayout } from './packet-store.js';
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
  /** Memory for its packets. That of an earlier start has the same layout, or is given up. */
  packets(layout: PacketLayout): PacketStore;
  /** Copies the `count` elements of the next chunk to its packet, and fills the rest of that with +0. */
  load(chunk: number, count: number): void;
  /** Writes `count` summed elements to `start`, from offset `at` of `message`, in network or in little-endian order. */
  store(start: number, count: number, message: Uint8Array, at: number, networkOrder: boolean): void;
}

/**
 * Results are written into the caller's memory as they arrive. What a result overwrites has been sent before, and the
 * packets that were sent are kept until the operation is over: so it can be repeated in another epoch, or undone.
 */
export class TensorBatch implements Workload {
  readonly elements: number;
  readonly lengths: readonly number[];
  readonly signature: number;
  private readonly descriptions: readonly TensorDescription[];
  readonly tensors: readonly Tensor[];
  /** The same memory as bytes. */
  private readonly outputs: readonly Uint8Array[];
  /** First element of each tensor in the packed order, and the total at the end. */
  private readonly starts: Float64Array;
  private memory: PacketStore | undefined;
  /** Tensor that the last access touched: accesses are nearly sequential. */
  private cursor = 0;

  /** @throws ArgumentError for an unknown op, and what {@link listTensors} throws */
  constructor(
    tensors: Tensors,
    readonly op: ReduceOp,
    readonly format: Format,
    private readonly pool = new PacketStorePool(),
  ) {
    const listed = listTensors(tensors, format);
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
  }

  packets(layout: PacketLayout): PacketStore {
    if (this.memory !== undefined && !sameLayout(this.memory.layout, layout)) {
      this.restore();
      this.release();
    }
    return (this.memory ??= this.pool.take(this.elements, layout));
  }

  load(chunk: number, count: number): void {
    const memory = this.memory!;
    const { bytes, layout } = memory;
    const start = chunk * layout.valuesPerPacket;
    const at = memory.valuesAt(chunk);
    for (let done = 0; done < count;) {
      const tensor = this.find(start + done);
      const from = start + done - this.starts[tensor]!;
      const take = Math.min(count - done, this.lengths[tensor]! - from);
      const values = this.outputs[tensor]!.subarray(from * VALUE_BYTES, (from + take) * VALUE_BYTES);
      bytes.set(values, at + done * VALUE_BYTES);
      done += take;
    }
    const payload = memory.payloadBytes(count);
    if (count * VALUE_BYTES < payload) bytes.fill(0, at + count * VALUE_BYTES, at + payload);
    memory.loaded = chunk + 1;
  }

  store(start: number, count: number, message: Uint8Array, at: number, networkOrder: boolean): void {
    let values = message.subarray(at, at + count * VALUE_BYTES);
    if (networkOrder === HOST_IS_LITTLE_ENDIAN) values = swapped(values);
    for (let done = 0; done < count;) {
      const tensor = this.find(start + done);
      const to = start + done - this.starts[tensor]!;
      const take = Math.min(count - done, this.lengths[tensor]! - to);
      const part = take === count ? values : values.subarray(done * VALUE_BYTES, (done + take) * VALUE_BYTES);
      this.outputs[tensor]!.set(part, to * VALUE_BYTES);
      done += take;
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
    const { memory } = this;
    if (memory === undefined) return;
    for (let chunk = 0; chunk < memory.loaded; chunk++) {
      const count = elementsIn(chunk, this.elements, memory.layout);
      const start = chunk * memory.layout.valuesPerPacket;
      this.store(start, count, memory.bytes, memory.valuesAt(chunk), !HOST_IS_LITTLE_ENDIAN);
    }
  }

  /** Gives the packets' memory back: the operation is over, or begins again from the caller's memory. */
  release(): void {
    if (this.memory !== undefined) this.pool.give(this.memory);
    this.memory = undefined;
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

  /** The tensor that holds packed element `position`; empty tensors contain none. */
  private find(position: number): number {
    let i = this.cursor;
    if (position < this.starts[i]!) i = 0;
    while (position >= this.starts[i + 1]!) i++;
    this.cursor = i;
    return i;
  }
}

/** A copy of `bytes` with the bytes of each word reversed. */
function swapped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
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
