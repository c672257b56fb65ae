/** What the two kinds of UDP ports have in common: the service's address, and errors of the kernel. */
import type { FrameEndpoint } from '../../net/frames.js';
import { ipv4ToBytes } from '../../net/ipv4.js';
import { macToBytes } from '../../net/mac.js';
import { PortError } from './port.js';

/** Requested from the kernel for bursts; it grants what net.core.rmem_max and wmem_max allow. */
export const UDP_PORT_BUFFER_BYTES = 8 * 1024 * 1024;

export interface UdpServiceAddress {
  /** Six bytes in hexadecimal with colons. */
  readonly mac: string;
  /** IPv4, dotted decimal. */
  readonly address: string;
  readonly udpPort: number;
}

/** @throws PortError EMULATOR_PORT_ADDRESS */
export function serviceEndpoint(port: number, service: UdpServiceAddress): FrameEndpoint {
  const mac = macToBytes(service.mac);
  const ip = ipv4ToBytes(service.address);
  if (mac === undefined)
    throw new PortError('EMULATOR_PORT_ADDRESS', port, `"${service.mac}" is not a MAC address like 02:00:0a:00:00:01`);
  if (ip === undefined)
    throw new PortError(
      'EMULATOR_PORT_ADDRESS',
      port,
      `"${service.address}" is not an IPv4 address like 10.0.0.1, without leading zeros`,
    );
  return { mac, ip, udpPort: service.udpPort };
}

/** @param symbol of the kernel's error: EADDRINUSE */
export function udpOpenError(port: number, at: string, symbol: string, message = symbol): PortError {
  if (symbol === 'EADDRINUSE') return new PortError('EMULATOR_PORT_IN_USE', port, `another socket uses UDP ${at}`);
  if (symbol === 'EADDRNOTAVAIL' || symbol === 'EACCES' || symbol === 'ENOTFOUND')
    return new PortError('EMULATOR_PORT_ADDRESS', port, `UDP ${at} cannot be used here (${symbol})`);
  return new PortError('EMULATOR_PORT_FAILED', port, `UDP ${at} cannot be opened (${message})`);
}
