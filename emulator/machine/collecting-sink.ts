import type { Output } from '../control.js';
import type { FrameSink } from './frames.js';
import { GrowableBuffer } from './growable-buffer.js';
import type { FrameMemory } from './memory-view.js';

/** Copies packets that leave, so that the caller owns the bytes. */
export class CollectingSink implements FrameSink {
  outputs: Output[] = [];
  private readonly buffer: GrowableBuffer;

  constructor(private readonly memory: Pick<FrameMemory, 'bytes' | 'allocate' | 'release'>) {
    this.buffer = new GrowableBuffer(memory);
  }

  reserve(bytes: number): number {
    return this.buffer.reserve(bytes);
  }

  output(port: number, address: number, length: number): void {
    const bytes = new Uint8Array(length);
    bytes.set(this.memory.bytes.subarray(address, address + length));
    this.outputs.push({ port, bytes });
  }
}
