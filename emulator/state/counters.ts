import type { CounterDef } from '../json/program.js';

/** BMv2 counts packets and bytes in every counter. Doubles are exact up to 2^53, which no run reaches. */
export class CounterArray {
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  readonly size: number;

  constructor(readonly def: CounterDef) {
    this.size = def.size;
    this.packets = new Float64Array(def.size);
    this.bytes = new Float64Array(def.size);
  }
}
