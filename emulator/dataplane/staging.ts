/**
 * Packets that the main thread has interpreted, on their way to the packet thread: one behind the other, each with
 * its port and its length before it, all of 32 bits.
 */

/** The buffer for packets of one answer; a packet has at most 64 KiB and what it may grow by. */
export const STAGING_BYTES = 256 * 1024;

export const STAGED = { port: 0, length: 4, bytes: 8 } as const;

export function stagedBytes(length: number): number {
  return STAGED.bytes + Math.ceil(length / 4) * 4;
}
