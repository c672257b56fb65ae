/** Converts counter values between P4Runtime's form and the switch's. */
import type { CounterData } from '../../p4runtime/index.js';
import type { CounterValue } from '../control.js';
import { invalid } from './rpc-error.js';

/** @throws RpcError INVALID_ARGUMENT for negative numbers */
export function toCounterValue({ packetCount, byteCount }: CounterData): CounterValue {
  if (packetCount < 0n || byteCount < 0n) throw invalid('A counter must not be negative.');
  return { packets: packetCount, bytes: byteCount };
}

/** BMv2 counts packets and bytes whatever the program declares, and P4Runtime does not distinguish either. */
export function fromCounterValue({ packets, bytes }: CounterValue): CounterData {
  return { packetCount: BigInt.asIntN(64, packets), byteCount: BigInt.asIntN(64, bytes) };
}
