/** Tensors one after the other, so that a chunk may span several of them. */
import { VALUE_BYTES } from '../../protocol/message.js';
import type { TensorDescription } from '../../protocol/submission.js';
import type { ListedTensor, Tensor } from './tensor-list.js';

/** Tensors whose length a message gives. */
const MAX_DESCRIBED = 16;

export class PackedTensors {
  readonly elements: number;
  readonly tensors: readonly Tensor[];
  readonly lengths: readonly number[];
  readonly descriptions: readonly TensorDescription[];
  /** The same memory as bytes. */
  private readonly memory: readonly Uint8Array[];
  /** First element of each tensor in the packed order, and the total at the end. */
  private readonly starts: Float64Array;
  /** Tensor that the last access touched: accesses are nearly sequential. */
  private cursor = 0;

  constructor(list: readonly ListedTensor[]) {
    this.tensors = list.map(({ data }) => data);
    this.lengths = this.tensors.map((tensor) => tensor.length);
    this.descriptions = list.map(({ name, shape }) => ({ ...(name !== undefined && { name }), shape }));
    this.memory = this.tensors.map(
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    );
    this.starts = new Float64Array(list.length + 1);
    this.lengths.forEach((length, i) => (this.starts[i + 1] = this.starts[i]! + length));
    this.elements = this.starts[list.length]!;
  }

  /** Copies `count` elements from `start` to offset `at` of `target`. */
  read(start: number, count: number, target: Uint8Array, at: number): void {
    for (let done = 0; done < count;) {
      const tensor = this.find(start + done);
      const from = start + done - this.starts[tensor]!;
      const take = Math.min(count - done, this.lengths[tensor]! - from);
      target.set(
        this.memory[tensor]!.subarray(from * VALUE_BYTES, (from + take) * VALUE_BYTES),
        at + done * VALUE_BYTES,
      );
      done += take;
    }
  }

  /** Copies `count` elements from offset `at` of `source` to `start`. */
  write(start: number, count: number, source: Uint8Array, at: number): void {
    for (let done = 0; done < count;) {
      const tensor = this.find(start + done);
      const to = start + done - this.starts[tensor]!;
      const take = Math.min(count - done, this.lengths[tensor]! - to);
      const from = at + done * VALUE_BYTES;
      this.memory[tensor]!.set(source.subarray(from, from + take * VALUE_BYTES), to * VALUE_BYTES);
      done += take;
    }
  }

  divide(by: number): void {
    for (const tensor of this.tensors) {
      for (let i = 0; i < tensor.length; i++) tensor[i] = tensor[i]! / by;
    }
  }

  /** For people: the elements of each tensor. */
  describe(): string {
    const more = this.lengths.length - MAX_DESCRIBED;
    const lengths = this.lengths.slice(0, MAX_DESCRIBED).join(', ');
    return `[${lengths}${more > 0 ? `, and ${more} more` : ''}]`;
  }

  /** For people: the tensor and the index in it of packed element `position`, with its value. */
  describeElement(position: number): string {
    const tensor = this.find(position);
    const index = position - this.starts[tensor]!;
    const { name } = this.descriptions[tensor]!;
    const label = name === undefined ? `tensor ${tensor}` : `tensor "${name}"`;
    return `element ${index} of ${label} is ${this.tensors[tensor]![index]}`;
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
