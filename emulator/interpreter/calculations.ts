import type { CalculationDef } from '../json/program.js';
import type { HeaderDef } from '../json/data.js';
import type { Context } from './context.js';
import { writeBits } from './bits.js';
import { headerBytes, type Packet } from './packet.js';
import type { DataFn } from './expressions.js';

/** Writes all fields of a header; the bytes there must be zero. @returns the bits written. */
export function deparseHeader(p: Packet, header: HeaderDef, bytes: Uint8Array, bit: number): number {
  let at = bit;
  for (const field of header.fields) {
    const width = field.varbit ? p.varbits[header.index]! : field.width;
    const value = p.fields[field.index]!;
    writeBits(bytes, at, width, field.signed ? BigInt.asUintN(width, value) : value);
    at += width;
  }
  return at - bit;
}

/** The bytes a calculation covers; whatever belongs to an invalid header is left out. */
function gather(p: Packet, calculation: CalculationDef): Uint8Array {
  const { input } = calculation;
  let bits = 0;
  for (const item of input) {
    if (item.kind === 'constant') bits += item.width;
    else if (item.kind === 'field' && p.valid[item.field.header.index])
      bits += item.field.varbit ? p.varbits[item.field.header.index]! : item.field.width;
    else if (item.kind === 'header' && p.valid[item.header.index]) bits += headerBytes(p, item.header) * 8;
  }
  const withPayload = input.some((item) => item.kind === 'payload');
  const headBytes = (bits + 7) >> 3;
  const bytes = new Uint8Array(headBytes + (withPayload ? p.dataSize : 0));
  let at = 0;
  for (const item of input) {
    if (item.kind === 'constant') {
      writeBits(bytes, at, item.width, BigInt.asUintN(item.width, item.value));
      at += item.width;
    } else if (item.kind === 'field' && p.valid[item.field.header.index]) {
      const width = item.field.varbit ? p.varbits[item.field.header.index]! : item.field.width;
      writeBits(bytes, at, width, BigInt.asUintN(width, p.fields[item.field.index]!));
      at += width;
    } else if (item.kind === 'header' && p.valid[item.header.index]) {
      at += deparseHeader(p, item.header, bytes, at);
    }
  }
  if (withPayload) bytes.set(p.buffer.subarray(p.start, p.start + p.dataSize), headBytes);
  return bytes;
}

export function compileCalculation(calculation: CalculationDef, context: Context): DataFn {
  const hash = context.host.state.hashes[calculation.index]!;
  return (p) => hash(gather(p, calculation));
}
