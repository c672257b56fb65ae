/**
 * MAC addresses as people write them: six bytes in hexadecimal, of one or two digits as in ether_aton(3), with
 * colons or (IEEE 802) hyphens between them.
 */
const BYTES = /^[0-9a-f]{1,2}(?:(?::[0-9a-f]{1,2}){5}|(?:-[0-9a-f]{1,2}){5})$/i;

/** @returns the six bytes, or undefined when `text` is not a MAC address */
export function macToBytes(text: string): Uint8Array | undefined {
  return BYTES.test(text) ? Uint8Array.from(text.split(/[:-]/), (byte) => Number.parseInt(byte, 16)) : undefined;
}

/** @returns the address as a 48-bit number, or undefined when `text` is not a MAC address */
export function macToBigint(text: string): bigint | undefined {
  return macToBytes(text)?.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** The canonical form: two digits in lower case, with colons. */
export function macText(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** A locally administered MAC address derived from the IPv4 address: 02:00 and its four bytes. */
export function macOfIpv4(address: Uint8Array): Uint8Array {
  return Uint8Array.of(0x02, 0x00, ...address);
}
