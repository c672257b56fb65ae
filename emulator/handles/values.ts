import { ipv4ToNumber } from '../../net/ipv4.js';
import { macToBigint } from '../../net/mac.js';
import { ControlError, type KeyDescription, type MatchKey } from '../control.js';

/**
 * A value as it is written in a test: a number (a negative one is two's complement), a truth value, bytes, or text:
 * `0x1f`, `31`, `0b11`, `10.0.0.1`, `2001:db8::1`, `00:1b:21:3c:4d:5e`.
 */
export type Value = number | bigint | boolean | string | Uint8Array;

/**
 * What a key is to match: a value, or, by the key's kind, `value/length` (lpm), `value &&& mask` or `value/length`
 * (ternary), `low..high` (range). `*` matches anything, as does a key that is left out.
 */
export type MatchValue =
  | Value
  | { readonly value: Value; readonly prefixLength: number }
  | { readonly value: Value; readonly mask: Value }
  | { readonly low: Value; readonly high: Value };

const FORMS: Readonly<Record<MatchKey['kind'], string>> = {
  exact: 'a value',
  lpm: 'a value, "value/length" or "*"',
  ternary: 'a value, "value &&& mask", "value/length" or "*"',
  range: 'a value, "low..high" or "*"',
};

/**
 * @param what for messages, e.g. `parameter port of ingress.forward`.
 * @throws ControlError INVALID_ARGUMENT if it is not a value, or does not fit `width` bits.
 */
export function parseValue(value: Value, width: number, what: string): bigint {
  const number = toBigInt(value, what);
  const limit = 1n << BigInt(width);
  if (number >= limit || number < -(limit >> 1n))
    throw invalid(`${show(value)} does not fit the ${width} bit(s) of ${what}`);
  return BigInt.asUintN(width, number);
}

/** @throws ControlError INVALID_ARGUMENT */
export function parseMatch(match: MatchValue | undefined, key: KeyDescription, table: string): MatchKey {
  const what = `key ${key.name} of table ${table}`;
  const value = (part: Value): bigint => parseValue(part, key.width, what);
  const all = (1n << BigInt(key.width)) - 1n;
  const parts = split(match, what);
  const refuse = (): never => {
    throw invalid(
      `${what} is ${key.kind}: it takes ${FORMS[key.kind]}, not ${match === undefined ? 'nothing' : show(match)}`,
    );
  };
  switch (key.kind) {
    case 'exact':
      return 'only' in parts ? { kind: 'exact', value: value(parts.only) } : refuse();
    case 'lpm':
      if ('any' in parts) return { kind: 'lpm', value: 0n, prefixLength: 0 };
      if ('prefixLength' in parts)
        return { kind: 'lpm', value: value(parts.value), prefixLength: prefix(parts.prefixLength, key, what) };
      return 'only' in parts ? { kind: 'lpm', value: value(parts.only), prefixLength: key.width } : refuse();
    case 'ternary':
      if ('any' in parts) return { kind: 'ternary', value: 0n, mask: 0n };
      if ('mask' in parts) return { kind: 'ternary', value: value(parts.value), mask: value(parts.mask) };
      if ('prefixLength' in parts) {
        const zeros = BigInt(key.width - prefix(parts.prefixLength, key, what));
        return { kind: 'ternary', value: value(parts.value), mask: (all >> zeros) << zeros };
      }
      return 'only' in parts ? { kind: 'ternary', value: value(parts.only), mask: all } : refuse();
    case 'range':
      if ('any' in parts) return { kind: 'range', low: 0n, high: all };
      if ('low' in parts) return { kind: 'range', low: value(parts.low), high: value(parts.high) };
      return 'only' in parts ? { kind: 'range', low: value(parts.only), high: value(parts.only) } : refuse();
  }
}

type Parts =
  | { readonly any: true }
  | { readonly only: Value }
  | { readonly value: Value; readonly prefixLength: number }
  | { readonly value: Value; readonly mask: Value }
  | { readonly low: Value; readonly high: Value };

function split(match: MatchValue | undefined, what: string): Parts {
  if (match === undefined || match === '*') return { any: true };
  if (typeof match !== 'string')
    return typeof match === 'object' && !(match instanceof Uint8Array) ? match : { only: match };
  const [, low, high] = /^(.+?)\s*\.\.\s*(.+)$/.exec(match) ?? [];
  if (low !== undefined) return { low, high: high! };
  const [, masked, mask] = /^(.+?)\s*&&&\s*(.+)$/.exec(match) ?? [];
  if (masked !== undefined) return { value: masked, mask: mask! };
  const [, value, length] = /^(.+?)\s*\/\s*(.+)$/.exec(match) ?? [];
  if (value === undefined) return { only: match };
  if (!/^\d+$/.test(length!)) throw invalid(`"${length}" is not a prefix length for ${what}`);
  return { value, prefixLength: Number(length) };
}

function prefix(length: number, key: KeyDescription, what: string): number {
  if (Number.isInteger(length) && length >= 0 && length <= key.width) return length;
  throw invalid(`a prefix of ${what} has 0 to ${key.width} bits, not ${length}`);
}

function toBigInt(value: Value, what: string): bigint {
  switch (typeof value) {
    case 'bigint':
      return value;
    case 'boolean':
      return value ? 1n : 0n;
    case 'number':
      if (!Number.isSafeInteger(value))
        throw invalid(`${value} is not an integer of at most 53 bits, which ${what} needs: use a bigint`);
      return BigInt(value);
    case 'string':
      return parseText(value, what);
    default:
      return value.length === 0 ? 0n : BigInt(`0x${Buffer.from(value).toString('hex')}`);
  }
}

function parseText(text: string, what: string): bigint {
  const trimmed = text.trim();
  if (/^-?\d+$|^0[xX][0-9a-fA-F]+$|^0[bB][01]+$|^0[oO][0-7]+$/.test(trimmed)) return BigInt(trimmed);
  const address = ipv4ToNumber(trimmed) ?? macToBigint(trimmed) ?? ipv6(trimmed);
  if (address === undefined) {
    throw invalid(
      `${show(text)} is not a value for ${what}: write a number such as 31 or 0x1f, an address such as 10.0.0.1, 2001:db8::1 or 00:1b:21:3c:4d:5e`,
    );
  }
  return BigInt(address);
}

function ipv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (!text.includes(':') || halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  if (!groups.flat().every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const [head = [], tail = []] = groups;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return join(
    [...head, ...Array.from({ length: missing }, () => '0'), ...tail].map((group) => Number.parseInt(group, 16)),
    16n,
  );
}

function join(parts: readonly number[], bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | BigInt(part), 0n);
}

function show(value: MatchValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  return value instanceof Uint8Array
    ? `the bytes ${Buffer.from(value).toString('hex')}`
    : `{${Object.keys(value).join(', ')}}`;
}

function invalid(message: string): ControlError {
  return new ControlError('INVALID_ARGUMENT', message);
}
