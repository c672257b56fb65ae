/**
 * Canonical bytestrings (P4Runtime 1.4, section "Bytestrings"): a value of `bit<W>` is its big-endian bytes
 * without leading zero bytes, and zero is one zero byte. A reader accepts any number of leading zeros, as
 * long as the value fits the width. `int<W>` is two's complement, with no byte that only repeats the sign.
 */
import { BytestringError } from './errors.js';

function bigEndian(value: bigint, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = length - 1; i >= 0; i--, value >>= 8n) bytes[i] = Number(value & 0xffn);
  return bytes;
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/** Bytes whose value a number holds exactly. */
const NUMBER_BYTES = 6;

function unsignedOf(bytes: Uint8Array): bigint {
  if (bytes.length <= NUMBER_BYTES) {
    let value = 0;
    for (const byte of bytes) value = value * 256 + byte;
    return BigInt(value);
  }
  return BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')}`);
}

/**
 * Canonical bytes of a non-negative value.
 * @param width bits of the P4 type; without it any value fits
 * @throws BytestringError if the value is negative or needs more bits
 */
export function encodeBytestring(value: bigint | number, width?: number): Uint8Array<ArrayBuffer> {
  const big = BigInt(value);
  const bits = bitLength(big);
  if (big < 0n || (width !== undefined && bits > width)) {
    throw new BytestringError(`The value ${big} does not fit bit<${width ?? 'W'}>.`);
  }
  return bigEndian(big, Math.max(1, Math.ceil(bits / 8)));
}

/**
 * The value of a bytestring, canonical or with leading zeros.
 * @throws BytestringError if it is empty or needs more than `width` bits
 */
export function decodeBytestring(bytes: Uint8Array, width?: number): bigint {
  if (bytes.length === 0) throw new BytestringError('An empty bytestring has no value; zero is one zero byte.');
  const value = unsignedOf(bytes);
  if (width !== undefined && bytes.length * 8 > width && BigInt.asUintN(width, value) !== value) {
    throw new BytestringError(`The value 0x${value.toString(16)} does not fit bit<${width}>.`);
  }
  return value;
}

/** Canonical bytes of a value of `int<W>`. @throws BytestringError if the value does not fit */
export function encodeSignedBytestring(value: bigint | number, width?: number): Uint8Array<ArrayBuffer> {
  const big = BigInt(value);
  const bits = bitLength(big < 0n ? -big - 1n : big) + 1;
  if (width !== undefined && bits > width) throw new BytestringError(`The value ${big} does not fit int<${width}>.`);
  return bigEndian(big, Math.ceil(bits / 8));
}

/** The value of a two's complement bytestring. @throws BytestringError if it is empty or does not fit */
export function decodeSignedBytestring(bytes: Uint8Array, width?: number): bigint {
  if (bytes.length === 0) throw new BytestringError('An empty bytestring has no value; zero is one zero byte.');
  const value = BigInt.asIntN(bytes.length * 8, unsignedOf(bytes));
  if (width !== undefined && BigInt.asIntN(width, value) !== value) {
    throw new BytestringError(`The value ${value} does not fit int<${width}>.`);
  }
  return value;
}

/** Whether the bytes are the one canonical form of a `bit<W>` value. */
export function isCanonicalBytestring(bytes: Uint8Array): boolean {
  return bytes.length === 1 || (bytes.length > 1 && bytes[0] !== 0);
}
