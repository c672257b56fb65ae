import type { CellStorage } from '../state/storage.js';
import { HASH_TABLE_BYTES, hashTable } from './hash-tables.js';
import type { Layout } from './layout.js';
import { registerCellBytes } from './layout.js';
import { MemoryView } from './memory-view.js';
import { wasm } from './wasm.js';

const PAGE = 65_536;
const MAX_PAGES = 65_536;
const SMALLEST_CLASS = 5;

/**
 * The linear memory of one loaded program: registers and counters at fixed addresses, and after them a heap for
 * entries, packets and their bytes. It is shared, so that a packet loop can run on a separate thread, and so that views
 * of it stay valid when it grows.
 */
export class ProgramMemory extends MemoryView implements CellStorage {
  private top: number;
  /** Freed blocks by the logarithm of their size. */
  private readonly free: number[][] = Array.from({ length: 33 }, () => []);

  constructor(private readonly layout: Layout) {
    super(new wasm.Memory({ initial: Math.ceil((layout.scratch + PAGE) / PAGE), maximum: MAX_PAGES, shared: true }));
    this.top = layout.scratch;
    for (const [algorithm, address] of layout.hashTables)
      new Uint32Array(this.memory.buffer, address, HASH_TABLE_BYTES / 4).set(hashTable(algorithm));
  }

  registers(index: number, width: number, size: number): Uint32Array | BigUint64Array {
    const address = this.layout.registers[index]!;
    if (width <= 32) return new Uint32Array(this.memory.buffer, address, size);
    return new BigUint64Array(this.memory.buffer, address, (size * registerCellBytes(width)) / 8);
  }

  counters(index: number, what: 'packets' | 'bytes', size: number): Float64Array {
    return new Float64Array(this.memory.buffer, this.layout.counters[index]![what], size);
  }

  /**
   * Reserves memory for the scratch area of the compiled code, which begins where the heap would; call it before
   * anything is allocated.
   */
  reserveScratch(bytes: number): void {
    this.top = this.layout.scratch + Math.ceil(bytes / 64) * 64 + 64;
    if (this.top > this.bytes.length) this.grow();
  }

  /** @returns the address of a block of at least this size; its contents are arbitrary. */
  allocate(size: number): number {
    const order = Math.max(SMALLEST_CLASS, 32 - Math.clz32(Math.max(1, size) - 1));
    const reused = this.free[order]!.pop();
    if (reused !== undefined) return reused;
    const address = this.top;
    this.top += 2 ** order;
    if (this.top > this.bytes.length) this.grow();
    return address;
  }

  /** @param size as it was allocated. */
  release(address: number, size: number): void {
    this.free[Math.max(SMALLEST_CLASS, 32 - Math.clz32(Math.max(1, size) - 1))]!.push(address);
  }

  private grow(): void {
    const needed = Math.ceil((this.top - this.bytes.length) / PAGE);
    const wanted = Math.max(needed, Math.min(this.bytes.length / PAGE / 2, MAX_PAGES - this.bytes.length / PAGE));
    this.memory.grow(Math.floor(wanted));
    this.look();
  }
}
