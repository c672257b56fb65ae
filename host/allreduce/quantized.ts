/**
 * Tensors of fp32 for a job that adds integers, by SwitchML's scheme (arithmetic/quantize.ts): each packet's values are
 * scaled by the largest exponent that any worker has in it. The switch adds and has no maximum, so each worker's exponents
 * are bytes of their own in words that it adds: their sum holds all of them. These chunks travel a group of blocks ahead of
 * the values, within the same operation, so that agreeing takes no round trip but the first.
 */
import { blockScale, exponentOfField, NOT_FINITE, QuantizeKernel } from '../../arithmetic/index.js';
import { VALUE_BYTES } from '../../protocol/message.js';
import { operationSignature, quantizedOp, submission, type Submission } from '../../protocol/submission.js';
import { swapWords } from '../byte-order.js';
import { ArgumentError, NotFiniteError } from '../errors.js';
import type { ChunkPlan } from './chunk-plan.js';
import { MemoryPool } from './memory-pool.js';
import type { PackedTensors } from './packed-tensors.js';
import { type PacketLayout, PacketStore } from './packet-store.js';
import type { Format, Tensors } from './tensor-list.js';
import { TensorBatch, type ReduceOp } from './tensors.js';

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
  readonly kernel: QuantizeKernel;
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
  private quantization: Quantization | undefined;

  constructor(
    tensors: Tensors,
    op: ReduceOp,
    private readonly member: QuantizingMember,
    pool = new MemoryPool(),
  ) {
    super(tensors, op, 'fp32', pool, 'quantize');
  }

  override get submission(): Submission {
    return submission(quantizedOp(this.op), FORMAT, this.packed.descriptions);
  }

  override signatureOf(op: ReduceOp): number {
    return operationSignature(quantizedOp(op), FORMAT, this.packed.descriptions);
  }

  override describe(): string {
    return `quantized ${super.describe()}`;
  }

  override chunksOf({ valuesPerPacket }: PacketLayout): number {
    return new Layout(this.elements, valuesPerPacket, this.member.workers).chunks;
  }

  /** Integers are not the input, and depend on what all workers have: each start begins with the input. */
  override plan(layout: PacketLayout): ChunkPlan {
    this.restore();
    this.release();
    this.quantization = new Quantization(
      this.packed,
      this.member,
      PacketStore.from(this.pool, this.chunksOf(layout), layout),
      this.pool.take(this.elements * VALUE_BYTES, 0),
      (element) => {
        const value = this.packed.describeElement(element);
        this.fault = new NotFiniteError(`${value}: a job of format ${FORMAT} adds finite numbers only`);
      },
    );
    return this.quantization;
  }

  override restore(): void {
    this.quantization?.restore();
  }

  override release(): void {
    if (this.quantization === undefined) return;
    this.quantization.packets.release(this.pool);
    this.pool.give(this.quantization.saved, 0);
    this.quantization = undefined;
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
  private readonly valuesPerPacket: number;
  /** Of each block, over all workers. */
  private readonly exponents: Uint8Array;
  private readonly isAgreed: Uint8Array;
  /** Blocks whose input is in `saved`: all below this one. */
  private savedBlocks = 0;

  constructor(
    private readonly tensors: PackedTensors,
    private readonly member: QuantizingMember,
    readonly packets: PacketStore,
    /** Memory for a copy of what results overwrite. */
    readonly saved: Uint8Array,
    /** An element of this worker is no number. */
    private readonly refuse: (element: number) => void,
  ) {
    this.valuesPerPacket = packets.layout.valuesPerPacket;
    this.layout = new Layout(tensors.elements, this.valuesPerPacket, member.workers);
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

  load(chunk: number): void {
    const { packets, saved } = this;
    const { kernel } = this.member;
    const at = packets.valuesAt(chunk);
    const group = this.layout.exponentsIn(chunk);
    if (group >= 0) {
      this.loadExponents(group, packets.bytes, at);
      return;
    }
    const block = this.layout.blockIn(chunk);
    const count = this.take(block);
    const bytes = kernel.bytes.subarray(0, count * VALUE_BYTES);
    saved.set(bytes, block * this.valuesPerPacket * VALUE_BYTES);
    this.savedBlocks = block + 1;
    kernel.quantize(count, this.scaleOf(block));
    packets.bytes.set(bytes, at);
  }

  store(chunk: number, message: Uint8Array, at: number, networkOrder: boolean): void {
    const group = this.layout.exponentsIn(chunk);
    if (group >= 0) {
      this.agree(group, message.subarray(at), networkOrder);
      return;
    }
    const { kernel } = this.member;
    const block = this.layout.blockIn(chunk);
    const count = this.valuesIn(block);
    const bytes = kernel.bytes.subarray(0, count * VALUE_BYTES);
    bytes.set(message.subarray(at, at + bytes.length));
    // The switch answers in the order of the packet that completed the sum, and all are in network order.
    if (!networkOrder) swapWords(bytes);
    kernel.dequantize(count, this.scaleOf(block));
    this.tensors.write(block * this.valuesPerPacket, count, kernel.bytes, 0);
  }

  restore(): void {
    const count = Math.min(this.tensors.elements, this.savedBlocks * this.valuesPerPacket);
    this.tensors.write(0, count, this.saved, 0);
  }

  private loadExponents(group: number, target: Uint8Array, at: number): void {
    const { layout, member } = this;
    const blockBytes = layout.wordsPerBlock * VALUE_BYTES;
    target.fill(0, at, at + layout.blocksIn(group) * blockBytes);
    const first = group * layout.blocksPerGroup;
    // In network order, the lowest rank of a word is its first byte.
    for (let i = 0; i < layout.blocksIn(group); i++) {
      const count = this.take(first + i);
      const exponent = member.kernel.exponent(count);
      target[at + i * blockBytes + member.rank] = exponent;
      if (exponent === NOT_FINITE) {
        const index = member.kernel.floats.subarray(0, count).findIndex((value) => !Number.isFinite(value));
        this.refuse((first + i) * this.valuesPerPacket + index);
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
    this.tensors.read(block * this.valuesPerPacket, count, this.member.kernel.bytes, 0);
    return count;
  }

  private scaleOf(block: number): number {
    return blockScale(this.member.workers, exponentOfField(this.exponents[block]!));
  }

  private valuesIn(block: number): number {
    return Math.min(this.valuesPerPacket, this.tensors.elements - block * this.valuesPerPacket);
  }
}
