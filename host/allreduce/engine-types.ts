/** What an engine is given, what it counts, and what it says of a message. */

export interface EngineConfig {
  /** Job number as in packets. */
  job: number;
  rank: number;
  /** Slots of the job. */
  slots: number;
  valuesPerPacket: number;
  /** Values that a packet may hold, ascending; the last is `valuesPerPacket`, which is the default. */
  packetSteps?: readonly number[];
  /** Chunk number at which each epoch begins: 0, except in tests of its wraparound. */
  firstChunk?: number;
  /** How many results of this size the socket's buffers hold; default: those of all slots. */
  maxInFlight?: (valuesPerPacket: number) => number;
  /** Maximum of packets sent before the caller may read its socket again. */
  burst: number;
}

/** Counted since the operation began, across all its restarts. */
export interface Counters {
  packetsSent: number;
  packetsReceived: number;
  retransmissions: number;
  strays: number;
}

/**
 * How a message was classified.
 * - `stray`: not one that this operation waits for; counted.
 * - `accepted`: a result, and more are missing.
 * - `received`: the last result of the data; the commit follows.
 * - `complete`: a commit's result; every worker holds all results of the operation, which is the first in progress.
 * - `refused`: according to the switch, a contribution to the first operation in progress contradicts the others'.
 * - `probed`: the answer to a probe, see {@link AllreduceEngine.probed}.
 */
export type Verdict = 'stray' | 'accepted' | 'received' | 'complete' | 'refused' | 'probed';

/** Sends the message of `length` bytes at offset `at` of `memory`, which holds it until the next turn of the event loop. */
export type Transmit = (memory: Uint8Array, at: number, length: number) => void;

export function mostInFlight({ slots, valuesPerPacket, maxInFlight }: Readonly<EngineConfig>): number {
  return Math.min(slots, maxInFlight?.(valuesPerPacket) ?? slots);
}
