/** A worker's UDP socket: by batches where the machine has them, else by node:dgram. */
import { type Libc, LibcMissing } from '../../net/linux/libc.js';
import { BatchedUdpTransport } from './batched-udp.js';
import { DgramTransport, type DgramOptions } from './dgram.js';
import { parseHostPort } from '../../net/host-port.js';
import { localIpTowards } from './dgram.js';
import type { Transport } from './transport.js';

/**
 * @param libc functions of the C library; default: those of this machine
 * @throws TransportError if the address cannot be bound
 */
export async function openUdp(options: Readonly<DgramOptions>, libc?: Libc | LibcMissing): Promise<Transport> {
  const batched = await BatchedUdpTransport.open(options, libc);
  return batched instanceof LibcMissing ? await DgramTransport.open(options, batched.reason) : batched;
}

/**
 * On `ip`, or on the address from which this machine reaches the controller.
 * @throws TransportError if the address cannot be bound or there is no route
 */
export async function openSocketTowards({
  controller,
  ip,
  udpPort,
}: Readonly<{ controller: string; ip?: string; udpPort?: number }>): Promise<Transport> {
  const { host, port } = parseHostPort(controller)!;
  // Without the scheme of a gRPC target, and the brackets around an IPv6 address.
  const name = host.replace(/^\w+:\/*(?=.)/, '').replace(/^\[(.*)\]$/, '$1');
  return await openUdp({ ip: ip ?? (await localIpTowards(name, port)), ...(udpPort === undefined ? {} : { udpPort }) });
}
