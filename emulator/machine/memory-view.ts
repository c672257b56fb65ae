import type { WasmMemory } from './wasm.js';

/** One thread's view of a program's linear memory. Another thread may make it grow; see {@link MemoryView.refresh}. */
export class MemoryView {
  bytes!: Uint8Array;
  i32!: Int32Array;
  u64!: BigUint64Array;
  f64!: Float64Array;

  constructor(readonly memory: WasmMemory) {
    this.look();
  }

  /** Updates the views after another thread has grown the memory. Earlier views stay valid. */
  refresh(): void {
    // The buffer of this thread may still be the old one; growing by zero pages yields the current one.
    this.memory.grow(0);
    this.look();
  }

  protected look(): void {
    this.bytes = new Uint8Array(this.memory.buffer);
    this.i32 = new Int32Array(this.memory.buffer);
    this.u64 = new BigUint64Array(this.memory.buffer);
    this.f64 = new Float64Array(this.memory.buffer);
  }

  /** Writes a number of any width; a negative one as two's complement. */
  writeLimbs(address: number, limbs: number, value: bigint): void {
    const at = address >>> 3;
    if (limbs === 1) {
      this.u64[at] = BigInt.asUintN(64, value);
      return;
    }
    let rest = value;
    for (let i = 0; i < limbs; i++) {
      this.u64[at + i] = BigInt.asUintN(64, rest);
      rest >>= 64n;
    }
  }

  readLimbs(address: number, limbs: number, signed: boolean): bigint {
    const at = address >>> 3;
    let value = signed ? BigInt.asIntN(64, this.u64[at + limbs - 1]!) : this.u64[at + limbs - 1]!;
    for (let i = limbs - 2; i >= 0; i--) value = (value << 64n) | this.u64[at + i]!;
    return value;
  }
}

/** Memory for packets: a view and an allocator. */
export interface FrameMemory extends Pick<MemoryView, 'bytes' | 'i32' | 'readLimbs' | 'writeLimbs'> {
  /** @returns the address of a block of at least this size; its contents are arbitrary. */
  allocate(size: number): number;
  /** @param size as it was allocated. */
  release(address: number, size: number): void;
}
