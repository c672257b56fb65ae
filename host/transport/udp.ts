/** A worker's UDP socket: by batches where the machine has them, else by node:dgram. */
import { LibcMissing } from '../../net/linux/libc.js';
import { BatchedUdpTransport } from './batched-udp.js';
import { DgramTransport, type DgramOptions } from './dgram.js';
import type { Transport } from './transport.js';

/** @throws TransportError if the address cannot be bound */
export async function openUdp(options: Readonly<DgramOptions>): Promise<Transport> {
  const batched = await BatchedUdpTransport.open(options);
  return batched instanceof LibcMissing ? await DgramTransport.open(options, batched.reason) : batched;
}
