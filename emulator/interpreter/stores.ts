import type { FieldDef } from '../json/data.js';
import type { Packet } from './packet.js';

export type Store = (p: Packet, value: bigint) => void;

/**
 * How a value becomes the value of a field (behavioral-model, include/bm/bm_sim/fields.h): saturating fields clamp,
 * unsigned ones keep the low bits. Signed ones wrap only when the value fits neither the signed nor the unsigned
 * range of the width: BMv2 leaves, say, 200 in an int<8> as 200.
 */
export function storeTo(field: FieldDef): Store {
  const { index, width } = field;
  if (field.varbit) {
    const header = field.header.index;
    return (p, value) => {
      p.fields[index] = BigInt.asUintN(p.varbits[header]!, value);
    };
  }
  if (!field.signed && !field.saturating) {
    return (p, value) => {
      p.fields[index] = BigInt.asUintN(width, value);
    };
  }
  const mask = (1n << BigInt(width)) - 1n;
  const max = field.signed ? mask >> 1n : mask;
  const min = field.signed ? -max - 1n : 0n;
  if (field.saturating) {
    return (p, value) => {
      p.fields[index] = value < min ? min : value > max ? max : value;
    };
  }
  return (p, value) => {
    p.fields[index] = value < min || value > mask ? BigInt.asIntN(width, value) : value;
  };
}

/** True if every value of such a field can be stored without a change, given that it lies in 0..2^bits-1. */
export function keepsUnsigned(field: FieldDef, bits: number): boolean {
  return !field.varbit && !field.signed && bits <= field.width;
}
