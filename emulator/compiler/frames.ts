import { PacketAbortError } from '../errors.js';
import { FRAME, type Layout } from './layout.js';
import type { ProgramMemory } from './memory.js';

/** The functions of a compiled module. */
export interface Code {
  readonly clear: (frame: number) => void;
  readonly copy: (to: number, from: number) => void;
  readonly clearMetadata: (frame: number) => void;
  readonly parse: (frame: number) => void;
  readonly ingress: (frame: number) => void;
  readonly egress: (frame: number) => void;
  readonly deparse: (frame: number) => number;
  readonly emit: (frame: number, to: number) => void;
}

/** Frames and buffers of the packet that is processed, all given back at its end. */
export class Frames {
  private readonly frames: number[] = [];
  private used = 0;
  private input = { address: 0, capacity: 0 };
  private output = { address: 0, capacity: 0 };
  private readonly recirculating: { readonly address: number; readonly size: number }[] = [];

  constructor(
    private readonly layout: Layout,
    readonly memory: ProgramMemory,
    private readonly code: Code,
  ) {}

  reset(): void {
    this.used = 0;
    for (const { address, size } of this.recirculating) this.memory.release(address, size);
    this.recirculating.length = 0;
  }

  get(frame: number, word: number): number {
    return this.memory.i32[(frame + word) >> 2]!;
  }

  set(frame: number, word: number, value: number): void {
    this.memory.i32[(frame + word) >> 2] = value;
  }

  /** A packet as it arrives. */
  receive(port: number, bytes: Uint8Array, capacity: number): number {
    const { memory, layout } = this;
    this.input = this.atLeast(this.input, bytes.length + layout.slack);
    const start = this.input.address;
    memory.bytes.set(bytes, start);
    memory.bytes.fill(0, start + bytes.length, start + bytes.length + layout.slack);
    const frame = this.create(start, start + bytes.length);
    this.set(frame, FRAME.length, bytes.length);
    this.set(frame, FRAME.ingressLength, bytes.length);
    this.set(frame, FRAME.capacity, capacity);
    this.set(frame, FRAME.ingressPort, port);
    return frame;
  }

  dataSize(frame: number): number {
    return Math.min(this.get(frame, FRAME.end) - this.get(frame, FRAME.start), this.get(frame, FRAME.truncated));
  }

  /** A copy of the unparsed bytes with fresh headers and metadata; truncation is not copied. */
  copyBytes(from: number): number {
    const frame = this.create(this.get(from, FRAME.start), this.get(from, FRAME.end));
    for (const word of [FRAME.length, FRAME.ingressLength, FRAME.capacity, FRAME.ingressPort]) this.set(frame, word, this.get(from, word));
    return frame;
  }

  /** A copy with headers and metadata. */
  copy(from: number): number {
    const frame = this.copyBytes(from);
    this.code.copy(frame, from);
    return frame;
  }

  /** Deparses into a buffer that the next packet overwrites, or into one that stays until {@link reset}. */
  deparse(frame: number, stays: boolean): void {
    const { memory, layout, code } = this;
    const headers = code.deparse(frame);
    const size = headers + this.get(frame, FRAME.end) - this.get(frame, FRAME.start);
    const capacity = this.get(frame, FRAME.capacity);
    if (size > capacity) {
      throw new PacketAbortError(`a packet may grow by at most 512 bytes, but this one would have ${size} (limit ${capacity})`);
    }
    let address: number;
    if (stays) {
      address = memory.allocate(size + layout.slack);
      this.recirculating.push({ address, size: size + layout.slack });
    } else {
      this.output = this.atLeast(this.output, size + layout.slack);
      address = this.output.address;
    }
    code.emit(frame, address);
    if (stays) memory.bytes.fill(0, address + size, address + size + layout.slack);
    this.set(frame, FRAME.start, address);
    this.set(frame, FRAME.end, address + size);
  }

  /** The bytes that leave; the caller's own. */
  bytes(frame: number): Uint8Array {
    const start = this.get(frame, FRAME.start);
    const length = Math.min(this.get(frame, FRAME.end) - start, this.get(frame, FRAME.truncated));
    const copy = new Uint8Array(length);
    copy.set(this.memory.bytes.subarray(start, start + length));
    return copy;
  }

  private create(start: number, end: number): number {
    if (this.used === this.frames.length) this.frames.push(this.memory.allocate(this.layout.frameBytes));
    const frame = this.frames[this.used++]!;
    this.code.clear(frame);
    this.set(frame, FRAME.start, start);
    this.set(frame, FRAME.end, end);
    return frame;
  }

  private atLeast(buffer: { address: number; capacity: number }, size: number): { address: number; capacity: number } {
    if (size <= buffer.capacity) return buffer;
    if (buffer.capacity > 0) this.memory.release(buffer.address, buffer.capacity);
    const capacity = Math.max(4096, 2 ** Math.ceil(Math.log2(size)));
    return { address: this.memory.allocate(capacity), capacity };
  }
}

