/**
 * Accumulation into one register pair, for every format: the definition that all other
 * implementations must match (docs/arithmetic.md, "Accumulate").
 */
import { shiftSigned } from './bits.js';
import { unpack } from './element.js';
import { FORMATS, specialExponent, type Format } from './formats.js';
import type { NumericProfile } from './profile.js';

/** The register pair of one element of a slot. */
export interface RegisterState {
  /** X: a biased exponent, at least 1; 2^E once Inf or NaN was seen; 0 for an integer format. */
  readonly exponent: number;
  /** M: as a signed number that fits the register. */
  readonly mantissa: bigint;
}

export interface Events {
  /** Contributions that replaced the register because its content was too small to keep (approximate mode). */
  overwrites: number;
  /** Additions that saturated. */
  overflows: number;
}

export interface Step {
  readonly state: RegisterState;
  readonly event: 'overwrite' | 'overflow' | undefined;
}

/**
 * Adds one element.
 * @param state the registers, or undefined for the first contribution of a round, which stores.
 * @param bits the element, as an unsigned number of the format's width.
 */
export function accumulate(state: RegisterState | undefined, bits: bigint, profile: NumericProfile): Step {
  const format: Format = FORMATS[profile.format];
  const operand = unpack(format, bits, profile.guard);
  if (state === undefined) return { state: operand, event: undefined };

  const ahead = operand.exponent - state.exponent;
  if (format.kind === 'float') {
    const special = specialExponent(format);
    // Unit counts are never shifted: Inf and NaN replace finite content, and finite addends do not change them.
    if (state.exponent === special && ahead < 0) return { state, event: undefined };
    if (operand.exponent === special && ahead > 0) return { state: operand, event: undefined };
  }

  const { alignment } = profile;
  if (ahead <= 0)
    return addSaturated(format, state.exponent, state.mantissa, shiftSigned(operand.mantissa, -ahead, alignment));
  if (profile.mode === 'full')
    return addSaturated(format, operand.exponent, shiftSigned(state.mantissa, ahead, alignment), operand.mantissa);
  if (ahead <= profile.leftShiftLimit)
    return addSaturated(format, state.exponent, state.mantissa, operand.mantissa << BigInt(ahead));
  return { state: operand, event: 'overwrite' };
}

/** The exact sum of two mantissas, saturated to the range of the mantissa register. */
export function addSaturated(format: Format, exponent: number, a: bigint, b: bigint): Step {
  const exact = a + b;
  const limit = 1n << BigInt(format.registerBits - 1);
  if (exact >= limit) return { state: { exponent, mantissa: limit - 1n }, event: 'overflow' };
  if (exact < -limit) return { state: { exponent, mantissa: -limit }, event: 'overflow' };
  return { state: { exponent, mantissa: exact }, event: undefined };
}

/** A whole round: the registers after each contribution, in order, and what happened on the way. */
export function accumulateAll(
  values: readonly bigint[],
  profile: NumericProfile,
): { states: RegisterState[]; events: Events } {
  const states: RegisterState[] = [];
  const events: Events = { overwrites: 0, overflows: 0 };
  for (const bits of values) {
    const step = accumulate(states.at(-1), bits, profile);
    states.push(step.state);
    if (step.event === 'overwrite') events.overwrites++;
    if (step.event === 'overflow') events.overflows++;
  }
  return { states, events };
}
