import type { PacketStore } from './packet-store.js';

/** How the values of an operation are spread over its chunks, and the packets of those; the commit follows them. */
export interface ChunkPlan {
  readonly packets: PacketStore;
  /** Data chunks. */
  readonly chunks: number;
  /** Values in `chunk`. */
  count(chunk: number): number;
  /** Whether `chunk` may be sent; once it may, it always may. */
  isReady(chunk: number): boolean;
  /** Writes the values of `chunk` to its packet; called once for each, in order, before it is sent. */
  load(chunk: number): void;
  /** Takes the sums of `chunk`, which begin at offset `at` of `message`. */
  store(chunk: number, message: Uint8Array, at: number, networkOrder: boolean): void;
}
