import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../net/random.js';
import {
  addRow,
  exactSum,
  FORMATS,
  readRowSum,
  ROW_SUM_PROFILES,
  rowSumBound,
  rowSumOf,
  toUnits,
  type RowSumProfile,
  type RowSumState,
} from '../../arithmetic/index.js';

function sumOf(profile: RowSumProfile, rows: readonly bigint[]): RowSumState {
  return rows.slice(1).reduce((sum, bits) => addRow(profile, sum, bits), rowSumOf(profile, rows[0]!));
}

const view = new DataView(new ArrayBuffer(8));
const bitsOf64 = (x: number): bigint => (view.setFloat64(0, x), view.getBigUint64(0));
const number64 = (bits: bigint): number => (view.setBigUint64(0, bits), view.getFloat64(0));

describe.each(Object.entries(ROW_SUM_PROFILES))('a sum of many rows in %s', (_name, profile) => {
  const { format } = profile;
  const bits = fc.bigInt({ min: 0n, max: (1n << BigInt(format.bits)) - 1n });

  it('is the number itself for one row, with one NaN and no -0', () => {
    fc.assert(
      fc.property(bits, (x) => {
        const read = readRowSum(profile, rowSumOf(profile, x));
        const units = toUnits(format, x);
        if (units !== undefined) expect(toUnits(format, read)).toBe(units);
        else expect([exactSum(format, [x]).special]).toContain(exactSum(format, [read]).special);
      }),
    );
  });

  it('is within its bound of the exact sum, however many rows and whatever their order', () => {
    fc.assert(
      fc.property(fc.array(bits, { minLength: 1, maxLength: 300 }), (rows) => {
        const exact = exactSum(format, rows);
        const state = sumOf(profile, rows);
        const read = readRowSum(profile, state);
        if (exact.special !== undefined) {
          expect(exactSum(format, [read]).special).toBe(exact.special);
          return;
        }
        // In units of the smallest subnormal, times 2^guard: exact.
        const value = state.mantissa << BigInt(state.exponent - 1);
        const difference = value - (exact.units << BigInt(profile.guard));
        const bound = rowSumBound(profile, state, rows.length) << BigInt(profile.guard);
        expect(difference < 0n ? -difference : difference).toBeLessThanOrEqual(bound);
        expect(
          state.mantissa < 1n << BigInt(profile.limitBits) && state.mantissa > -(1n << BigInt(profile.limitBits)),
        ).toBe(true);
      }),
    );
  });

  it('does not overflow before the format does', () => {
    const greatest = (BigInt(2 ** format.exponentBits - 1) << BigInt(format.fractionBits)) - 1n;
    const half = greatest - (1n << BigInt(format.fractionBits));
    const sign = 1n << BigInt(format.bits - 1);
    expect(readRowSum(profile, sumOf(profile, [half, half]))).toBe(greatest);
    const infinite = readRowSum(
      profile,
      sumOf(
        profile,
        Array.from({ length: 1000 }, () => greatest),
      ),
    );
    expect(exactSum(format, [infinite]).special).toBe('+inf');
    const back = [
      ...Array.from({ length: 1000 }, () => greatest),
      ...Array.from({ length: 1000 }, () => greatest | sign),
    ];
    const state = sumOf(profile, back);
    expect(state.mantissa < 0n ? -state.mantissa : state.mantissa).toBeLessThanOrEqual(BigInt(back.length));
  });
});

describe('a sum of a million doubles', () => {
  it('is far nearer to the exact sum than 1e-12 of it, also where every other row is a tie', () => {
    const random = new Random(1);
    const rows = Array.from({ length: 1_000_000 }, () => bitsOf64(900 + random.fraction() * 104_000));
    const sum = number64(readRowSum(ROW_SUM_PROFILES.fp64, sumOf(ROW_SUM_PROFILES.fp64, rows)));
    const { units } = exactSum(FORMATS.fp64, rows);
    const exact = Number(units >> 1000n) * 2 ** -74;
    expect(Math.abs(sum - exact) / exact).toBeLessThan(1e-15);
  }, 60_000);
});
