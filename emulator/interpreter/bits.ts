/** Bit fields within a byte string; bit 0 is the highest bit of the first byte, as in P4 headers. */

/** @returns the `width` bits from `bit` on. Bits past the end of the bytes read as zero. */
export function readBits(bytes: Uint8Array, bit: number, width: number): bigint {
  const first = bit >> 3;
  const last = (bit + width + 7) >> 3;
  const pad = last * 8 - bit - width;
  if (last - first <= 4) {
    let value = 0;
    for (let i = first; i < last; i++) value = (value << 8) | bytes[i]!;
    value >>>= pad;
    return BigInt(width >= 32 ? value >>> 0 : value & ((1 << width) - 1));
  }
  let value = 0n;
  let i = first;
  for (; i + 4 <= last; i += 4) {
    const word = ((bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!) >>> 0;
    value = value === 0n ? BigInt(word) : (value << 32n) | BigInt(word);
  }
  for (; i < last; i++) value = (value << 8n) | BigInt(bytes[i] ?? 0);
  return BigInt.asUintN(width, value >> BigInt(pad));
}

/**
 * Puts `width` bits in place; the bits there must be zero before.
 * @param value at least 0 and below 2^width.
 */
export function writeBits(bytes: Uint8Array, bit: number, width: number, value: bigint): void {
  if (width === 0) return;
  const first = bit >> 3;
  const last = (bit + width + 7) >> 3;
  const pad = last * 8 - bit - width;
  if (last - first <= 4) {
    let rest = (Number(value) << pad) >>> 0;
    for (let i = last - 1; i >= first; i--) {
      bytes[i]! |= rest & 0xff;
      rest >>>= 8;
    }
    return;
  }
  let rest = pad === 0 ? value : value << BigInt(pad);
  for (let i = last; i > first;) {
    let word = Number(BigInt.asUintN(32, rest));
    rest >>= 32n;
    for (let n = 0; n < 4 && i > first; n++) {
      bytes[--i]! |= word & 0xff;
      word >>>= 8;
    }
  }
}
