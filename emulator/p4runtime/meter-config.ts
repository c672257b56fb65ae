/** Converts meter configurations between P4Runtime's form and the switch's. */
import type { MeterConfig, MeterSpec } from '../../p4runtime/index.js';
import type { MeterRate } from '../control.js';
import { invalid, unimplemented } from './rpc-error.js';

/** @throws RpcError INVALID_ARGUMENT unless the configuration fits the meter's type */
export function toRates(meter: MeterSpec, config: MeterConfig): MeterRate[] {
  const { cir, cburst, pir, pburst, eburst } = config;
  if ([cir, cburst, pir, pburst, eburst].some((value) => value < 0n)) {
    throw invalid('Rates and bursts must not be negative.');
  }
  if (meter.type !== 'TWO_RATE_THREE_COLOR' && (pir !== cir || pburst !== cburst)) {
    throw invalid('A single-rate meter needs pir = cir and pburst = cburst.');
  }
  if (eburst !== 0n) {
    if (meter.type !== 'SINGLE_RATE_THREE_COLOR') throw invalid('Only a single-rate three-color meter has eburst.');
    throw unimplemented('BMv2 meters have two rates and no excess burst.');
  }
  if (pir < cir) throw invalid(`The peak rate ${pir} is below the committed rate ${cir}.`);
  return [
    { perSecond: Number(cir), burst: Number(cburst) },
    { perSecond: Number(pir), burst: Number(pburst) },
  ];
}

export function fromRates(rates: readonly MeterRate[]): MeterConfig {
  const committed = rates[0]!;
  const peak = rates[1] ?? committed;
  return {
    cir: BigInt(Math.round(committed.perSecond)),
    cburst: BigInt(Math.round(committed.burst)),
    pir: BigInt(Math.round(peak.perSecond)),
    pburst: BigInt(Math.round(peak.burst)),
    eburst: 0n,
  };
}
