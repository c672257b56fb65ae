/** Element-wise sums of whole vectors, as a switch with the given profile computes them. */
import { accumulate, type Events, type RegisterState } from './accumulate.js';
import { commonArray, elementsOf, type NumericVector } from './element-arrays.js';
import { VectorError } from './errors.js';
import { FORMATS } from './formats.js';
import { Fp32Registers } from './fp32-registers.js';
import { checkProfile, MAX_PROFILE_WORKERS, type NumericProfile } from './profile.js';
import { readOut } from './read-out.js';
import { bitsOf, commonLength } from './vectors.js';

export interface Aggregate<V extends NumericVector> {
  /** The sums, in a new array of the same type as the input. */
  readonly result: V;
  /** Totals over all elements. */
  readonly events: Events;
}

/**
 * Adds up vectors of equal length in the given order, which stands for the order of arrival: the last bits of a
 * result may depend on it.
 *
 * The profile's worker limit is not applied (a profile does not know its job's worker count), so that
 * saturation can be studied; only the limit of the Inf and NaN counts is enforced.
 *
 * @throws VectorError for no vectors, lengths that differ, more than 1,023 vectors, or arrays that do not hold the format.
 * @throws ProfileError for a profile that breaks the rules of {@link checkProfile}.
 */
export function aggregate<V extends NumericVector>(vectors: readonly V[], profile: NumericProfile): Aggregate<V> {
  checkProfile(profile);
  const length = commonLength(vectors);
  if (vectors.length > MAX_PROFILE_WORKERS) {
    throw new VectorError(
      `${vectors.length} vectors are too many: the Inf and NaN counts allow at most ${MAX_PROFILE_WORKERS}`,
    );
  }
  const kind = commonArray(vectors, profile.format);
  if (profile.format !== 'fp32') return aggregateGeneric(vectors, length, kind, profile);

  const registers = new Fp32Registers(length, profile);
  for (const vector of vectors as readonly (Float32Array | Uint32Array)[]) registers.contribute(bitsOf(vector));
  const bits = registers.readOut();
  const result = vectors[0] instanceof Float32Array ? new Float32Array(bits.buffer) : bits;
  return { result: result as NumericVector as V, events: registers.events };
}

/** Any format, through the definition in accumulate.ts and read-out.ts. */
function aggregateGeneric<V extends NumericVector>(
  vectors: readonly V[],
  length: number,
  kind: new (length: number) => V,
  profile: NumericProfile,
): Aggregate<V> {
  const width = FORMATS[profile.format].bits;
  const inputs = vectors.map((vector) => elementsOf(vector, width));
  const result = new kind(length);
  const output = elementsOf(result, width);
  const events: Events = { overwrites: 0, overflows: 0 };
  for (let i = 0; i < length; i++) {
    let state: RegisterState | undefined;
    for (const input of inputs) {
      const step = accumulate(state, input.get(i), profile);
      state = step.state;
      if (step.event === 'overwrite') events.overwrites++;
      if (step.event === 'overflow') events.overflows++;
    }
    output.set(i, readOut(state!, profile));
  }
  return { result, events };
}
