/** What happens in a simulated run. */
import type { Mutation } from './model-switch.js';

export type Event =
  | { kind: 'leave' | 'crash' | 'disconnect' | 'cancel'; at: number; rank: number }
  | { kind: 'join'; at: number; rank: number }
  | { kind: 'switch-restart'; at: number };

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
  mutation?: Mutation;
  /** Without any result for this long an operation fails; default: 120 s, longer than any recovery. */
  timeoutMs?: number;
  /** Chunk number at which epochs begin. */
  firstChunk?: number;
}
