/** `fpisa-a+` against a second implementation on values, and against the presets' approximate mode where both exist. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accumulate,
  accumulateApproximatePlus,
  aggregateApproximatePlus,
  approximatePlusProfile,
  FORMATS,
  headroom,
  infinity,
  quietNaN,
  readOut,
  resolveProfile,
  toUnits,
  type ApproximatePlusProfile,
  type FloatFormat,
  type RegisterState,
} from '../../arithmetic/index.js';
import { anyRound, FLOAT_NAMES, finiteRound } from './arbitraries.js';
import { valueOf } from './oracle.js';

/** To nearest, ties to even, or down: the multiple of `grid` next to `value`, divided by it. */
function gridded(value: bigint, grid: bigint, alignment: 'floor' | 'nearest-even'): bigint {
  const rest = ((value % grid) + grid) % grid;
  const below = (value - rest) / grid;
  if (alignment === 'floor' || 2n * rest < grid) return below;
  return 2n * rest > grid || below % 2n !== 0n ? below + 1n : below;
}

/** Registers as [X, M], on values in units of 2^-64 smallest subnormals. */
function oracle(profile: ApproximatePlusProfile, round: readonly bigint[]): [number, bigint] {
  const format: FloatFormat = FORMATS[profile.format];
  let X = 0;
  let M = 0n;
  round.forEach((bits, n) => {
    const field = Number((bits % 2n ** BigInt(format.bits - 1)) / 2n ** BigInt(format.fractionBits));
    const e = valueOf(format, bits) === 0n ? -profile.leftShiftLimit : Math.max(1, field);
    const stores = n === 0 || e > X + profile.leftShiftLimit;
    if (stores) [X, M] = [e, 0n];
    M += gridded(valueOf(format, bits) * 2n ** 64n, 2n ** BigInt(X - 1 - profile.guard + 64), profile.alignment);
    const limit = 2n ** BigInt(format.registerBits - 1);
    M = M >= limit ? limit - 1n : M < -limit ? -limit : M;
  });
  return [X, M];
}

function registers(profile: ApproximatePlusProfile, round: readonly bigint[]): RegisterState {
  let state: RegisterState | undefined;
  for (const bits of round) state = accumulateApproximatePlus(state, bits, profile).state;
  return state!;
}

describe.each(FLOAT_NAMES)('fpisa-a+ of %s', (name) => {
  const format: FloatFormat = FORMATS[name];

  it.each(['nearest-even', 'floor'] as const)('has the registers of a second implementation, %s', (alignment) => {
    const profile = approximatePlusProfile(name, alignment);
    fc.assert(
      fc.property(finiteRound(format, 20), (round) => {
        const { exponent, mantissa } = registers(profile, round);
        expect([exponent, mantissa]).toEqual(oracle(profile, round));
      }),
    );
  });

  it('leaves two bits to carries, whatever the exponents', () => {
    const { guard, leftShiftLimit } = approximatePlusProfile(name);
    expect(guard + leftShiftLimit).toBe(headroom(format) - 2);
    expect(guard).toBeGreaterThan(-format.fractionBits);
  });

  it('keeps Inf and NaN apart, in every order', () => {
    const profile = approximatePlusProfile(name);
    const [plus, minus, one] = [infinity(format, false), infinity(format, true), 1n << BigInt(format.bits - 2)];
    const read = (round: readonly bigint[]): bigint => readOut(registers(profile, round), profile);
    for (const [round, expected] of [
      [[plus, one, plus], plus],
      [[one, minus], minus],
      [[minus, one, plus], quietNaN(format)],
      [[one, quietNaN(format), minus], quietNaN(format)],
    ] as const) {
      expect(read(round)).toBe(expected);
      expect(read(round.toReversed())).toBe(expected);
    }
  });
});

it.each(['fp16', 'bf16'] as const)(
  'where no place is given away, %s is the approximate mode of the presets',
  (name) => {
    const plus = approximatePlusProfile(name);
    expect(plus.guard).toBeGreaterThanOrEqual(0);
    const { guard, leftShiftLimit, alignment, rounding } = plus;
    const profile = resolveProfile({
      workers: 4,
      overrides: { format: name, mode: 'approximate', guard, leftShiftLimit, alignment, rounding },
    });
    fc.assert(
      fc.property(anyRound(FORMATS[name], 20), (drawn) => {
        const round = drawn.filter((bits) => toUnits(FORMATS[name], bits) !== 0n);
        let a: RegisterState | undefined;
        let b: RegisterState | undefined;
        for (const bits of round) {
          const [one, other] = [accumulate(a, bits, profile), accumulateApproximatePlus(b, bits, plus)];
          expect(other).toEqual(one);
          [a, b] = [one.state, other.state];
        }
      }),
    );
  },
);

describe('vectors of fp32', () => {
  const profile = approximatePlusProfile('fp32');

  it('give four places away, and reach as far as nine more binades', () => {
    expect(profile).toMatchObject({ guard: -4, leftShiftLimit: 9 });
    // 512 is 2^9 above 1: fpisa-a overwrites, this adds.
    expect(aggregateApproximatePlus([Float32Array.of(1), Float32Array.of(512)], profile)).toEqual({
      result: Float32Array.of(513),
      events: { overwrites: 0, overflows: 0 },
    });
    expect(aggregateApproximatePlus([Float32Array.of(1), Float32Array.of(1024)], profile)).toEqual({
      result: Float32Array.of(1024),
      events: { overwrites: 1, overflows: 0 },
    });
  });

  it('round a lone element to 20 bits, ties to even', () => {
    const lone = [1 + 2 ** -23, 1 + 2 ** -20, 1 + 3 * 2 ** -20, -1 - 2 ** -20 - 2 ** -23];
    const { result } = aggregateApproximatePlus([Float32Array.from(lone)], profile);
    expect([...result]).toEqual([1, 1, 1 + 4 * 2 ** -20, -1 - 2 ** -19]);
  });

  it('saturate, and count it', () => {
    const vectors = [1, 1023, 1023, 1023, 1023, 1023].map((value) => Float32Array.of(value));
    const { result, events } = aggregateApproximatePlus(vectors, profile);
    expect(events).toEqual({ overwrites: 0, overflows: 1 });
    expect(result[0]).toBe(4096);
  });
});

it('a zero that came first is replaced, so that what follows is what others are brought to', () => {
  // 0, 1 and 8 of fp16: with the zero's exponent of a subnormal, 8 would be too far above to keep the 1.
  for (const zero of [0, 0x8000]) {
    const round = [zero, 0x3c00, 0x4800].map((bits) => Uint16Array.of(bits));
    const { result, events } = aggregateApproximatePlus(round, approximatePlusProfile('fp16'));
    expect(result).toEqual(Uint16Array.of(0x4880));
    expect(events).toEqual({ overwrites: 1, overflows: 0 });
  }
  const zeros = [Float32Array.of(0), Float32Array.of(-0)];
  expect(aggregateApproximatePlus(zeros, approximatePlusProfile('fp32')).result).toEqual(Float32Array.of(0));
});
