import type { CounterDef } from '../json/program.js';
import { plainStorage, type CellStorage } from './storage.js';

/** BMv2 counts packets and bytes in every counter. Doubles are exact up to 2^53, which no run reaches. */
export class CounterArray {
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  readonly size: number;

  constructor(
    readonly def: CounterDef,
    storage: CellStorage = plainStorage,
  ) {
    this.size = def.size;
    this.packets = storage.counters(def.index, 'packets', def.size);
    this.bytes = storage.counters(def.index, 'bytes', def.size);
  }
}
