/** Parses values and keys from their text and plain forms into the numbers of their field. */
import { counted } from '../../net/count.js';
import { decodeBytestring } from '../../p4runtime/bytestring.js';
import type { FieldInfo, MatchFieldInfo } from '../../p4runtime/p4info.js';
import { ipv4ToNumber } from '../../net/ipv4.js';
import { macToBigint } from '../../net/mac.js';
import type { Key, KeyInput, Value } from './entries.js';
import { EntityError } from './errors.js';

const INTEGER = /^(\d+|0x[0-9a-f]+|0b[01]+)$/i;

/** @throws EntityError for text of unknown form, and for a value that does not fit the field */
export function parseValue(input: Value, field: FieldInfo): bigint {
  const value = toBigint(input, field);
  if (value < 0n || (field.bitwidth > 0 && value >> BigInt(field.bitwidth) !== 0n)) {
    const most = (1n << BigInt(field.bitwidth)) - 1n;
    throw new EntityError(
      `${field.name} is ${String(input)}, but holds ${counted(field.bitwidth, 'bit')}: 0 to ${most}`,
    );
  }
  return value;
}

function toBigint(input: Value, field: FieldInfo): bigint {
  if (field.isString)
    throw new EntityError(`${field.name} is translated to a string, which this client does not support`);
  if (typeof input === 'bigint') return input;
  if (input instanceof Uint8Array) return decodeBytestring(input);
  if (typeof input === 'number') {
    if (Number.isSafeInteger(input)) return BigInt(input);
    throw new EntityError(`${field.name} is ${input}, which is not a whole number below 2^53`);
  }
  const text = input.trim();
  if (INTEGER.test(text)) return BigInt(text);
  const address = ipv4ToNumber(text) ?? macToBigint(text);
  if (address !== undefined) return BigInt(address);
  throw new EntityError(
    `${field.name} is "${input}", expected a number, 0x hex, dotted IPv4 or a MAC address such as 02:00:00:00:00:01`,
  );
}

function ones(bits: number): bigint {
  return (1n << BigInt(bits)) - 1n;
}

function prefixMask(width: number, length: number): bigint {
  return ones(width) ^ ones(width - length);
}

/**
 * The key in canonical form: bits outside a mask or prefix are zero.
 * @returns undefined for a key that matches anything, which P4Runtime omits
 * @throws EntityError
 */
export function parseKey(input: KeyInput, field: MatchFieldInfo): Key | undefined {
  const form = typeof input === 'string' ? splitText(input) : input;
  const all = ones(field.bitwidth);
  if (typeof form === 'object' && !(form instanceof Uint8Array)) {
    if ('prefixLength' in form) return lpmKey(field, parseValue(form.value, field), form.prefixLength);
    if ('mask' in form) return ternaryKey(field, parseValue(form.value, field), parseValue(form.mask, field));
    return rangeKey(field, parseValue(form.low, field), parseValue(form.high, field));
  }
  const value = parseValue(form, field);
  switch (field.kind) {
    case 'exact':
    case 'optional':
      return { kind: field.kind, value };
    case 'lpm':
      return { kind: 'lpm', value, prefixLength: field.bitwidth };
    case 'ternary':
      return { kind: 'ternary', value, mask: all };
    case 'range':
      return rangeKey(field, value, value);
  }
}

function splitText(text: string): KeyInput {
  const parts = (separator: string): [string, string] | undefined => {
    const at = text.indexOf(separator);
    return at < 0 ? undefined : [text.slice(0, at), text.slice(at + separator.length)];
  };
  const ternary = parts('&&&');
  if (ternary) return { value: ternary[0], mask: ternary[1] };
  const range = parts('..');
  if (range) return { low: range[0], high: range[1] };
  const lpm = parts('/');
  if (lpm) return { value: lpm[0], prefixLength: Number(lpm[1]) };
  return text;
}

function lpmKey(field: MatchFieldInfo, value: bigint, prefixLength: number): Key | undefined {
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > field.bitwidth) {
    throw new EntityError(
      `prefix length of ${field.name} is ${prefixLength}, but the key has ${counted(field.bitwidth, 'bit')}`,
    );
  }
  const mask = prefixMask(field.bitwidth, prefixLength);
  if (field.kind === 'ternary') return ternaryKey(field, value, mask);
  demand(field, 'lpm', prefixLength === field.bitwidth);
  if (field.kind !== 'lpm') return { kind: field.kind as 'exact' | 'optional', value };
  return prefixLength === 0 ? undefined : { kind: 'lpm', value: value & mask, prefixLength };
}

function ternaryKey(field: MatchFieldInfo, value: bigint, mask: bigint): Key | undefined {
  demand(field, 'ternary', false);
  return mask === 0n ? undefined : { kind: 'ternary', value: value & mask, mask };
}

function rangeKey(field: MatchFieldInfo, low: bigint, high: bigint): Key | undefined {
  demand(field, 'range', false);
  if (low > high)
    throw new EntityError(`range of ${field.name} is ${low}..${high}, whose low end is above its high end`);
  return low === 0n && high === ones(field.bitwidth) ? undefined : { kind: 'range', low, high };
}

/** @param exactToo a full prefix means the same as a bare value, which an exact or optional key accepts */
function demand(field: MatchFieldInfo, kind: string, exactToo: boolean): void {
  if (field.kind === kind || (exactToo && (field.kind === 'exact' || field.kind === 'optional'))) return;
  throw new EntityError(`key ${field.name} is ${field.kind}, and cannot match by ${kind}`);
}
