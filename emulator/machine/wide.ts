import { PacketAbortError } from '../errors.js';
import { ARITHMETIC } from '../json/data.js';
import type { MemoryView } from './memory-view.js';
import { MAX_SHIFT } from '../limits.js';

/** Operations on numbers of more than 64 bits, done by the host: they are rare. */
export const WIDE_OPS = [...ARITHMETIC, 'storeSigned'] as const;
export type WideOp = (typeof WIDE_OPS)[number];

type LimbMemory = Pick<MemoryView, 'readLimbs' | 'writeLimbs'>;

/** Limb counts are negative for a number that is read as two's complement. */
type Operand = (address: number, limbs: number) => bigint;

function reader(memory: LimbMemory): Operand {
  return (address, limbs) => memory.readLimbs(address, Math.abs(limbs), limbs < 0);
}

/** The import `wide`: an operation on numbers of any width, cut to the limbs of its result. */
export function wideOperations(
  memory: LimbMemory,
): (op: number, to: number, limbs: number, a: number, an: number, b: number, bn: number) => void {
  const read = reader(memory);
  return (op, to, limbs, a, an, b, bn) =>
    memory.writeLimbs(to, limbs, operate(WIDE_OPS[op]!, read(a, an), read(b, bn)));
}

/** The import `compare`: -1, 0 or 1. */
export function wideComparison(memory: LimbMemory): (a: number, an: number, b: number, bn: number) => number {
  const read = reader(memory);
  return (a, an, b, bn) => {
    const [x, y] = [read(a, an), read(b, bn)];
    return x < y ? -1 : x > y ? 1 : 0;
  };
}

function operate(op: WideOp, x: bigint, y: bigint): bigint {
  switch (op) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return x / divisor(y);
    case '%':
      return x % divisor(y);
    case '<<':
      return y > MAX_SHIFT ? 0n : x << y;
    case '>>':
      return x >> y;
    case '&':
      return x & y;
    case '|':
      return x | y;
    case '^':
      return x ^ y;
    case 'two_comp_mod':
      return BigInt.asIntN(Number(y), x);
    case 'usat_cast':
      return clamp(x, 0n, (1n << y) - 1n);
    case 'sat_cast':
      return clamp(x, -(1n << (y - 1n)), (1n << (y - 1n)) - 1n);
    case 'storeSigned':
      // A signed field keeps a value as it is if it fits the width as a signed or as an unsigned number.
      return x < -(1n << (y - 1n)) || x >> y > 0n ? BigInt.asIntN(Number(y), x) : x;
  }
}

function divisor(value: bigint): bigint {
  if (value === 0n) throw new PacketAbortError('division by zero');
  return value;
}

function clamp(value: bigint, min: bigint, max: bigint): bigint {
  return value < min ? min : value > max ? max : value;
}
