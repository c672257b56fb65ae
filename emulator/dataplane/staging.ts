/**
 * Packets that the main thread has interpreted, on their way to the packet thread: one after the other, each preceded
 * by its port and its length, of 32 bits each.
 */

/** The buffer for packets of one answer; a packet has at most 64 KiB plus what it may grow by. */
export const STAGING_BYTES = 256 * 1024;

export const STAGED = { port: 0, length: 4, bytes: 8 } as const;

export function stagedBytes(length: number): number {
  return STAGED.bytes + Math.ceil(length / 4) * 4;
}
