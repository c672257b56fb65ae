/**
 * The memory that the packet thread and the main thread share in addition to that of the program: the lock, the call
 * that the packet thread waits for, and counts. Words are 32-bit, and all of them except arguments and result are
 * changed only with Atomics.
 */

/** Indices of words. */
export const WORD = {
  /** Who may access the program's tables and state: see {@link HOLDER}. */
  lock: 0,
  /** 1 while the main thread waits for the lock; the packet thread then does not take it. */
  mainWaits: 1,
  /** Incremented to wake a main thread that waits for the lock. */
  doorbell: 2,
  /** See {@link CALL}. */
  call: 3,
  /** The call: number of the program, number of the function, its arguments. */
  program: 4,
  function: 5,
  args: 6,
  result: 14,
  /** Length of the text of an error. */
  errorBytes: 15,
  /** Incremented with each message to the packet thread. */
  mailbox: 16,
  /** Incremented when a multicast group or clone session may have changed. */
  replication: 17,
  /** Incremented when the memory of the program has grown. */
  growth: 18,
  /** 1 while the packet thread may sleep, so that a message has to be followed by a write to its wake-up descriptor. */
  idle: 20,
  /** 1 when the packet thread has ended. */
  ended: 19,
} as const;

export const HOLDER = { nobody: 0, packets: 1, main: 2 } as const;

export const CALL = { none: 0, asked: 1, answered: 2, aborted: 3, failed: 4 } as const;

/** Counts of packets, in the order of the cells. */
export const COUNTS = [
  'received',
  'sent',
  'aborted',
  'droppedInIngress',
  'droppedInEgress',
  'droppedInQueue',
  'droppedForPasses',
  'queueDrops',
  'noPort',
  'errors',
] as const;
export type Count = (typeof COUNTS)[number];

const WIDE_RESULT_AT = 128;
const COUNTS_AT = 256;
const ERROR_AT = 1024;
const ERROR_BYTES = 3072;

export class ControlBlock {
  readonly words: Int32Array;
  /** Result of 64 bits. */
  readonly wide: BigInt64Array;
  readonly counts: Float64Array;
  private readonly error: Uint8Array;

  constructor(readonly buffer: SharedArrayBuffer = new SharedArrayBuffer(ERROR_AT + ERROR_BYTES)) {
    this.words = new Int32Array(buffer, 0, WIDE_RESULT_AT / 4);
    this.wide = new BigInt64Array(buffer, WIDE_RESULT_AT, 1);
    this.counts = new Float64Array(buffer, COUNTS_AT, COUNTS.length);
    this.error = new Uint8Array(buffer, ERROR_AT, ERROR_BYTES);
  }

  count(what: Count): void {
    this.add(what, 1);
  }

  add(what: Count, packets: number): void {
    this.counts[COUNTS.indexOf(what)]! += packets;
  }

  setError(text: string): void {
    // TextEncoder.encodeInto does not accept shared memory.
    const bytes = new TextEncoder().encode(text).subarray(0, ERROR_BYTES);
    this.error.set(bytes);
    this.words[WORD.errorBytes] = bytes.length;
  }

  getError(): string {
    return new TextDecoder().decode(this.error.slice(0, this.words[WORD.errorBytes]));
  }
}
