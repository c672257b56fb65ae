const CAPACITY_BYTES = 1 << 13;

/** Bits of a packet under construction; the first is the most significant bit of the first byte. */
export class BitBuffer {
  private readonly bytes = new Uint8Array(CAPACITY_BYTES);
  private bits = 0;

  get length(): number {
    return this.bits;
  }

  /** Whether another header fits, of any size that programs use. */
  get hasRoom(): boolean {
    return this.bits < CAPACITY_BYTES * 4;
  }

  clear(): void {
    this.bytes.fill(0, 0, Math.ceil(this.bits / 8));
    this.bits = 0;
  }

  /** Pads with zeros up to this length. */
  reach(length: number): void {
    this.bits = Math.max(this.bits, length);
  }

  set(at: number, width: number, value: bigint): void {
    this.reach(at + width);
    let end = at + width;
    if (width > 32) {
      for (; end - at > 32; end -= 32) {
        this.write(end, 32, Number(BigInt.asUintN(32, value)));
        value >>= 32n;
      }
    }
    this.write(end, end - at, Number(BigInt.asUintN(32, value)));
  }

  get(at: number, width: number): bigint {
    let value = 0n;
    for (let bit = at; bit < at + width; bit++)
      value = (value << 1n) | BigInt((this.bytes[bit >> 3]! >> (7 - (bit & 7))) & 1);
    return value;
  }

  /** The bits so far, padded to a whole byte. */
  take(): Uint8Array {
    return this.bytes.slice(0, Math.ceil(this.bits / 8));
  }

  /** Writes the lowest `width` bits of a word, ending before bit `end`. */
  private write(end: number, width: number, word: number): void {
    while (width > 0) {
      const part = Math.min(width, ((end - 1) & 7) + 1);
      const shift = -end & 7;
      const mask = ((1 << part) - 1) << shift;
      const at = (end - 1) >> 3;
      this.bytes[at] = (this.bytes[at]! & ~mask) | ((word << shift) & mask);
      word >>>= part;
      end -= part;
      width -= part;
    }
  }
}
