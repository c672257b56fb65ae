import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  accumulateAll,
  aggregate,
  exactSum,
  FORMATS,
  headroom,
  readOut,
  resolveProfile,
  roundExact,
  type NumericProfile,
} from '../../arithmetic/index.js';
import { finiteRound, floatName, FLOAT_NAMES, profileOf } from './arbitraries.js';
import { oracleAccumulate, oracleReadOut } from './oracle.js';

const bits32 = (x: number): bigint => BigInt(new Uint32Array(new Float32Array([x]).buffer)[0]!);
const float32 = (bits: bigint): number => new Float32Array(new Uint32Array([Number(bits)]).buffer)[0]!;

function sum(values: readonly number[], profile: NumericProfile) {
  const { states, events } = accumulateAll(values.map(bits32), profile);
  return { value: float32(readOut(states.at(-1)!, profile)), events, last: states.at(-1)! };
}

const paper = resolveProfile({ preset: 'fpisa-paper', workers: 128 });
const approximate = resolveProfile({ preset: 'fpisa-a', workers: 128 });
/** The largest significand: 2 - 2^-23. */
const FULLEST = 2 - 2 ** -23;

describe('facts known of the paper', () => {
  it('7.5 + 2.5 = 10, in fp32 and in the fp16 of the slides, in every preset', () => {
    for (const preset of ['fpisa', 'fpisa-paper', 'fpisa-a']) {
      expect(sum([7.5, 2.5], resolveProfile({ preset, workers: 2 })).value).toBe(10);
      const half = resolveProfile({ preset, workers: 2, overrides: { format: 'fp16' } });
      const { states } = accumulateAll([0x4780n, 0x4100n], half);
      expect(readOut(states.at(-1)!, half)).toBe(0x4900n);
    }
  });

  it.each([1, -1])('128 addends of one exponent fit, whatever their significand (sign %i)', (sign) => {
    const { value, events } = sum(new Array<number>(128).fill(sign * FULLEST), paper);
    expect(events.overflows).toBe(0);
    expect(value).toBe(sign * 128 * FULLEST);
  });

  it('the 129th saturates, and the value stays at the top of the register', () => {
    const { last, events, value } = sum(new Array<number>(129).fill(FULLEST), paper);
    expect(events.overflows).toBe(1);
    expect(last.mantissa).toBe(2n ** 31n - 1n);
    expect(value).toBe(float32(bits32(256) - 1n));
  });

  it('a saturated negative register is -2^31, and reads out exactly', () => {
    const { last, events, value } = sum(new Array<number>(140).fill(-FULLEST), paper);
    expect(events.overflows).toBe(12);
    expect(last.mantissa).toBe(-(2n ** 31n));
    expect(value).toBe(-256);
  });

  it('a saturated register moves on when an opposite addend comes', () => {
    const { value } = sum([...new Array<number>(200).fill(-FULLEST), 256 - 2 ** -15], paper);
    expect(value).toBe(-(2 ** -15));
  });

  it('approximate: an addend 2^7 larger is shifted into the headroom, one 2^8 larger overwrites', () => {
    expect(sum([1.5, 192], approximate)).toMatchObject({ value: 193.5, events: { overwrites: 0, overflows: 0 } });
    expect(sum([1.9, 256], approximate)).toMatchObject({ value: 256, events: { overwrites: 1, overflows: 0 } });
    expect(sum([1.9, 256], paper).value).toBeCloseTo(257.9, 4);
  });

  it('approximate: two full significands 2^7 apart overflow the headroom', () => {
    const { events, last } = sum([FULLEST, 128 * FULLEST], approximate);
    expect(events).toEqual({ overwrites: 0, overflows: 1 });
    expect(last).toEqual({ exponent: 127, mantissa: 2n ** 31n - 1n });
  });

  it('approximate: an overwrite counts even when what is lost is a zero', () => {
    expect(sum([0, 1], approximate)).toMatchObject({ value: 1, events: { overwrites: 1 } });
  });

  it('the result may depend on the order of arrival', () => {
    expect(sum([256, 1.9], approximate).value).not.toBe(sum([1.9, 256], approximate).value);
  });

  it('alignment to floor rounds towards minus infinity', () => {
    const tiny = 2 ** -40;
    expect(sum([1, tiny], paper).last.mantissa).toBe(2n ** 23n);
    expect(sum([1, -tiny], paper).last.mantissa).toBe(2n ** 23n - 1n);
    expect(sum([-tiny, 1], paper).last.mantissa).toBe(2n ** 23n - 1n);
    // Shifts by the register's width and far beyond.
    expect(sum([2 ** 100, -(2 ** -100)], paper).last.mantissa).toBe(2n ** 23n - 1n);
  });
});

describe('alignment to nearest, ties to even', () => {
  const near = resolveProfile({ preset: 'fpisa-paper', workers: 128, overrides: { alignment: 'nearest-even' } });
  const one = 2n ** 23n;

  it.each([
    [2 ** -24, 0n],
    [1.5 * 2 ** -24, 1n],
    [3 * 2 ** -24, 2n],
    [5 * 2 ** -24, 2n],
    [-(2 ** -24), 0n],
    [-1.5 * 2 ** -24, -1n],
    [-3 * 2 ** -24, -2n],
    [-5 * 2 ** -24, -2n],
    [-(2 ** -40), 0n],
    [2 ** -40, 0n],
    [-(2 ** -120), 0n],
  ])('1 and %f: the packet is shifted', (x, units) => {
    expect(sum([1, x], near).last.mantissa).toBe(one + units);
    expect(sum([x, 1], near).last.mantissa).toBe(one + units);
  });

  it('a register at saturation is shifted without overflow, by any distance up to its width', () => {
    const top = 2n ** 31n - 1n;
    const saturated = (sign: number, next: number) =>
      sum([...new Array<number>(sign < 0 ? 200 : 129).fill(sign * FULLEST), next], near).last;
    for (const distance of [1, 2, 15, 29, 30, 31, 32, 33, 100]) {
      const shift = 2n ** BigInt(distance);
      const up = (top + shift / 2n) / shift;
      expect(saturated(1, 2 ** distance).mantissa - one).toBe(distance > 31 ? 0n : up);
      const down = distance > 31 ? 0n : -(2n ** BigInt(31 - distance));
      expect(saturated(-1, 2 ** distance).mantissa - one).toBe(down);
    }
  });

  it('also in approximate mode, where only the packet is shifted right', () => {
    const a = resolveProfile({ preset: 'fpisa-a', workers: 128, overrides: { alignment: 'nearest-even' } });
    expect(sum([1, -(2 ** -40)], a).last.mantissa).toBe(one);
    expect(sum([1, 3 * 2 ** -24], a).last.mantissa).toBe(one + 2n);
  });
});

describe('int32', () => {
  const profile = resolveProfile({ preset: 'int32', workers: 4 });
  it('adds with saturation, and counts each one', () => {
    const { result, events } = aggregate(
      [Int32Array.of(2 ** 31 - 1, -(2 ** 31), 5, 2 ** 31 - 1), Int32Array.of(1, -1, -7, 0), Int32Array.of(-1, 3, 0, 0)],
      profile,
    );
    expect([...result]).toEqual([2 ** 31 - 2, -(2 ** 31) + 3, -2, 2 ** 31 - 1]);
    expect(events).toEqual({ overwrites: 0, overflows: 2 });
  });
  it('is exact whenever no prefix leaves the range', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -(2 ** 26), max: 2 ** 26 }), { minLength: 1, maxLength: 32 }),
        (values) => {
          const { result } = aggregate(
            values.map((v) => Int32Array.of(v)),
            profile,
          );
          expect(result[0]).toBe(values.reduce((a, b) => a + b, 0));
        },
      ),
    );
  });
});

describe('against the value-level oracle', () => {
  it.each(FLOAT_NAMES)('%s: every register state, every result, every profile', (name) => {
    const format = FORMATS[name];
    fc.assert(
      fc.property(profileOf(name), finiteRound(format, 12), (profile, values) => {
        const { states } = accumulateAll(values, profile);
        const expected = oracleAccumulate(values, profile);
        states.forEach((state, i) => {
          const value = state.mantissa * 2n ** BigInt(state.exponent - 1);
          expect([state.exponent, value]).toEqual([expected[i]!.exponent, expected[i]!.value]);
          expect(readOut(state, profile)).toBe(oracleReadOut(expected[i]!, profile));
        });
      }),
      { numRuns: 400 },
    );
  });
});

describe('exactness', () => {
  it('one contribution reads out as itself, except that -0 becomes +0', () => {
    fc.assert(
      fc.property(
        floatName.chain((name) => fc.tuple(profileOf(name), finiteRound(FORMATS[name], 1))),
        ([profile, [x]]) => {
          const { states } = accumulateAll([x!], profile);
          const sign = 1n << BigInt(FORMATS[profile.format].bits - 1);
          expect(readOut(states[0]!, profile)).toBe(x === sign ? 0n : x);
        },
      ),
    );
  });

  it('full mode: while exponents differ by no more than the guard, the sum is the correctly rounded exact one, in any order', () => {
    const round = fc.integer({ min: 2, max: 32 }).chain((workers) => {
      const profile = resolveProfile({ workers });
      return fc
        .integer({ min: 1, max: 254 - profile.guard })
        .chain((low) =>
          fc.array(
            fc.tuple(
              fc.boolean(),
              fc.integer({ min: low, max: low + profile.guard }),
              fc.integer({ min: 0, max: 2 ** 23 - 1 }),
            ),
            { minLength: workers, maxLength: workers },
          ),
        )
        .map((parts) => ({
          profile,
          values: parts.map(([s, e, f]) => (s ? 1n << 31n : 0n) | (BigInt(e) << 23n) | BigInt(f)),
        }));
    });
    fc.assert(
      fc.property(round, fc.infiniteStream(fc.nat()), ({ profile, values }, stream) => {
        const exact = roundExact(FORMATS.fp32, exactSum(FORMATS.fp32, values));
        const shuffled = values
          .map((value) => ({ value, key: stream.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ value }) => value);
        for (const order of [values, shuffled]) {
          expect(readOut(accumulateAll(order, profile).states.at(-1)!, profile)).toBe(exact);
        }
      }),
    );
  });

  it('full mode: no overflow and no overwrite for any round that the headroom rule admits', () => {
    fc.assert(
      fc.property(
        floatName.chain((name) =>
          fc.tuple(
            fc.constant(name),
            fc.integer({ min: 1, max: Math.min(2 ** headroom(FORMATS[name]), 40) }),
            fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
          ),
        ),
        fc.boolean(),
        ([name, workers, signs], allMaximal) => {
          const format = FORMATS[name];
          const profile = resolveProfile({ workers, overrides: { format: name } });
          // The worst case for the headroom: maximal significands, mostly of one sign and near exponents.
          const values = signs.slice(0, workers).map((sign, i) => {
            const exponent = BigInt(allMaximal ? 9 : 9 - (i % 3));
            const magnitude = (exponent << BigInt(format.fractionBits)) | ((1n << BigInt(format.fractionBits)) - 1n);
            return sign && !allMaximal ? magnitude | (1n << BigInt(format.bits - 1)) : magnitude;
          });
          expect(accumulateAll(values, profile).events).toEqual({ overwrites: 0, overflows: 0 });
        },
      ),
    );
  });
});
