import { VALUE_BYTES } from '../../protocol/message.js';
import { HOST_IS_LITTLE_ENDIAN, swapWords } from '../byte-order.js';
import type { ChunkPlan } from './chunk-plan.js';
import type { PackedTensors } from './packed-tensors.js';
import type { PacketStore } from './packet-store.js';

/**
 * Elements in their order, as they are. Their packets are a copy of the input that was sent, and an element that has not
 * been sent has not been overwritten: so an operation can begin again in another epoch, or be undone.
 */
export class InOrder implements ChunkPlan {
  readonly chunks: number;

  constructor(
    private readonly tensors: PackedTensors,
    readonly packets: PacketStore,
  ) {
    this.chunks = Math.ceil(tensors.elements / packets.layout.valuesPerPacket);
  }

  count(chunk: number): number {
    return Math.min(this.packets.layout.valuesPerPacket, this.tensors.elements - this.startOf(chunk));
  }

  isReady(): boolean {
    return true;
  }

  load(chunk: number): void {
    const { packets } = this;
    this.tensors.read(this.startOf(chunk), this.count(chunk), packets.bytes, packets.valuesAt(chunk));
  }

  store(chunk: number, message: Uint8Array, at: number, networkOrder: boolean): void {
    const count = this.count(chunk);
    if (networkOrder === HOST_IS_LITTLE_ENDIAN) {
      this.tensors.write(this.startOf(chunk), count, swapped(message, at, count), 0);
    } else this.tensors.write(this.startOf(chunk), count, message, at);
  }

  /** Writes back what was sent. */
  restore(): void {
    const { packets } = this;
    for (let chunk = 0; chunk < Math.min(packets.loaded, this.chunks); chunk++) {
      this.tensors.write(this.startOf(chunk), this.count(chunk), packets.bytes, packets.valuesAt(chunk));
    }
  }

  private startOf(chunk: number): number {
    return chunk * this.packets.layout.valuesPerPacket;
  }
}

/** A copy of `words` words with the bytes of each reversed. */
function swapped(bytes: Uint8Array, at: number, words: number): Uint8Array {
  // Not slice(), which of a Buffer is no copy.
  const copy = new Uint8Array(bytes.subarray(at, at + words * VALUE_BYTES));
  swapWords(copy);
  return copy;
}
