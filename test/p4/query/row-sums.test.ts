import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addRow,
  FORMATS,
  fromOrderKey,
  orderKeyWithSign,
  readRowSum,
  ROW_SUM_PROFILES,
  rowSumOf,
  type RowSumState,
} from '../../../arithmetic/index.js';
import { LaneOp, Operator } from '../../../protocol/query/constants.js';
import { QuerySwitch, type Tuple } from './query-switch.js';

/** Numbers near each other more often than not, and every kind of special. */
function numbers(bits: number, fractionBits: number): fc.Arbitrary<bigint> {
  const all = (1n << BigInt(bits)) - 1n;
  const infinity = ((all >> 1n) >> BigInt(fractionBits)) << BigInt(fractionBits);
  const near = fc
    .tuple(
      fc.boolean(),
      fc.bigInt({ min: 0n, max: 70n }),
      fc.bigInt({ min: 0n, max: (1n << BigInt(fractionBits)) - 1n }),
    )
    .map(
      ([sign, exponent, fraction]) =>
        (sign ? 1n << BigInt(bits - 1) : 0n) | ((exponent + 40n) << BigInt(fractionBits)) | fraction,
    );
  return fc.oneof(
    { weight: 8, arbitrary: near },
    { weight: 2, arbitrary: fc.bigInt({ min: 0n, max: all }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        0n,
        1n << BigInt(bits - 1),
        1n,
        infinity,
        infinity | (1n << BigInt(bits - 1)),
        infinity + 1n,
        infinity - 1n,
      ),
    },
  );
}

describe.each(['interpreter', 'compiled'] as const)(
  'lanes of the query program are those of the reference, engine %s',
  (engine) => {
    const runs = engine === 'interpreter' ? 30 : 150;

    it.each([
      ['fp64', LaneOp.SUM_F64],
      ['fp32', LaneOp.SUM_F32],
    ] as const)(
      'sums in %s',
      async (name, op) => {
        const profile = ROW_SUM_PROFILES[name];
        const query = new QuerySwitch(2, { engine });
        await query.device.ready();
        let stream = 0;
        await fc.assert(
          fc.asyncProperty(
            fc.array(numbers(profile.format.bits, profile.format.fractionBits), { minLength: 1, maxLength: 96 }),
            async (rows) => {
              const number = stream++;
              query.addStream(
                { number, operator: Operator.GROUP, stateBase: number, stateMask: 0, laneOps: [op, op] },
                1,
                4,
              );
              query.open(number);
              for (let at = 0, sequence = 1; at < rows.length; at += 32, sequence++) {
                query.rows(
                  0,
                  sequence,
                  rows.slice(at, at + 32).map((x): Tuple => ({ key: [5n], lanes: [x, null] })),
                  { stream: number },
                );
              }
              let state: RowSumState | undefined;
              for (const x of rows) state = state === undefined ? rowSumOf(profile, x) : addRow(profile, state, x);
              const { groups } = query.drain(1, number);
              expect(groups).toHaveLength(1);
              expect(groups[0]!.lanes[0]!.toString(16)).toBe(readRowSum(profile, state!).toString(16));
              expect(groups[0]!.counts).toEqual([BigInt(rows.length), 0n]);
              const element = number * 2;
              const exponent = query.device.control.readRegister('fpisa_query.exponents', element);
              const mantissa = BigInt.asIntN(64, query.device.control.readRegister('fpisa_query.mantissas', element));
              expect([Number(exponent), mantissa]).toEqual([state!.exponent, state!.mantissa]);
            },
          ),
          { numRuns: runs },
        );
      },
      120_000,
    );

    it('least and greatest', async () => {
      const query = new QuerySwitch(6, { engine });
      await query.device.ready();
      let stream = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(numbers(64, 52), { minLength: 1, maxLength: 32 }), async (rows) => {
          const number = stream++;
          query.addStream(
            {
              number,
              operator: Operator.GROUP,
              stateBase: number,
              stateMask: 0,
              laneOps: [LaneOp.MIN_F64, LaneOp.MAX_F64, LaneOp.MIN_I64, LaneOp.MAX_I64],
            },
            1,
            4,
          );
          query.open(number);
          for (let at = 0, sequence = 1; at < rows.length; at += 16, sequence++) {
            query.rows(
              0,
              sequence,
              rows.slice(at, at + 16).map((x): Tuple => ({ lanes: [x, x, x, x, null, null] })),
              { stream: number },
            );
          }
          const keys = rows.map((x) => orderKeyWithSign(FORMATS.fp64, x)).sort((a, b) => (a < b ? -1 : 1));
          const integers = rows.map((x) => BigInt.asIntN(64, x)).sort((a, b) => (a < b ? -1 : 1));
          expect(query.drain(1, number).groups[0]!.lanes.slice(0, 4)).toEqual([
            fromOrderKey(FORMATS.fp64, keys[0]!),
            fromOrderKey(FORMATS.fp64, keys.at(-1)!),
            BigInt.asUintN(64, integers[0]!),
            BigInt.asUintN(64, integers.at(-1)!),
          ]);
        }),
        { numRuns: runs },
      );
    }, 120_000);
  },
);
