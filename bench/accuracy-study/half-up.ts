/**
 * Full mode with alignment rounded half up, for fp32 without Inf and NaN: not a profile, only what the study sets beside
 * rounding ties to even.
 */
import { FORMATS, readOut, resolveProfile, unpack, type NumericVector } from '../../arithmetic/index.js';

export function halfUpSums(vectors: readonly NumericVector[]): Float32Array {
  const profile = resolveProfile({ workers: vectors.length });
  const bits = vectors.map((vector) => new Uint32Array(vector.buffer, vector.byteOffset, vector.length));
  const result = new Uint32Array(bits[0]!.length);
  for (let i = 0; i < result.length; i++) {
    let state = unpack(FORMATS.fp32, BigInt(bits[0]![i]!), profile.guard);
    for (const vector of bits.slice(1)) {
      const operand = unpack(FORMATS.fp32, BigInt(vector[i]!), profile.guard);
      const exponent = Math.max(state.exponent, operand.exponent);
      const mantissa =
        shiftHalfUp(state.mantissa, exponent - state.exponent) +
        shiftHalfUp(operand.mantissa, exponent - operand.exponent);
      state = { exponent, mantissa };
    }
    result[i] = Number(readOut(state, profile));
  }
  return new Float32Array(result.buffer);
}

function shiftHalfUp(mantissa: bigint, distance: number): bigint {
  return distance === 0 ? mantissa : (mantissa + (1n << BigInt(distance - 1))) >> BigInt(distance);
}
