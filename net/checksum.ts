/** The internet checksum (RFC 1071): sums of big-endian 16-bit words in ones' complement. */

/** Not folded, so that several can be added up: at most 32 bits for 64 KiB of data. */
export function sumOfWords(bytes: Uint8Array, from: number, to: number): number {
  let total = 0;
  let i = from;
  for (; i + 1 < to; i += 2) total += (bytes[i]! << 8) | bytes[i + 1]!;
  return i < to ? total + (bytes[i]! << 8) : total;
}

/** The 16 bits of a sum of words. */
export function foldSum(total: number): number {
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
}

/** Of the bytes `from` to `to`, the latter not included; 0 for data that contains its correct checksum. */
export function internetChecksum(bytes: Uint8Array, from: number, to: number): number {
  return ~foldSum(sumOfWords(bytes, from, to)) & 0xffff;
}
