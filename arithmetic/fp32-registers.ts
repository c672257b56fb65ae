/**
 * The register pairs of a vector of fp32 elements, in machine numbers. Computes the same function
 * as accumulate.ts and read-out.ts (a property test compares them), about a hundred times faster.
 */
import { VectorError } from './errors.js';
import type { Events } from './accumulate.js';
import { checkProfile, type NumericProfile } from './profile.js';

const FRACTION_BITS = 23;
const FRACTION_MASK = 0x007fffff;
const HIDDEN_BIT = 0x00800000;
const EXPONENT_MASK = 0xff;
/** X of Inf and NaN: 2^E. */
const SPECIAL = 256;
const INFINITY_BITS = 0x7f800000;
const QUIET_NAN_BITS = 0x7fc00000;
const MAX_MANTISSA = 0x7fffffff;
const MIN_MANTISSA = -0x80000000;
const NAN_UNIT = 1;
const POSITIVE_INFINITY_UNIT = 1 << 10;
const NEGATIVE_INFINITY_UNIT = 1 << 20;
const COUNT_MASK = 0x3ff;
/** The longest shift that a 32-bit `>>` can do. */
const LONGEST_SHIFT = 31;
/** Half of what is kept, when the bits shifted out are at the top of a word. */
const HALF = 0x80000000;

export class Fp32Registers {
  /** X of each element. */
  readonly exponents: Uint16Array;
  /** M of each element. */
  readonly mantissas: Int32Array;
  readonly events: Events = { overwrites: 0, overflows: 0 };
  /** False until the first contribution of the round has been stored. */
  private filled = false;

  constructor(
    readonly length: number,
    readonly profile: NumericProfile,
  ) {
    checkProfile(profile);
    if (profile.format !== 'fp32') throw new VectorError(`fp32 registers cannot hold format ${profile.format}`);
    this.exponents = new Uint16Array(length);
    this.mantissas = new Int32Array(length);
  }

  /** Adds a vector of `length` elements, given as bits. The first one stores. */
  contribute(bits: Uint32Array): void {
    if (bits.length !== this.length)
      throw new VectorError(`vector has ${bits.length} elements, the registers hold ${this.length}`);
    if (this.filled) this.add(bits);
    else this.store(bits);
    this.filled = true;
  }

  private store(bits: Uint32Array): void {
    const { exponents, mantissas } = this;
    const { guard } = this.profile;
    for (let i = 0; i < bits.length; i++) {
      const x = bits[i]!;
      exponents[i] = exponentOf(x);
      mantissas[i] = mantissaOf(x, guard);
    }
  }

  private add(bits: Uint32Array): void {
    const { exponents, mantissas, events } = this;
    const { guard, leftShiftLimit } = this.profile;
    const full = this.profile.mode === 'full';
    const shift = this.profile.alignment === 'floor' ? shiftedDown : shiftedToNearest;
    for (let i = 0; i < bits.length; i++) {
      const x = bits[i]!;
      const e = exponentOf(x);
      const m = mantissaOf(x, guard);
      const X = exponents[i]!;
      const M = mantissas[i]!;
      let sum: number;
      if (e <= X) {
        if (X === SPECIAL && e !== SPECIAL) continue;
        sum = M + shift(m, X - e);
      } else if (e === SPECIAL) {
        exponents[i] = e;
        mantissas[i] = m;
        continue;
      } else if (full) {
        exponents[i] = e;
        sum = shift(M, e - X) + m;
      } else if (e - X <= leftShiftLimit) {
        // Fits 32 bits: checkProfile limits leftShiftLimit + guard to the headroom.
        sum = M + (m << (e - X));
      } else {
        exponents[i] = e;
        mantissas[i] = m;
        events.overwrites++;
        continue;
      }
      // Two 32-bit numbers add up exactly in a double, so the sum can be compared before it is stored.
      if (sum > MAX_MANTISSA) {
        sum = MAX_MANTISSA;
        events.overflows++;
      } else if (sum < MIN_MANTISSA) {
        sum = MIN_MANTISSA;
        events.overflows++;
      }
      mantissas[i] = sum;
    }
  }

  /** The element values that the registers stand for, as bits. The registers stay as they are. */
  readOut(): Uint32Array {
    const result = new Uint32Array(this.length);
    const { guard } = this.profile;
    const nearest = this.profile.rounding === 'nearest-even';
    for (let i = 0; i < result.length; i++)
      result[i] = readOutOne(this.exponents[i]!, this.mantissas[i]!, guard, nearest);
    return result;
  }
}

function exponentOf(x: number): number {
  const field = (x >>> FRACTION_BITS) & EXPONENT_MASK;
  return field === EXPONENT_MASK ? SPECIAL : field === 0 ? 1 : field;
}

function mantissaOf(x: number, guard: number): number {
  const field = (x >>> FRACTION_BITS) & EXPONENT_MASK;
  const fraction = x & FRACTION_MASK;
  const negative = x >>> 31 !== 0;
  if (field === EXPONENT_MASK) {
    return fraction !== 0 ? NAN_UNIT : negative ? NEGATIVE_INFINITY_UNIT : POSITIVE_INFINITY_UNIT;
  }
  const magnitude = (field === 0 ? fraction : fraction | HIDDEN_BIT) << guard;
  return negative ? -magnitude : magnitude;
}

/** Any distance beyond the longest shift gives the same 0 or -1. */
function shiftedDown(mantissa: number, distance: number): number {
  return mantissa >> Math.min(distance, LONGEST_SHIFT);
}

/** To nearest, ties to even. No mantissa is more than half of 2^32, so a distance of 32 or more gives 0. */
function shiftedToNearest(mantissa: number, distance: number): number {
  if (distance === 0) return mantissa;
  if (distance > LONGEST_SHIFT) return 0;
  const quotient = mantissa >> distance;
  // The bits shifted out, at the top of a word: the last bit of an odd quotient below them makes a tie greater than half.
  const lost = (mantissa << (32 - distance)) >>> 0;
  return lost + (quotient & 1) > HALF ? quotient + 1 : quotient;
}

function readOutOne(X: number, M: number, guard: number, nearest: boolean): number {
  if (M === 0) return 0;
  if (X === SPECIAL) {
    const positive = (M >>> 10) & COUNT_MASK;
    const negative = M >>> 20;
    if ((M & COUNT_MASK) !== 0 || (positive !== 0 && negative !== 0)) return QUIET_NAN_BITS;
    return negative !== 0 ? (0x80000000 | INFINITY_BITS) >>> 0 : INFINITY_BITS;
  }
  const magnitude = Math.abs(M);
  const leading = 31 - Math.clz32(magnitude);
  const exponent = X + leading - FRACTION_BITS - guard;
  const subnormal = exponent <= 0;
  const shift = leading - FRACTION_BITS + (subnormal ? 1 - exponent : 0);
  const base = subnormal ? 0 : (exponent - 1) * HIDDEN_BIT;
  const assembled = Math.min(base + shifted(magnitude, shift, nearest), INFINITY_BITS);
  return M < 0 ? (0x80000000 | assembled) >>> 0 : assembled;
}

/** magnitude (at most 2^31) / 2^shift, rounded once. */
function shifted(magnitude: number, shift: number, nearest: boolean): number {
  if (shift <= 0) return magnitude * 2 ** -shift;
  const scale = 2 ** shift;
  const quotient = Math.floor(magnitude / scale);
  if (!nearest) return quotient;
  const left = magnitude - quotient * scale;
  const up = left * 2 > scale || (left * 2 === scale && quotient % 2 === 1);
  return up ? quotient + 1 : quotient;
}
