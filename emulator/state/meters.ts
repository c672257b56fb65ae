import { MeterState, type MeterSnapshot } from '../externs/meter.js';
import type { MeterDef } from '../json/program.js';

/** Meters of an indirect array are created when first used: arrays are large and mostly idle. */
export class MeterArray {
  private readonly meters = new Map<number, MeterState>();
  readonly size: number;

  constructor(
    readonly def: MeterDef,
    private readonly origin: number,
  ) {
    this.size = def.size;
  }

  at(index: number): MeterState {
    let meter = this.meters.get(index);
    if (meter === undefined) this.meters.set(index, (meter = new MeterState(this.origin)));
    return meter;
  }

  save(): ReadonlyMap<number, MeterSnapshot> {
    return new Map([...this.meters].map(([index, meter]) => [index, meter.save()]));
  }

  restore(saved: ReadonlyMap<number, MeterSnapshot>): void {
    this.meters.clear();
    for (const [index, meter] of saved) this.meters.set(index, MeterState.restored(meter));
  }

  execute(index: number, now: number, length: number): number {
    return this.meters.get(index)?.execute(now, this.def.unit === 'packets' ? 1 : length) ?? 0;
  }
}
