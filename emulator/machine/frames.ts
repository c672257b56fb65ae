import { PacketAbortError } from '../errors.js';
import type { FramePlan } from './frame-plan.js';
import { FRAME, NOT_TRUNCATED } from './layout.js';
import type { FrameMemory } from './memory-view.js';
import { HEADROOM_BYTES } from '../limits.js';

/** The functions of a compiled module. */
export interface Code {
  readonly clear: (frame: number) => void;
  readonly receive: (frame: number, port: number, address: number, length: number) => void;
  readonly copy: (to: number, from: number) => void;
  readonly clearMetadata: (frame: number) => void;
  readonly parse: (frame: number) => void;
  readonly ingress: (frame: number) => void;
  readonly egress: (frame: number) => void;
  readonly deparse: (frame: number) => number;
  readonly emit: (frame: number, to: number) => void;
}

/** Where packets that leave go. Both methods are called for each packet, in this order. */
export interface FrameSink {
  /** The address of a buffer for a packet of at most this many bytes. */
  reserve(bytes: number): number;
  /** A packet leaves; it lies in the buffer that was reserved last. */
  output(port: number, address: number, length: number): void;
}

/** Frames of the current packet and its copies, all returned when the packet is done. They stay allocated. */
export class Frames {
  private readonly frames: number[] = [];
  private used = 0;
  private readonly recirculating: { readonly address: number; readonly size: number }[] = [];

  constructor(
    private readonly plan: FramePlan,
    readonly memory: FrameMemory,
    private readonly code: Code,
  ) {}

  reset(): void {
    this.used = 0;
    if (this.recirculating.length > 0) this.releaseAll();
  }

  get(frame: number, word: number): number {
    return this.memory.i32[(frame + word) >> 2]!;
  }

  set(frame: number, word: number, value: number): void {
    this.memory.i32[(frame + word) >> 2] = value;
  }

  /** A packet as it arrives. The bytes stay where they are; those after it, as many as the plan's slack, are zeroed. */
  receive(port: number, address: number, length: number): number {
    const frame = this.take();
    this.code.receive(frame, port, address, length);
    return frame;
  }

  dataSize(frame: number): number {
    return Math.min(this.get(frame, FRAME.end) - this.get(frame, FRAME.start), this.get(frame, FRAME.truncated));
  }

  /** A copy of the unparsed bytes with fresh headers and metadata; truncation is not copied. */
  copyBytes(from: number): number {
    const frame = this.take();
    this.code.clear(frame);
    this.inherit(frame, from);
    return frame;
  }

  /** A copy with headers and metadata, but without what {@link forget} resets. */
  copy(from: number): number {
    const frame = this.take();
    this.forget(frame);
    this.inherit(frame, from);
    this.code.copy(frame, from);
    return frame;
  }

  /** Turns a packet into its own copy: resets truncation and everything that the program has requested for it. */
  forget(frame: number): void {
    this.set(frame, FRAME.truncated, NOT_TRUNCATED);
    this.set(frame, FRAME.exit, 0);
    this.set(frame, FRAME.cloneSession, -1);
    this.set(frame, FRAME.cloneFieldList, 0);
    this.set(frame, FRAME.digestList, 0);
    this.set(frame, FRAME.resubmitList, 0);
    this.set(frame, FRAME.recirculateList, 0);
    this.set(frame, FRAME.checksumError, 0);
  }

  /** Deparses into the sink's buffer. @returns the address; the length is {@link dataSize} of the frame. */
  deparse(frame: number, sink: FrameSink): number {
    const size = this.deparsedSize(frame);
    return this.emit(frame, sink.reserve(size + this.plan.slack), size);
  }

  /** Deparses into a buffer that stays valid until {@link reset}. */
  deparseAgain(frame: number): void {
    const { memory, plan } = this;
    const size = this.deparsedSize(frame);
    const address = memory.allocate(size + plan.slack);
    this.recirculating.push({ address, size: size + plan.slack });
    this.emit(frame, address, size);
    memory.bytes.fill(0, address + size, address + size + plan.slack);
  }

  private deparsedSize(frame: number): number {
    const headers = this.code.deparse(frame);
    const size = headers + this.get(frame, FRAME.end) - this.get(frame, FRAME.start);
    const capacity = this.get(frame, FRAME.capacity);
    if (size > capacity) {
      throw new PacketAbortError(
        `a packet may grow by at most ${HEADROOM_BYTES} bytes, but this one would have ${size} (limit ${capacity})`,
      );
    }
    return size;
  }

  private emit(frame: number, address: number, size: number): number {
    this.code.emit(frame, address);
    this.set(frame, FRAME.start, address);
    this.set(frame, FRAME.end, address + size);
    return address;
  }

  private take(): number {
    if (this.used === this.frames.length) this.frames.push(this.memory.allocate(this.plan.frameBytes));
    return this.frames[this.used++]!;
  }

  private inherit(frame: number, from: number): void {
    this.set(frame, FRAME.start, this.get(from, FRAME.start));
    this.set(frame, FRAME.end, this.get(from, FRAME.end));
    this.set(frame, FRAME.length, this.get(from, FRAME.length));
    this.set(frame, FRAME.ingressLength, this.get(from, FRAME.ingressLength));
    this.set(frame, FRAME.capacity, this.get(from, FRAME.capacity));
    this.set(frame, FRAME.ingressPort, this.get(from, FRAME.ingressPort));
  }

  private releaseAll(): void {
    for (const { address, size } of this.recirculating) this.memory.release(address, size);
    this.recirculating.length = 0;
  }
}
