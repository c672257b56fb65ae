import type { Expression, FieldDef } from '../json/data.js';
import type { Ref } from './binaryen.js';
import type { CompileScope } from './scope.js';

const BITS = 32;
/** For each bit of a 32-bit value: the bit of the field that it equals, or undefined if it is always zero. */
type Bits = readonly (number | undefined)[];
const ZERO: Bits = Array.from({ length: BITS }, () => undefined);

/**
 * The 32-bit field whose bytes an expression swaps, as P4 programs do with shifts and masks; undefined for any other
 * expression. Only the low 32 bits of the expression are considered.
 */
export function byteSwappedField(e: Expression): FieldDef | undefined {
  if (e.op !== 'arithmetic' || e.operator !== '|') return undefined;
  const field = onlyField(e);
  if (field === undefined || field.width !== BITS || field.signed) return undefined;
  const bits = bitsOf(e);
  return bits?.every((from, to) => from === (to ^ 24)) === true ? field : undefined;
}

/** Reverses the four bytes of an i32. */
export function byteSwap(value: Ref, scope: CompileScope): Ref {
  const { m, b } = scope.unit;
  const local = scope.local('i32');
  const get = (): Ref => m.local.get(local, b.i32);
  const odd = m.i32.and(m.i32.rotl(get(), m.i32.const(8)), m.i32.const(0x00ff00ff));
  const even = m.i32.and(m.i32.rotr(get(), m.i32.const(8)), m.i32.const(0xff00ff00 | 0));
  return m.block(null, [m.local.set(local, value), m.i32.or(odd, even)], b.i32);
}

function onlyField(e: Expression): FieldDef | undefined {
  if (e.op === 'field') return 'field' in e.ref ? e.ref.field : undefined;
  if (e.op !== 'arithmetic') return undefined;
  if (e.right.op === 'constant') return onlyField(e.left);
  const field = onlyField(e.left);
  return field === onlyField(e.right) ? field : undefined;
}

/** Undefined where a bit can depend on more than one, or on bits above the lowest 32. */
function bitsOf(e: Expression): Bits | undefined {
  if (e.op === 'field') return ZERO.map((_, i) => i);
  if (e.op !== 'arithmetic') return undefined;
  const left = bitsOf(e.left);
  if (left === undefined) return undefined;
  if (e.operator === '|') {
    const right = bitsOf(e.right);
    if (right === undefined || left.some((bit, i) => bit !== undefined && right[i] !== undefined && bit !== right[i]))
      return undefined;
    return left.map((bit, i) => bit ?? right[i]);
  }
  if (e.right.op !== 'constant' || e.right.value < 0n) return undefined;
  const { value } = e.right;
  if (e.operator === '&') return left.map((bit, i) => (((value >> BigInt(i)) & 1n) === 1n ? bit : undefined));
  if (e.operator === '<<') return left.map((_, i) => (BigInt(i) < value ? undefined : left[i - Number(value)]));
  // The bits that are shifted in from above must be zero.
  if (e.operator === '>>' && fitsBits(e.left))
    return left.map((_, i) => (value >= BigInt(BITS) ? undefined : left[i + Number(value)]));
  return undefined;
}

function fitsBits(e: Expression): boolean {
  return (
    e.op === 'field' ||
    (e.op === 'arithmetic' &&
      e.operator === '&' &&
      e.right.op === 'constant' &&
      e.right.value >= 0n &&
      e.right.value < 1n << BigInt(BITS))
  );
}
