/** Where a socket of the embedded switch is: the address and UDP port that workers send to. */
import { isUdpPort, parseHostPort } from '../net/host-port.js';
import { ipv4ToBytes } from '../net/ipv4.js';
import { InvalidAddressError } from './errors.js';

export interface Endpoint {
  readonly ip: string;
  readonly udpPort: number;
}

/** Reads `ip:port`. @throws InvalidAddressError naming `what` */
export function parseEndpoint(text: string, what: string): Endpoint {
  const { host, port } = parseHostPort(text) ?? { host: '', port: 0 };
  if (ipv4ToBytes(host) === undefined || !isUdpPort(port)) {
    throw new InvalidAddressError(
      `${what} is "${text}", expected a dotted IPv4 address and a UDP port such as 127.0.0.1:5000, without leading zeros`,
    );
  }
  return { ip: host, udpPort: port };
}
