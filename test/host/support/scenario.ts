/** What happens in a simulated run. */
import type { Mutation } from './model-switch.js';

export type Event =
  | { kind: 'leave' | 'crash' | 'disconnect' | 'cancel'; at: number; rank: number }
  | { kind: 'join'; at: number; rank: number }
  | { kind: 'switch-restart'; at: number };

/** From a moment on, longer packets vanish between a worker and the switch, one way or both. */
export interface Narrowing {
  at: number;
  rank: number;
  values: number;
  way: 'up' | 'down' | 'both';
}

export interface Scenario {
  seed: number;
  workers: number;
  slots: number;
  valuesPerPacket: number;
  /** Values that a packet may hold, ascending; default `valuesPerPacket` alone. */
  packetSteps?: readonly number[];
  /** Elements of the tensors of operation i + 1. */
  operations: readonly (readonly number[])[];
  /** Calls that a worker has in progress at a time. */
  concurrency: number;
  loss: number;
  duplication: number;
  /** Longest delay of a packet, so also how far packets overtake each other. */
  maxDelayMs: number;
  events: readonly Event[];
  /** In order of time; a later one of the same rank replaces the earlier. */
  paths?: readonly Narrowing[];
  mutation?: Mutation;
  /** Without any result for this long an operation fails; default: 120 s, longer than any recovery. */
  timeoutMs?: number;
  /** Chunk number at which epochs begin. */
  firstChunk?: number;
}
