/** Frames per system call, and at most per turn of a packet loop. */
export const BATCH_FRAMES = 64;

/**
 * Frames of one interface as the kernel hands them over, in memory that can be moved: a virtio header is just before
 * each, and a VLAN tag beside it. Numbers i are those of the last {@link take}.
 */
export interface Arrivals {
  /** Whether a frame may be waiting, as far as is known without a system call. */
  readonly mayHaveMore: boolean;
  /**
   * Gives the memory of the last call's frames back to the kernel and takes what has arrived. Never waits.
   * @returns how many frames, at most {@link BATCH_FRAMES}
   */
  take(): number;
  /** Where the frame begins, counted from the start of the region's buffer. */
  at(i: number): number;
  /** Bytes of the frame. */
  length(i: number): number;
  /** Bytes from the start of the frame on that nothing else uses. */
  room(i: number): number;
  /** Whether all bytes of the frame are there. */
  isWhole(i: number): boolean;
  /** Whether the kernel took a VLAN tag out of the frame. */
  hasVlan(i: number): boolean;
  /** Tag protocol identifier and tag control information of that tag; undefined: no tag. */
  vlan(i: number): { readonly tpid: number; readonly tci: number } | undefined;
  /** Continues in another region, or leaves its memory for good when it is closed. All frames must have been handled. */
  moveTo(region: Uint8Array): void;
  close(): void;
}
