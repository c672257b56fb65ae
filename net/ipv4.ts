/**
 * IPv4 addresses as people write them. There is one form: four decimal octets without leading zeros, as in
 * inet_pton(3). Some parsers read `010` as eight, others as ten, so leading zeros are rejected.
 */
const OCTET = /^(?:0|[1-9]\d{0,2})$/;

/** @returns the four bytes, or undefined when `text` is not a dotted decimal address */
export function ipv4ToBytes(text: string): Uint8Array | undefined {
  const octets = text.split('.');
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255)) return undefined;
  return Uint8Array.from(octets, Number);
}

/** @returns the address as an unsigned 32-bit number, or undefined when `text` is not a dotted decimal address */
export function ipv4ToNumber(text: string): number | undefined {
  return ipv4ToBytes(text)?.reduce((value, octet) => value * 256 + octet, 0);
}
