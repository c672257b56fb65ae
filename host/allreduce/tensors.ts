/** The tensors of one operation. */
import { operationSignature, submission, type Submission } from '../../protocol/submission.js';
import { HOST_IS_LITTLE_ENDIAN } from '../byte-order.js';
import { ArgumentError, type WorkerError } from '../errors.js';
import type { ChunkPlan } from './chunk-plan.js';
import { InOrder } from './in-order.js';
import { PackedTensors } from './packed-tensors.js';
import { MemoryPool } from './memory-pool.js';
import { type PacketLayout, PacketStore, sameLayout } from './packet-store.js';
import { listTensors, type Format, type Tensor, type Tensors } from './tensor-list.js';

export type ReduceOp = 'sum' | 'mean';
export const REDUCE_OPS: readonly ReduceOp[] = ['sum', 'mean'];

/** What the engine moves through the switch: values by chunk, independent of their tensors. */
export interface Workload {
  readonly signature: number;
  /** Byte order of the values in its packets. */
  readonly networkOrder: boolean;
  /** Data chunks that it needs. */
  chunksOf(layout: PacketLayout): number;
  /** To be called at each start. */
  plan(layout: PacketLayout): ChunkPlan;
}

/** Results are written into the caller's memory as they arrive; until the operation is over, that can be undone. */
export class TensorBatch implements Workload {
  readonly signature: number;
  /** Memory is sent as it is. */
  readonly networkOrder: boolean = !HOST_IS_LITTLE_ENDIAN;
  /** Why the operation cannot be finished, once that is known. */
  readonly fault: WorkerError | undefined;
  protected readonly packed: PackedTensors;
  private started: InOrder | undefined;

  /**
   * @param taker for people: what takes tensors of `format`
   * @throws ArgumentError for an unknown op, and what {@link listTensors} throws
   */
  constructor(
    tensors: Tensors,
    readonly op: ReduceOp,
    readonly format: Format,
    protected readonly pool = new MemoryPool(),
    taker?: string,
  ) {
    this.packed = new PackedTensors(listTensors(tensors, format, taker));
    checkOp(op, format);
    this.signature = this.signatureOf(op);
  }

  get elements(): number {
    return this.packed.elements;
  }

  get lengths(): readonly number[] {
    return this.packed.lengths;
  }

  get tensors(): readonly Tensor[] {
    return this.packed.tensors;
  }

  chunksOf({ valuesPerPacket }: PacketLayout): number {
    return Math.ceil(this.elements / valuesPerPacket);
  }

  plan(layout: PacketLayout): ChunkPlan {
    if (this.started !== undefined && !sameLayout(this.started.packets.layout, layout)) {
      this.restore();
      this.release();
    }
    const packets = (): PacketStore => PacketStore.from(this.pool, this.chunksOf(layout), layout);
    return (this.started ??= new InOrder(this.packed, packets()));
  }

  /** Turns the sum in the caller's memory into the op's result for `workers` members. */
  finish(workers: number): void {
    if (this.op === 'mean') this.packed.divide(workers);
  }

  /** Restores the input in the caller's memory. */
  restore(): void {
    this.started?.restore();
  }

  /** Gives memory back: the operation is over, or begins again from the caller's memory. */
  release(): void {
    this.started?.packets.release(this.pool);
    this.started = undefined;
  }

  /** What other workers must have submitted as well. */
  get submission(): Submission {
    return submission(this.op, this.format, this.packed.descriptions);
  }

  /** The signature of the same tensors under `op`. */
  signatureOf(op: ReduceOp): number {
    return operationSignature(op, this.format, this.packed.descriptions);
  }

  /** For people: op, format and the elements of each tensor. */
  describe(): string {
    return `${this.op} of ${this.format} ${this.packed.describe()}`;
  }
}

/** @throws ArgumentError */
export function checkOp(op: ReduceOp, format: Format): void {
  const valid = format === 'int32' ? REDUCE_OPS.filter((one) => one !== 'mean') : REDUCE_OPS;
  if (!valid.includes(op)) {
    throw new ArgumentError(`op is '${String(op)}'; a job of format ${format} supports ${valid.join(', ')}`);
  }
}
