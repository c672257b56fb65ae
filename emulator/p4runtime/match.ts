/** Converts keys of table entries between P4Runtime's form and the switch's (P4Runtime 1.4, section "Match Format"). */
import {
  decodeBytestring,
  encodeBytestring,
  type FieldMatch,
  type Init,
  type MatchFieldInfo,
  type MatchKind,
  type NameIndex,
} from '../../p4runtime/index.js';
import type { MatchKey } from '../control.js';
import { invalid } from './rpc-error.js';

const onesOf = (width: number): bigint => (1n << BigInt(width)) - 1n;

/** The key that matches everything, which P4Runtime expresses by leaving the field out. */
function wildcard(field: MatchFieldInfo): MatchKey {
  switch (field.kind) {
    case 'exact':
      throw invalid(`Key ${field.name} is exact, so it must be given.`);
    case 'lpm':
      return { kind: 'lpm', value: 0n, prefixLength: 0 };
    case 'ternary':
    case 'optional': // BMv2 has no optional match: its compiler makes it a ternary one.
      return { kind: 'ternary', value: 0n, mask: 0n };
    case 'range':
      return { kind: 'range', low: 0n, high: onesOf(field.bitwidth) };
  }
}

function kindOf(match: FieldMatch): MatchKind | 'other' | undefined {
  if (match.exact) return 'exact';
  if (match.lpm) return 'lpm';
  if (match.ternary) return 'ternary';
  if (match.range) return 'range';
  if (match.optional) return 'optional';
  return match.other ? 'other' : undefined;
}

function toKey(field: MatchFieldInfo, match: FieldMatch): MatchKey {
  const kind = kindOf(match);
  if (kind !== field.kind) {
    throw invalid(`Key ${field.name} is ${field.kind}, but the entry gives ${kind ?? 'no value'}.`);
  }
  const { bitwidth: width, name } = field;
  const number = (bytes: Uint8Array): bigint => decodeBytestring(bytes, width);
  if (match.exact) return { kind: 'exact', value: number(match.exact.value) };
  if (match.optional) return { kind: 'ternary', value: number(match.optional.value), mask: onesOf(width) };
  if (match.lpm) {
    const { prefixLen } = match.lpm;
    if (prefixLen <= 0 || prefixLen > width) {
      throw invalid(
        `Key ${name} has prefix length ${prefixLen}; it must be 1 to ${width}; a key that matches all must be left out.`,
      );
    }
    const value = number(match.lpm.value);
    if (value & onesOf(width - prefixLen)) throw invalid(`Key ${name} has ones after its ${prefixLen}-bit prefix.`);
    return { kind: 'lpm', value, prefixLength: prefixLen };
  }
  if (match.ternary) {
    const value = number(match.ternary.value);
    const mask = number(match.ternary.mask);
    if (mask === 0n) throw invalid(`Key ${name} has an empty mask; a key that matches all must be left out.`);
    if ((value & mask) !== value) throw invalid(`Key ${name} has ones where its mask has none.`);
    return { kind: 'ternary', value, mask };
  }
  const low = number(match.range!.low);
  const high = number(match.range!.high);
  if (low > high) throw invalid(`Key ${name} has a range from ${low} down to ${high}.`);
  if (low === 0n && high === onesOf(width)) {
    throw invalid(`Key ${name} has the full range; a key that matches all must be left out.`);
  }
  return { kind: 'range', low, high };
}

/**
 * The key of an entry, in the order of the table's keys.
 * @throws RpcError INVALID_ARGUMENT; the section requires this code, although "Bytestrings" has OUT_OF_RANGE
 */
export function toKeys(fields: NameIndex<MatchFieldInfo>, matches: readonly FieldMatch[]): MatchKey[] {
  const [only] = matches;
  // The commonest form needs no map.
  if (fields.items.length === 1 && matches.length === 1) return [toKey(fields.byId(only!.fieldId), only!)];
  const given = new Map<number, FieldMatch>();
  for (const match of matches) {
    const field = fields.byId(match.fieldId);
    if (given.has(match.fieldId)) throw invalid(`Key ${field.name} is given twice.`);
    given.set(match.fieldId, match);
  }
  return fields.items.map((field) => {
    const match = given.get(field.id);
    return match ? toKey(field, match) : wildcard(field);
  });
}

function fromKey(field: MatchFieldInfo, key: MatchKey): Init<FieldMatch> | undefined {
  const fieldId = field.id;
  switch (key.kind) {
    case 'exact':
      return { fieldId, exact: { value: encodeBytestring(key.value) } };
    case 'lpm':
      if (key.prefixLength === 0) return undefined;
      return { fieldId, lpm: { value: encodeBytestring(key.value), prefixLen: key.prefixLength } };
    case 'ternary':
      if (key.mask === 0n) return undefined;
      if (field.kind === 'optional') return { fieldId, optional: { value: encodeBytestring(key.value) } };
      return { fieldId, ternary: { value: encodeBytestring(key.value & key.mask), mask: encodeBytestring(key.mask) } };
    case 'range':
      if (key.low === 0n && key.high === onesOf(field.bitwidth)) return undefined;
      return { fieldId, range: { low: encodeBytestring(key.low), high: encodeBytestring(key.high) } };
  }
}

/** The canonical form: keys that match everything are left out. */
export function fromKeys(fields: NameIndex<MatchFieldInfo>, keys: readonly MatchKey[]): Init<FieldMatch>[] {
  return fields.items.flatMap((field, i) => fromKey(field, keys[i]!) ?? []);
}

/** A text that two entries share if and only if their keys and priorities are equal. */
export function keyText(keys: readonly MatchKey[], priority: number): string {
  const parts = keys.map((key) => {
    switch (key.kind) {
      case 'exact':
        return `${key.value}`;
      case 'lpm':
        return `${key.value}/${key.prefixLength}`;
      case 'ternary':
        return `${key.value & key.mask}&${key.mask}`;
      case 'range':
        return `${key.low}-${key.high}`;
    }
  });
  return `${parts.join(',')}@${priority}`;
}
