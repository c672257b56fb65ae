import { endianness } from 'node:os';

/** Byte order of the elements in a tensor's memory. */
export const HOST_IS_LITTLE_ENDIAN = endianness() === 'LE';

/** Reverses the bytes of each word of 32 bits, in place. */
export function swapWords(bytes: Uint8Array): void {
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).swap32();
}
