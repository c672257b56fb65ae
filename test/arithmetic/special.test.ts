import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  accumulateAll,
  aggregate,
  FORMATS,
  infinity,
  quietNaN,
  readOut,
  resolveProfile,
  type NumericProfile,
} from '../../arithmetic/index.js';
import { anyRound, floatName, profileOf } from './arbitraries.js';

const INF = 0x7f800000;
const MINUS_INF = 0xff800000;
const NAN = 0x7fc00000;
const ONE = 0x3f800000;
const MAX = 0x7f7fffff;

const profiles = ['fpisa', 'fpisa-paper', 'fpisa-a'].map((preset) => resolveProfile({ preset, workers: 4 }));

function sum(words: readonly number[], profile: NumericProfile): number {
  return aggregate(
    words.map((word) => Uint32Array.of(word)),
    profile,
  ).result[0]!;
}

describe.each(profiles)('Inf and NaN in $name', (profile) => {
  it.each([
    ['Inf + 1', [INF, ONE], INF],
    ['1 + Inf', [ONE, INF], INF],
    ['1 + -Inf + max', [ONE, MINUS_INF, MAX], MINUS_INF],
    ['Inf + Inf', [INF, INF], INF],
    ['-Inf + -Inf', [MINUS_INF, MINUS_INF], MINUS_INF],
    ['Inf - Inf', [INF, MINUS_INF], NAN],
    ['Inf - Inf + Inf', [INF, MINUS_INF, INF], NAN],
    ['NaN + 1', [NAN, ONE], NAN],
    ['1 + NaN', [ONE, NAN], NAN],
    ['NaN + Inf', [NAN, INF], NAN],
    ['-Inf + NaN', [MINUS_INF, NAN], NAN],
    ['signalling NaN', [0x7f800001, ONE], NAN],
    ['negative NaN with a payload', [0xffc12345, ONE], NAN],
    ['a lone NaN loses sign and payload', [0xff812345], NAN],
  ])('%s', (_, words, expected) => {
    expect(sum(words, profile)).toBe(expected);
  });

  it('is never an event', () => {
    expect(aggregate([Uint32Array.of(ONE), Uint32Array.of(INF), Uint32Array.of(NAN)], profile).events).toEqual({
      overwrites: 0,
      overflows: 0,
    });
  });

  it('counts of 1,023 contributions do not run into each other', () => {
    const repeat = (word: number) => new Array<number>(1023).fill(word);
    expect(sum(repeat(NAN), profile)).toBe(NAN);
    expect(sum(repeat(INF), profile)).toBe(INF);
    expect(sum(repeat(MINUS_INF), profile)).toBe(MINUS_INF);
    expect(sum([...repeat(INF).slice(1), MINUS_INF], profile)).toBe(NAN);
  });
});

describe('Inf and NaN in every format', () => {
  it('decide a sum as IEEE 754 says, whatever the order and the profile', () => {
    fc.assert(
      fc.property(
        floatName.chain((name) => fc.tuple(fc.constant(FORMATS[name]), profileOf(name), anyRound(FORMATS[name], 20))),
        ([format, profile, values]) => {
          const inf = infinity(format, false);
          const magnitudes = values.map((bits) => bits & ((1n << BigInt(format.bits - 1)) - 1n));
          const nan = magnitudes.some((m) => m > inf);
          const positive = values.includes(inf);
          const negative = values.includes(infinity(format, true));
          fc.pre(nan || positive || negative);
          const expected = nan || (positive && negative) ? quietNaN(format) : infinity(format, negative);
          expect(readOut(accumulateAll(values, profile).states.at(-1)!, profile)).toBe(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('unit counts saturate like any other content, which only rounds beyond 1,023 contributions can reach', () => {
    const { states, events } = accumulateAll(new Array<bigint>(2048).fill(BigInt(MINUS_INF)), profiles[0]!);
    expect(states[1022]!.mantissa).toBe(1023n << 20n);
    expect(states[2046]!.mantissa).toBe(2047n << 20n);
    expect(states[2047]!.mantissa).toBe(2n ** 31n - 1n);
    expect(events.overflows).toBe(1);
  });
});
