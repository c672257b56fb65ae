import { FRAME_OVERHEAD_BYTES, MAX_PAYLOAD_BYTES } from '../../../net/frames.js';
import type { UdpReceiver } from '../../../net/linux/udp-receiver.js';

/** Frames begin at multiples of this, as words are read from them. */
export const FRAME_ALIGNMENT = 16;
/** Between frames: bytes after a packet are overwritten when it runs. */
const FRAME_GAP = 64;

/** Datagrams shorter than this are not scattered: a piece costs the kernel about as much as copying them. */
const MIN_SCATTERED_BYTES = 4096;
export const MAX_PIECES = Math.ceil(MAX_PAYLOAD_BYTES / MIN_SCATTERED_BYTES);

/** From one frame to the next, for payloads of `bytes`. */
export function frameStride(bytes: number): number {
  return Math.ceil((FRAME_OVERHEAD_BYTES + bytes + FRAME_GAP) / FRAME_ALIGNMENT) * FRAME_ALIGNMENT;
}

/** A message with its gaps; an odd number of cache lines, so that messages do not compete for the same cache sets. */
const STRIDE = Math.ceil((frameStride(MAX_PAYLOAD_BYTES) + MAX_PIECES * frameStride(FRAME_ALIGNMENT)) / 128) * 128 + 64;

/**
 * Where the kernel puts messages, each of which may be several datagrams that it joined. These come in one size for long,
 * so each message is scattered into pieces of the size last seen, with room for a frame's headers before each one: its
 * datagrams are frames where they lie. Messages with datagrams of another size must be copied.
 */
export class MessagePlaces {
  /** Bytes of memory that the messages need. */
  static bytes(messages: number): number {
    return messages * STRIDE;
  }

  /** Of each message: the size of its pieces but the last, or Infinity where there is only one. */
  private readonly sizes: Float64Array;
  private expected = Infinity;
  private at = 0;
  private address = 0;

  constructor(private readonly receiver: UdpReceiver) {
    this.sizes = new Float64Array(receiver.messages);
  }

  /** @param at offset of the memory for the messages, a multiple of {@link FRAME_ALIGNMENT}. @param address of offset 0 */
  settle(at: number, address: number): void {
    this.at = at;
    this.address = address;
    for (let i = 0; i < this.sizes.length; i++) {
      this.sizes[i] = this.expected;
      this.place(i);
    }
  }

  /** The size of datagrams that have been joined. */
  expect(bytes: number): void {
    if (bytes >= MIN_SCATTERED_BYTES) this.expected = bytes;
  }

  /** Makes message i ready to be received again. */
  prepare(i: number): void {
    this.receiver.prepare(i);
    if (this.sizes[i] === this.expected) return;
    this.sizes[i] = this.expected;
    this.place(i);
  }

  /** Whether the datagrams of message i, of `size` bytes but the last, lie as frames do. */
  isScattered(i: number, size: number): boolean {
    return this.sizes[i] === size;
  }

  /** Whether the first `bytes` of message i lie in one piece. */
  isWhole(i: number, bytes: number): boolean {
    return bytes <= this.sizes[i]!;
  }

  /** Offset of the frame that piece k of message i is the payload of. */
  frame(i: number, k = 0): number {
    return this.at + i * STRIDE + (k === 0 ? 0 : k * frameStride(this.sizes[i]!));
  }

  /** Copies `length` bytes of message i, from byte `from` on, to an offset. */
  copy(bytes: Uint8Array, i: number, from: number, length: number, to: number): void {
    const size = this.sizes[i]!;
    for (let left = length; left > 0;) {
      const piece = Math.floor(from / size);
      const within = from - (piece === 0 ? 0 : piece * size);
      const part = Math.min(left, size - within);
      const at = this.frame(i, piece) + FRAME_OVERHEAD_BYTES + within;
      bytes.copyWithin(to, at, at + part);
      from += part;
      to += part;
      left -= part;
    }
  }

  private place(i: number): void {
    const size = this.sizes[i]!;
    let left = MAX_PAYLOAD_BYTES;
    for (let k = 0; left > 0; k++) {
      const length = Math.min(left, size);
      this.receiver.place(i, this.address + this.frame(i, k) + FRAME_OVERHEAD_BYTES, length, k);
      left -= length;
    }
  }
}
