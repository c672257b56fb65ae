/** How a workload's elements are spread over the chunks of an operation, where that is not simply in their order. */
export interface ChunkPlan {
  /** Data chunks. */
  readonly chunks: number;
  /** Values in `chunk`. */
  count(chunk: number): number;
  /** Whether `chunk` may be sent; once it may, it always may. */
  isReady(chunk: number): boolean;
  /** As of {@link Workload}, for the values of `chunk`. */
  load(chunk: number, payload: Uint8Array): void;
  store(chunk: number, payload: Uint8Array, networkOrder: boolean): void;
}
