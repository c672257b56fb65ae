/**
 * Which slot and set a chunk uses, and which chunk may be sent next (docs/protocol.md, "Slots, sets and rounds").
 *
 * Invariant: chunk g is sent only after the results of all chunks up to g − slots have arrived. A result
 * needs a contribution of every worker, so when a worker sends g, every worker holds the result of
 * g − 2·slots, the round that g overwrites.
 *
 * Chunks are sent in order and none is more than a window's length ahead of the lowest unfinished one. So
 * the lowest chunk that is unfinished anywhere is in flight at every worker, however their windows
 * differ, and the job cannot lock up.
 */
import { ArgumentError } from '../errors.js';

/** Chunk numbers are 32 bits wide and compared as serial numbers. */
export const CHUNK_MODULUS = 2 ** 32;

/** Bound on one operation, so that skipping over the wraparound stays below half of the number space. */
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
 * No operation spans the wraparound of the chunk number, because `chunk mod slots` is not continuous there.
 * One that would do so starts after it, in the set opposite to the last commit's: that commit is the
 * only round whose result another worker may still need to request again, and it must not be overwritten before
 * every worker has joined the new operation.
 *
 * @param chunks data chunks and the commit
 * @throws ArgumentError for an operation of more than {@link MAX_OPERATION_CHUNKS}
 */
export function operationBase(next: number, chunks: number, slots: number): number {
  if (chunks > MAX_OPERATION_CHUNKS) {
    throw new ArgumentError(`an operation of ${chunks} chunks is too long; the maximum is ${MAX_OPERATION_CHUNKS}`);
  }
  if (next + chunks <= CHUNK_MODULUS) return next;
  return setOf(next - 1, slots) === 0 ? slots : 0;
}

/** The commit of the operation before, which is the last chunk below an operation's base. */
export const PREVIOUS_COMMIT = -1;
/** No chunk is in flight in a slot. */
const IDLE = -2;

/**
 * The chunks of one operation as they pass through the slots; chunks are counted from the operation's base. The commit of
 * the operation before may still be in flight; then this operation's waits for that one's result.
 */
export class SlotWindow {
  /** Chunk in flight per slot, {@link PREVIOUS_COMMIT} or {@link IDLE}. */
  private readonly inFlightChunk: Float64Array;
  /** How far ahead of the lowest unfinished chunk may be sent; 1 to `slots`. */
  private length: number;
  private base = 0;
  private dataChunks = 0;
  private done = 0;
  /** The next to be sent; all below it have been. */
  private next = 0;
  /** All chunks below it are finished. */
  private lowest = 0;
  private isPreviousInFlight = false;

  constructor(readonly slots: number) {
    this.inFlightChunk = new Float64Array(slots).fill(IDLE);
    this.length = slots;
  }

  /** Begins an operation of `dataChunks` chunks and a commit at chunk number `base`. */
  start(base: number, dataChunks: number): void {
    this.base = base;
    this.dataChunks = dataChunks;
    this.inFlightChunk.fill(IDLE);
    this.done = this.next = this.lowest = 0;
    this.isPreviousInFlight = false;
  }

  /** Begins the operation whose chunks follow this one's commit, which is in flight. */
  follow(dataChunks: number): void {
    this.start(this.base + this.chunks, dataChunks);
    this.inFlightChunk[this.slot(PREVIOUS_COMMIT)] = this.lowest = PREVIOUS_COMMIT;
    this.isPreviousInFlight = true;
  }

  /** Undoes {@link follow} while that commit, of an operation of `dataChunks`, is in flight: it is all that is left. */
  retreat(dataChunks: number): void {
    this.start(this.base - dataChunks - 1, dataChunks);
    this.done = this.next = this.lowest = dataChunks;
    this.take();
  }

  /** Limits how many chunks may be in flight; chunks already in flight are not affected. */
  limit(chunks: number): void {
    this.length = Math.max(1, Math.min(this.slots, chunks));
  }

  /** Takes the next chunk that may be sent, and its slot with it; undefined when no chunk may be sent. */
  take(): number | undefined {
    if (this.sendable === 0) return undefined;
    const chunk = this.next++;
    this.inFlightChunk[this.slot(chunk)] = chunk;
    return chunk;
  }

  /**
   * The result of chunk number `number` arrived.
   * @returns the chunk counted from the operation's base, or undefined if it is not in flight
   */
  finish(number: number): number | undefined {
    const chunk = number - this.base;
    if (chunk < PREVIOUS_COMMIT || chunk > this.dataChunks) return undefined;
    const slot = this.slot(chunk);
    if (this.inFlightChunk[slot] !== chunk) return undefined;
    this.inFlightChunk[slot] = IDLE;
    if (chunk === PREVIOUS_COMMIT) this.isPreviousInFlight = false;
    else this.done++;
    while (this.lowest < this.next && this.inFlightChunk[this.slot(this.lowest)] !== this.lowest) this.lowest++;
    return chunk;
  }

  /** Chunk in flight in `slot` counted from the operation's base; undefined if there is none. */
  chunkIn(slot: number): number | undefined {
    const chunk = this.inFlightChunk[slot]!;
    return chunk === IDLE ? undefined : chunk;
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

  /**
   * Chunks that may be sent now. The commit states that all data has arrived here, also that of the operation before at
   * every worker: so it waits for the last result, and for the commit before.
   */
  get sendable(): number {
    if (this.next === this.dataChunks) return this.done === this.dataChunks && !this.isPreviousInFlight ? 1 : 0;
    return Math.max(0, Math.min(this.dataChunks, this.lowest + this.length) - this.next);
  }

  /** The chunk that {@link take} takes next. */
  get upcoming(): number {
    return this.next;
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

  /** Whether the commit is in flight, and nothing else. */
  get isCommitting(): boolean {
    return this.next === this.dataChunks + 1 && !this.complete;
  }

  get previousInFlight(): boolean {
    return this.isPreviousInFlight;
  }

  get chunks(): number {
    return this.dataChunks + 1;
  }

  /** Chunks that were sent and have no result. */
  get inFlight(): number {
    return this.next - this.done + (this.isPreviousInFlight ? 1 : 0);
  }

  /** Slot of the lowest chunk without a result. */
  get lowestSlot(): number {
    return this.slot(this.lowest);
  }

  outstandingSlots(): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < this.slots; slot++) if (this.inFlightChunk[slot] !== IDLE) slots.push(slot);
    return slots;
  }
}
