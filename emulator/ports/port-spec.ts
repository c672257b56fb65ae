import { PacketPort } from './packet-port.js';
import type { Port } from './port.js';
import { UdpPort } from './udp-port.js';

/** A port of a switch, as plain data. */
export type PortSpec =
  | { readonly number: number; readonly kind: 'interface'; readonly interface: string }
  | {
      readonly number: number;
      readonly kind: 'udp';
      readonly bindAddress: string;
      /** 0: the kernel chooses. */
      readonly bindPort: number;
      readonly service: { readonly mac: string; readonly address: string; readonly udpPort: number };
    };

/**
 * Makes a port, which is not open yet.
 * @returns the port, and where it is once it is open: HOST:UDPPORT, or the name of its interface
 * @throws PortError EMULATOR_PORT_ADDRESS
 */
export function portOf(spec: PortSpec): { readonly port: Port; readonly place: () => string } {
  if (spec.kind === 'interface') return { port: new PacketPort(spec), place: () => spec.interface };
  const port = new UdpPort(spec);
  return { port, place: () => `${port.address.address}:${port.address.port}` };
}
