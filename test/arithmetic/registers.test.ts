import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  accumulateAll,
  aggregate,
  FORMATS,
  Fp32Registers,
  readOut,
  resolveProfile,
  VectorError,
  type NumericProfile,
} from '../../arithmetic/index.js';
import { anyRound, FLOAT_NAMES, profileOf } from './arbitraries.js';

function generic(values: readonly bigint[], profile: NumericProfile) {
  const { states, events } = accumulateAll(values, profile);
  return { result: readOut(states.at(-1)!, profile), events, last: states.at(-1)! };
}

describe('fp32 registers in machine numbers', () => {
  it('do what the definition does: states, results and events, for every profile and any input', () => {
    fc.assert(
      fc.property(profileOf('fp32'), anyRound(FORMATS.fp32, 40), (profile, values) => {
        const registers = new Fp32Registers(1, profile);
        for (const bits of values) registers.contribute(Uint32Array.of(Number(bits)));
        const expected = generic(values, profile);
        expect(registers.exponents[0]).toBe(expected.last.exponent);
        expect(BigInt(registers.mantissas[0]!)).toBe(expected.last.mantissa);
        expect(BigInt(registers.readOut()[0]!)).toBe(expected.result);
        expect(registers.events).toEqual(expected.events);
      }),
      { numRuns: 3000 },
    );
  });

  it('read out any register content as the definition does, also one that no round leaves', () => {
    fc.assert(
      fc.property(
        profileOf('fp32'),
        fc.integer({ min: 1, max: 255 }),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        (profile, exponent, mantissa) => {
          const registers = new Fp32Registers(1, profile);
          registers.exponents[0] = exponent;
          registers.mantissas[0] = mantissa;
          expect(BigInt(registers.readOut()[0]!)).toBe(readOut({ exponent, mantissa: BigInt(mantissa) }, profile));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['top', 1, -1, 2 ** 31 - 1],
    ['bottom', -1, 0, -(2 ** 31)],
  ])(
    'hold the very %s of the register without an overflow, and saturate one unit beyond',
    (_, sign, lessUnits, limit) => {
      const ulp = 2 ** -23;
      const registers = new Fp32Registers(1, resolveProfile({ preset: 'fpisa-paper', workers: 128 }));
      const contribute = (x: number) => registers.contribute(new Uint32Array(Float32Array.of(sign * x).buffer));
      for (let i = 0; i < 128; i++) contribute(2 - ulp);
      contribute((128 + lessUnits) * ulp);
      expect([registers.mantissas[0], registers.events.overflows]).toEqual([limit, 0]);
      contribute(ulp);
      expect([registers.mantissas[0], registers.events.overflows]).toEqual([limit, 1]);
    },
  );

  it('keep elements apart', () => {
    const profile = resolveProfile({ workers: 4 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 36, maxLength: 36 }),
        (length, words) => {
          const vectors = [0, 1, 2, 3].map((w) => Uint32Array.from(words.slice(w * 9, w * 9 + length)));
          const { result } = aggregate(vectors, profile);
          for (let i = 0; i < length; i++)
            expect(result[i]).toBe(
              aggregate(
                vectors.map((v) => v.subarray(i, i + 1)),
                profile,
              ).result[0],
            );
        },
      ),
    );
  });
});

describe('aggregate', () => {
  it.each(FLOAT_NAMES)('%s vectors go through the definition', (name) => {
    const format = FORMATS[name];
    const make = (values: readonly bigint[]) =>
      format.bits === 64
        ? BigUint64Array.from(values)
        : format.bits === 32
          ? Uint32Array.from(values, Number)
          : Uint16Array.from(values, Number);
    fc.assert(
      fc.property(profileOf(name), anyRound(format, 9), anyRound(format, 9), (profile, a, b) => {
        const workers = Math.min(a.length, b.length);
        const { result } = aggregate(
          Array.from({ length: workers }, (_, w) => make([a[w]!, b[w]!])),
          profile,
        );
        expect([...result].map(BigInt)).toEqual([
          generic(a.slice(0, workers), profile).result,
          generic(b.slice(0, workers), profile).result,
        ]);
      }),
    );
  });

  it('answers in the kind of array that it was given', () => {
    const profile = resolveProfile({ workers: 2 });
    expect(aggregate([Float32Array.of(1.5), Float32Array.of(2)], profile).result).toEqual(Float32Array.of(3.5));
    expect(aggregate([Uint32Array.of(0x3fc00000), Uint32Array.of(0x40000000)], profile).result).toEqual(
      Uint32Array.of(0x40600000),
    );
    const fp64 = resolveProfile({ workers: 2, overrides: { format: 'fp64' } });
    expect(aggregate([Float64Array.of(0.1), Float64Array.of(0.2)], fp64).result).toEqual(Float64Array.of(0.1 + 0.2));
  });

  it('takes a view into the middle of a buffer, and leaves its inputs alone', () => {
    const memory = Float32Array.of(9, 1, 2, 9);
    const { result } = aggregate([memory.subarray(1, 3), memory.subarray(1, 3)], resolveProfile({ workers: 2 }));
    expect(result).toEqual(Float32Array.of(2, 4));
    expect(memory).toEqual(Float32Array.of(9, 1, 2, 9));
  });

  it('refuses what cannot be added', () => {
    const profile = resolveProfile({ workers: 2 });
    expect(() => aggregate([], profile)).toThrow(VectorError);
    expect(() => aggregate([Float32Array.of(1), Float32Array.of(1, 2)], profile)).toThrow(
      /vector 1 has 2 elements, vector 0 has 1/,
    );
    expect(() => aggregate([Float64Array.of(1)], profile)).toThrow(/Float32Array or Uint32Array/);
    expect(() => aggregate([Float32Array.of(1), Uint32Array.of(1)] as Float32Array[], profile)).toThrow(/of one type/);
    expect(() => aggregate(new Array<Float32Array>(1024).fill(Float32Array.of(1)), profile)).toThrow(/1023/);
    expect(() => aggregate([Float32Array.of(1)], { ...profile, guard: 8 })).toThrow(/guard/);
    expect(() =>
      aggregate([Float32Array.of(1)], { ...profile, mode: 'approximate', guard: 4, leftShiftLimit: 4 }),
    ).toThrow(/at most 3/);
  });
});
