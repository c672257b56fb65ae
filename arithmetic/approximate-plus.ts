/**
 * `fpisa-a+`: the approximate mode that loses least on recorded gradients (docs/accuracy.md), for stages that cannot
 * shift what they store. As in `fpisa-a` a contribution is brought to the exponent of the one that was stored. But
 * every mantissa gives its last places away to headroom, so that an overwrite, which loses all that was added before,
 * is rarer; what alignment shifts out is rounded; and shifts to the left end before the register is full.
 */
import { addSaturated, type RegisterState, type Step } from './accumulate.js';
import type { Aggregate } from './aggregate.js';
import { shiftSigned } from './bits.js';
import { mapElements, type NumericVector } from './element-arrays.js';
import { unpack } from './element.js';
import type { FloatFormatName } from './exact-register.js';
import { FORMATS, headroom, specialExponent, type FloatFormat } from './formats.js';
import type { Alignment } from './profile.js';
import { readOut, type ReadOutProfile } from './read-out.js';

export interface ApproximatePlusProfile extends ReadOutProfile {
  readonly format: FloatFormatName;
  /** G as in other profiles; if negative, so many places of a mantissa are given away. */
  readonly guard: number;
  readonly leftShiftLimit: number;
  readonly alignment: Alignment;
}

/** Bits above the significand of the first contribution beyond which more of them no longer help. */
const ENOUGH_ROOM = 18;
/** Places of a significand that may be given away for that, at most. */
const MOST_PLACES_GIVEN = 4;
/** Bits that shifts to the left leave to carries. */
const CARRY_ROOM = 2;

/** The same for every worker count. @param alignment `floor` where a stage has no room for rounding */
export function approximatePlusProfile(
  format: FloatFormatName,
  alignment: Alignment = 'nearest-even',
): ApproximatePlusProfile {
  const guard = Math.max(headroom(FORMATS[format]) - ENOUGH_ROOM, -MOST_PLACES_GIVEN);
  const leftShiftLimit = headroom(FORMATS[format]) - guard - CARRY_ROOM;
  return { format, guard, leftShiftLimit, alignment, rounding: 'nearest-even' };
}

/** As `accumulate` does for the presets. @param state undefined for the first contribution of a round, which stores. */
export function accumulateApproximatePlus(
  state: RegisterState | undefined,
  bits: bigint,
  profile: ApproximatePlusProfile,
): Step {
  const format: FloatFormat = FORMATS[profile.format];
  const special = specialExponent(format);
  const { exponent: field, mantissa } = unpack(format, bits, 0);
  // A zero has no exponent to bring others to: whatever follows one that is stored takes its place.
  const exponent = mantissa === 0n ? -profile.leftShiftLimit : field;
  // One rounding, whether places are given away, alignment shifts them out, or both.
  const broughtTo = (target: number): bigint => {
    const distance = target - exponent - profile.guard;
    return distance <= 0 ? mantissa << BigInt(-distance) : shiftSigned(mantissa, distance, profile.alignment);
  };

  if (exponent === special) {
    const count = state?.exponent === special ? state.mantissa + mantissa : mantissa;
    return { state: { exponent, mantissa: count }, event: undefined };
  }
  if (state?.exponent === special) return { state, event: undefined };
  if (state === undefined || exponent - state.exponent > profile.leftShiftLimit) {
    return {
      state: { exponent, mantissa: broughtTo(exponent) },
      event: state === undefined ? undefined : 'overwrite',
    };
  }
  return addSaturated(format, state.exponent, state.mantissa, broughtTo(state.exponent));
}

/**
 * Adds up vectors in the given order, which stands for the order of arrival.
 * @throws VectorError for no vectors, lengths that differ, or arrays that do not hold the format.
 */
export function aggregateApproximatePlus<V extends NumericVector>(
  vectors: readonly V[],
  profile: ApproximatePlusProfile,
): Aggregate<V> {
  const events = { overwrites: 0, overflows: 0 };
  const result = mapElements(vectors, profile.format, (round) => {
    let state: RegisterState | undefined;
    for (const bits of round) {
      const step = accumulateApproximatePlus(state, bits, profile);
      state = step.state;
      if (step.event === 'overwrite') events.overwrites++;
      if (step.event === 'overflow') events.overflows++;
    }
    return readOut(state!, profile);
  });
  return { result, events };
}
