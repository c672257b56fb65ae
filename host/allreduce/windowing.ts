/**
 * Which slot and set a chunk uses, and which chunk a slot takes next (docs/protocol.md, "Window").
 *
 * Invariant: chunk g is sent only after the result of chunk g − slots has arrived. A result needs a
 * contribution of every worker, so when a worker sends g, every worker holds the result of
 * g − 2·slots, the round that g overwrites. Slots advance independently of each other: a lost packet
 * delays its own slot alone. For the same reason no worker may keep fewer chunks in flight than there
 * are slots: workers would choose different ones, and wait for each other for ever.
 */
import { ArgumentError } from '../errors.js';

/** Chunk numbers are 32 bits wide and compared as serial numbers. */
export const CHUNK_MODULUS = 2 ** 32;

/** Bound on one operation, so that a jump over the wrap stays below half of the number space. */
export const MAX_OPERATION_CHUNKS = 2 ** 30;

export function slotOf(chunk: number, slots: number): number {
  return chunk % slots;
}

export function setOf(chunk: number, slots: number): 0 | 1 {
  return (Math.floor(chunk / slots) & 1) as 0 | 1;
}

/**
 * First chunk number of the operation that follows chunk `next − 1` in its epoch.
 *
 * No operation spans the wrap of the chunk number, because `chunk mod slots` is not continuous there.
 * The one that would starts behind it, in the set opposite to the last commit's: that commit is the
 * only round which another worker may still have to fetch again, and it must not be overwritten before
 * every worker has joined the new operation.
 *
 * @param chunks data chunks and the commit
 * @throws ArgumentError for an operation of more than {@link MAX_OPERATION_CHUNKS}
 */
export function operationBase(next: number, chunks: number, slots: number): number {
  if (chunks > MAX_OPERATION_CHUNKS) {
    throw new ArgumentError(`an operation of ${chunks} chunks is too long; at most ${MAX_OPERATION_CHUNKS} fit into one`);
  }
  if (next + chunks <= CHUNK_MODULUS) return next;
  return setOf(next - 1, slots) === 0 ? slots : 0;
}

/** No chunk is in flight in a slot. */
const IDLE = -1;

/** The chunks of one operation on their way through the slots; chunks are counted from the operation's base. */
export class SlotWindow {
  /** Chunk in flight per slot, or {@link IDLE}. */
  private readonly inFlightChunk: Float64Array;
  /** Ring of chunks whose slot is free, in the order in which they became so. At most one per slot. */
  private readonly ready: Float64Array;
  private readyHead = 0;
  private readyCount = 0;
  private base = 0;
  private dataChunks = 0;
  private done = 0;

  constructor(readonly slots: number) {
    this.inFlightChunk = new Float64Array(slots).fill(IDLE);
    this.ready = new Float64Array(slots);
  }

  /** Begins an operation of `dataChunks` chunks and a commit at chunk number `base`. */
  start(base: number, dataChunks: number): void {
    this.base = base;
    this.dataChunks = dataChunks;
    this.inFlightChunk.fill(IDLE);
    this.done = this.readyHead = this.readyCount = 0;
    for (let chunk = 0; chunk < Math.min(this.slots, dataChunks); chunk++) this.push(chunk);
    if (dataChunks === 0) this.push(0);
  }

  /** Takes the next chunk that may be sent, and its slot with it; undefined when none may. */
  take(): number | undefined {
    if (this.readyCount === 0) return undefined;
    const chunk = this.ready[this.readyHead]!;
    this.readyHead = (this.readyHead + 1) % this.slots;
    this.readyCount--;
    this.inFlightChunk[this.slot(chunk)] = chunk;
    return chunk;
  }

  /**
   * The result of chunk number `number` arrived.
   * @returns the chunk counted from the operation's base, or −1 if it is not in flight
   */
  finish(number: number): number {
    const chunk = number - this.base;
    if (chunk < 0 || chunk > this.dataChunks) return IDLE;
    const slot = this.slot(chunk);
    if (this.inFlightChunk[slot] !== chunk) return IDLE;
    this.inFlightChunk[slot] = IDLE;
    this.done++;
    if (chunk + this.slots < this.dataChunks) this.push(chunk + this.slots);
    // The commit says that all data has arrived here, so it waits for the last of it.
    else if (this.done === this.dataChunks) this.push(this.dataChunks);
    return chunk;
  }

  /** Chunk in flight in `slot` counted from the operation's base, or −1. */
  chunkIn(slot: number): number {
    return this.inFlightChunk[slot]!;
  }

  number(chunk: number): number {
    return this.base + chunk;
  }

  slot(chunk: number): number {
    return slotOf(this.base + chunk, this.slots);
  }

  set(chunk: number): 0 | 1 {
    return setOf(this.base + chunk, this.slots);
  }

  get sendable(): number {
    return this.readyCount;
  }

  /** Results that have arrived, the commit's included. */
  get finished(): number {
    return this.done;
  }

  get allDataArrived(): boolean {
    return this.done >= this.dataChunks;
  }

  get complete(): boolean {
    return this.done === this.dataChunks + 1;
  }

  get chunks(): number {
    return this.dataChunks + 1;
  }

  outstandingSlots(): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < this.slots; slot++) if (this.inFlightChunk[slot] !== IDLE) slots.push(slot);
    return slots;
  }

  private push(chunk: number): void {
    this.ready[(this.readyHead + this.readyCount) % this.slots] = chunk;
    this.readyCount++;
  }
}
