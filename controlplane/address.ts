/** Text forms of IPv4 addresses, MAC addresses and endpoints, and the numbers they stand for. */
import { InvalidAddressError } from './errors.js';

const OCTET = /^(0|[1-9]\d{0,2})$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** @returns the address as an unsigned 32-bit number, or undefined when `text` is not dotted IPv4. */
export function ipv4ToNumber(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!OCTET.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** @returns the address as a 48-bit bigint, or undefined when `text` is not six hex pairs with colons. */
export function macToBigint(text: string): bigint | undefined {
  return MAC.test(text) ? BigInt(`0x${text.replaceAll(':', '')}`) : undefined;
}

/**
 * A locally administered MAC address that is unique per IPv4 address, for a worker that names none:
 * a UDP port of the switch ignores it, but the frame needs one.
 */
export function macOfIpv4(ip: number): string {
  const octets = [2, 0, ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255];
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join(':');
}

export interface Endpoint {
  readonly ip: string;
  readonly udpPort: number;
}

/** Reads `ip:port`. @throws InvalidAddressError naming `what` */
export function parseEndpoint(text: string, what: string): Endpoint {
  const colon = text.lastIndexOf(':');
  const ip = text.slice(0, Math.max(colon, 0));
  const port = Number(text.slice(colon + 1));
  if (ipv4ToNumber(ip) === undefined || !isUdpPort(port)) {
    throw new InvalidAddressError(
      `${what} is "${text}", expected a dotted IPv4 address and a UDP port such as 127.0.0.1:5000`,
    );
  }
  return { ip, udpPort: port };
}

export function isUdpPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
