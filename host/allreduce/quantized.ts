/**
 * Tensors of fp32 for a job that adds integers, by SwitchML's scheme (arithmetic/quantize.ts): each packet's values are
 * scaled by the largest exponent that any worker has in it. The switch adds and has no maximum, so each worker's exponents
 * are bytes of their own in words that it adds: their sum holds all of them. These chunks travel a group of blocks ahead of
 * the values, within the same operation, so that agreeing takes no round trip but the first.
 */
import { blockScale, exponentOfField, NOT_FINITE, QuantizeKernel } from '../../arithmetic/index.js';
import { VALUE_BYTES } from '../../protocol/message.js';
import { operationSignature, quantizedOp, submission, type Submission } from '../../protocol/submission.js';
import { ArgumentError, NotFiniteError } from '../errors.js';
import type { ChunkPlan } from './chunk-plan.js';
import type { Format, Tensors } from './tensor-list.js';
import { HOST_IS_LITTLE_ENDIAN, TensorBatch, type ReduceOp } from './tensors.js';

/** What the job adds. */
const FORMAT = 'int32';
/** Exponents in a word. */
const RANKS_PER_WORD = 4;
/** Values in a chunk of exponents: the shortest packet, so that values are not kept waiting for more blocks than needed. */
const EXPONENT_WORDS = 64;

export interface QuantizingMember {
  readonly rank: number;
  /** Workers of the job, present or not: the scale leaves room for all. */
  readonly workers: number;
}

/** @throws ArgumentError unless the job adds integers */
export function checkQuantizes(job: string, format: Format): void {
  if (format === FORMAT) return;
  const remedy = `create one with --profile ${FORMAT}, or reduce without quantize`;
  throw new ArgumentError(`quantize is for jobs of format ${FORMAT}; job '${job}' is of ${format}: ${remedy}`);
}

export class QuantizedBatch extends TensorBatch {
  override readonly networkOrder = true;
  override fault: NotFiniteError | undefined = undefined;

  constructor(
    tensors: Tensors,
    op: ReduceOp,
    private readonly member: QuantizingMember,
    private readonly kernel: QuantizeKernel,
  ) {
    super(tensors, op, 'fp32', 'quantize');
  }

  override get submission(): Submission {
    return submission(quantizedOp(this.op), FORMAT, this.descriptions);
  }

  override signatureOf(op: ReduceOp): number {
    return operationSignature(quantizedOp(op), FORMAT, this.descriptions);
  }

  override describe(): string {
    return `quantized ${super.describe()}`;
  }

  override chunksOf(valuesPerPacket: number): number {
    return new Layout(this.elements, valuesPerPacket, this.member.workers).chunks;
  }

  override plan(valuesPerPacket: number): ChunkPlan {
    return new Quantization(this, this.kernel, this.member, valuesPerPacket, (element) => {
      const value = this.describeElement(element);
      this.fault = new NotFiniteError(`${value}: a job of format ${FORMAT} adds finite numbers only`);
    });
  }
}

/** Where exponents and values are: groups of blocks, each group's exponents before the values of the group before it. */
class Layout {
  readonly wordsPerBlock: number;
  readonly blocksPerGroup: number;
  readonly blocks: number;
  readonly groups: number;

  /** @param valuesPerPacket also those of a block */
  constructor(elements: number, valuesPerPacket: number, workers: number) {
    this.wordsPerBlock = Math.ceil(workers / RANKS_PER_WORD);
    this.blocksPerGroup = Math.max(1, Math.floor(Math.min(EXPONENT_WORDS, valuesPerPacket) / this.wordsPerBlock));
    this.blocks = Math.ceil(elements / valuesPerPacket);
    this.groups = Math.ceil(this.blocks / this.blocksPerGroup);
  }

  get chunks(): number {
    return this.groups + this.blocks;
  }

  /** The group whose exponents `chunk` holds, or −1 if it holds values. */
  exponentsIn(chunk: number): number {
    if (chunk === 0) return 0;
    const segment = this.segmentOf(chunk);
    return segment < this.groups - 1 && this.offsetIn(chunk) === 0 ? segment + 1 : -1;
  }

  /** The block whose values `chunk` holds. */
  blockIn(chunk: number): number {
    const segment = this.segmentOf(chunk);
    return segment * this.blocksPerGroup + this.offsetIn(chunk) - (segment < this.groups - 1 ? 1 : 0);
  }

  groupOf(block: number): number {
    return Math.floor(block / this.blocksPerGroup);
  }

  blocksIn(group: number): number {
    return Math.min(this.blocksPerGroup, this.blocks - group * this.blocksPerGroup);
  }

  /** Segment g is the exponents of group g + 1, if there is one, and the values of group g. */
  private segmentOf(chunk: number): number {
    return Math.min(this.groups - 1, Math.floor((chunk - 1) / (this.blocksPerGroup + 1)));
  }

  private offsetIn(chunk: number): number {
    return chunk - 1 - this.segmentOf(chunk) * (this.blocksPerGroup + 1);
  }
}

/** One start of an operation: which exponents have been agreed on. */
class Quantization implements ChunkPlan {
  private readonly layout: Layout;
  /** Of each block, over all workers. */
  private readonly exponents: Uint8Array;
  private readonly isAgreed: Uint8Array;

  constructor(
    private readonly batch: TensorBatch,
    private readonly kernel: QuantizeKernel,
    private readonly member: QuantizingMember,
    private readonly valuesPerPacket: number,
    /** An element of this worker is no number. */
    private readonly refuse: (element: number) => void,
  ) {
    this.layout = new Layout(batch.elements, valuesPerPacket, member.workers);
    this.exponents = new Uint8Array(this.layout.blocks);
    this.isAgreed = new Uint8Array(this.layout.groups);
  }

  get chunks(): number {
    return this.layout.chunks;
  }

  count(chunk: number): number {
    const { layout } = this;
    const group = layout.exponentsIn(chunk);
    return group < 0 ? this.valuesIn(layout.blockIn(chunk)) : layout.blocksIn(group) * layout.wordsPerBlock;
  }

  isReady(chunk: number): boolean {
    const { layout } = this;
    return layout.exponentsIn(chunk) >= 0 || this.isAgreed[layout.groupOf(layout.blockIn(chunk))] === 1;
  }

  load(chunk: number, payload: Uint8Array): void {
    const group = this.layout.exponentsIn(chunk);
    if (group >= 0) {
      this.loadExponents(group, payload);
      return;
    }
    const block = this.layout.blockIn(chunk);
    const count = this.take(block);
    this.kernel.quantize(count, this.scaleOf(block));
    const bytes = count * VALUE_BYTES;
    payload.set(this.kernel.bytes.subarray(0, bytes));
    if (bytes < payload.length) payload.fill(0, bytes);
  }

  store(chunk: number, payload: Uint8Array, networkOrder: boolean): void {
    const group = this.layout.exponentsIn(chunk);
    if (group >= 0) {
      this.agree(group, payload, networkOrder);
      return;
    }
    const { kernel } = this;
    const block = this.layout.blockIn(chunk);
    const count = this.valuesIn(block);
    const bytes = kernel.bytes.subarray(0, count * VALUE_BYTES);
    bytes.set(payload.subarray(0, bytes.length));
    // The switch answers in the order of the packet that completed the sum, and all are in network order.
    if (!networkOrder)
      for (let at = 0; at < bytes.length; at += VALUE_BYTES) bytes.subarray(at, at + VALUE_BYTES).reverse();
    kernel.dequantize(count, this.scaleOf(block));
    this.batch.store(block * this.valuesPerPacket, count, bytes, !HOST_IS_LITTLE_ENDIAN);
  }

  private loadExponents(group: number, payload: Uint8Array): void {
    const { layout, member } = this;
    payload.fill(0);
    const first = group * layout.blocksPerGroup;
    // In network order, the lowest rank of a word is its first byte.
    for (let i = 0; i < layout.blocksIn(group); i++) {
      const count = this.take(first + i);
      const exponent = this.kernel.exponent(count);
      payload[i * layout.wordsPerBlock * VALUE_BYTES + member.rank] = exponent;
      if (exponent === NOT_FINITE) {
        const at = this.kernel.floats.subarray(0, count).findIndex((value) => !Number.isFinite(value));
        this.refuse((first + i) * this.valuesPerPacket + at);
      }
    }
  }

  private agree(group: number, payload: Uint8Array, networkOrder: boolean): void {
    const { layout } = this;
    const first = group * layout.blocksPerGroup;
    const blockBytes = layout.wordsPerBlock * VALUE_BYTES;
    let largest = 0;
    for (let i = 0; i < layout.blocksIn(group); i++) {
      let exponent = 0;
      for (let rank = 0; rank < this.member.workers; rank++) {
        const at = i * blockBytes + (networkOrder ? rank : rank ^ (VALUE_BYTES - 1));
        exponent = Math.max(exponent, payload[at]!);
      }
      this.exponents[first + i] = exponent;
      largest = Math.max(largest, exponent);
    }
    // Otherwise the worker that has such a value aborts the operation.
    if (largest < NOT_FINITE) this.isAgreed[group] = 1;
  }

  /** Copies a block's input to the kernel. @returns its values */
  private take(block: number): number {
    const count = this.valuesIn(block);
    this.batch.load(block * this.valuesPerPacket, count, this.kernel.bytes.subarray(0, count * VALUE_BYTES));
    return count;
  }

  private scaleOf(block: number): number {
    return blockScale(this.member.workers, exponentOfField(this.exponents[block]!));
  }

  private valuesIn(block: number): number {
    return Math.min(this.valuesPerPacket, this.batch.elements - block * this.valuesPerPacket);
  }
}
