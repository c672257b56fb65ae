import type { Output } from '../control.js';
import type { FrameSink } from './frames.js';
import type { FrameMemory } from './memory-view.js';

const SMALLEST_ROOM = 4096;

/** A block of linear memory that grows. */
export class Room {
  private address = 0;
  private capacity = 0;

  constructor(private readonly memory: Pick<FrameMemory, 'allocate' | 'release'>) {}

  /** @returns the address of so many bytes; what was there is gone if there had been fewer */
  of(bytes: number): number {
    if (bytes > this.capacity) {
      if (this.capacity > 0) this.memory.release(this.address, this.capacity);
      this.capacity = Math.max(SMALLEST_ROOM, 2 ** Math.ceil(Math.log2(bytes)));
      this.address = this.memory.allocate(this.capacity);
    }
    return this.address;
  }
}

/** Copies what leaves, so that the bytes are the caller's own. */
export class CollectingSink implements FrameSink {
  outputs: Output[] = [];
  private readonly place: Room;

  constructor(private readonly memory: Pick<FrameMemory, 'bytes' | 'allocate' | 'release'>) {
    this.place = new Room(memory);
  }

  room(bytes: number): number {
    return this.place.of(bytes);
  }

  output(port: number, address: number, length: number): void {
    const bytes = new Uint8Array(length);
    bytes.set(this.memory.bytes.subarray(address, address + length));
    this.outputs.push({ port, bytes });
  }
}
