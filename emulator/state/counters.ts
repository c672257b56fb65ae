import type { CounterDef } from '../json/program.js';
import { plainStorage, type CellStorage } from './storage.js';

/** BMv2 counts packets and bytes in every counter. Doubles are exact up to 2^53, which no run reaches. */
export class CounterArray {
  packets: Float64Array;
  bytes: Float64Array;
  readonly size: number;

  constructor(
    readonly def: CounterDef,
    storage: CellStorage = plainStorage,
  ) {
    this.size = def.size;
    this.packets = storage.counters(def.index, 'packets', def.size);
    this.bytes = storage.counters(def.index, 'bytes', def.size);
  }

  /** Moves the cells to other storage, with their contents. */
  moveTo(storage: CellStorage): void {
    const { packets, bytes, def } = this;
    this.packets = storage.counters(def.index, 'packets', def.size);
    this.bytes = storage.counters(def.index, 'bytes', def.size);
    this.packets.set(packets);
    this.bytes.set(bytes);
  }
}
