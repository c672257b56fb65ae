/**
 * A second implementation of docs/arithmetic.md, on values instead of registers: it knows grids and
 * clamping, but no shifts, leading ones or carries. Slow, and only for finite numbers.
 */
import { FORMATS, headroom, type FloatFormat, type NumericProfile } from '../../arithmetic/index.js';

/** Register content: X, and the value in units of 2^-G smallest subnormals. */
export interface OracleState {
  exponent: number;
  value: bigint;
}

function floorTo(value: bigint, grid: bigint): bigint {
  const rest = ((value % grid) + grid) % grid;
  return value - rest;
}

/** The nearest multiple of the grid; of two, the even one. */
function nearestTo(value: bigint, grid: bigint): bigint {
  const below = floorTo(value, grid);
  const above = below + grid;
  const [down, up] = [value - below, above - value];
  if (down !== up) return down < up ? below : above;
  return (below / grid) % 2n === 0n ? below : above;
}

function gridOf(exponent: number): bigint {
  return 2n ** BigInt(exponent - 1);
}

/** Value of a finite element in units of the smallest subnormal. */
export function valueOf(format: FloatFormat, bits: bigint): bigint {
  const implied = 2n ** BigInt(format.fractionBits);
  const magnitude = bits % 2n ** BigInt(format.bits - 1);
  const exponent = magnitude / implied;
  const value = exponent === 0n ? magnitude : (implied + (magnitude % implied)) * 2n ** (exponent - 1n);
  return magnitude === bits ? value : -value;
}

export function oracleAccumulate(values: readonly bigint[], profile: NumericProfile): OracleState[] {
  const format = FORMATS[profile.format] as FloatFormat;
  const states: OracleState[] = [];
  for (const bits of values) {
    const magnitude = bits % 2n ** BigInt(format.bits - 1);
    const e = Math.max(1, Number(magnitude / 2n ** BigInt(format.fractionBits)));
    const value = valueOf(format, bits) * 2n ** BigInt(profile.guard);
    const last = states.at(-1);
    if (last === undefined) {
      states.push({ exponent: e, value });
      continue;
    }
    const ahead = e - last.exponent;
    if (ahead > 0 && profile.mode === 'approximate' && ahead > profile.leftShiftLimit) {
      states.push({ exponent: e, value });
      continue;
    }
    const exponent = ahead > 0 && profile.mode === 'full' ? e : last.exponent;
    const grid = gridOf(exponent);
    const toGrid = profile.alignment === 'floor' ? floorTo : nearestTo;
    const sum = toGrid(last.value, grid) + toGrid(value, grid);
    // R - 1 magnitude bits = F + 1 significand bits and H bits of headroom.
    const limit = 2n ** BigInt(format.fractionBits + 1 + headroom(format)) * grid;
    const clamped = sum >= limit ? limit - grid : sum < -limit ? -limit : sum;
    states.push({ exponent, value: clamped });
  }
  return states;
}

/** The element next to the state's value, found by bisection over all elements. */
export function oracleReadOut(state: OracleState, profile: NumericProfile): bigint {
  const format = FORMATS[profile.format] as FloatFormat;
  if (state.value === 0n) return 0n;
  const units = 2n ** BigInt(profile.guard);
  const magnitude = state.value < 0n ? -state.value : state.value;
  const infinity = (2n ** BigInt(format.exponentBits) - 1n) * 2n ** BigInt(format.fractionBits);
  // The value of Inf if the exponent range continued: valueOf continues through the all-ones exponent.
  const scaledValue = (bits: bigint): bigint => valueOf(format, bits) * units;
  let below = 0n;
  let above = infinity;
  if (magnitude >= scaledValue(infinity)) below = infinity;
  else {
    while (above - below > 1n) {
      const middle = (above + below) / 2n;
      if (scaledValue(middle) <= magnitude) below = middle;
      else above = middle;
    }
    if (profile.rounding === 'nearest-even') {
      const down = magnitude - scaledValue(below);
      const up = scaledValue(above) - magnitude;
      if (up < down || (up === down && below % 2n === 1n)) below = above;
    }
  }
  return state.value < 0n ? below + 2n ** BigInt(format.bits - 1) : below;
}
