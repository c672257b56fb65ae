/** HAVING as far as the switch can apply it, so that groups that fail it are never sent. */
import { FORMATS } from '../../arithmetic/formats.js';
import { orderKey } from '../../arithmetic/key.js';
import { Having, HAVING_ON_ROWS, LaneOp } from '../../protocol/query/constants.js';
import type { Binder } from './catalog.js';
import type { LaneAggregate, LanePlan } from './lane-plan.js';
import type { SwitchHaving } from './plan.js';
import { some, type Expression } from './tree.js';

const MIRRORED: Readonly<Record<string, string>> = {
  COMPARE_GREATERTHAN: 'COMPARE_LESSTHAN',
  COMPARE_GREATERTHANOREQUALTO: 'COMPARE_LESSTHANOREQUALTO',
  COMPARE_LESSTHAN: 'COMPARE_GREATERTHAN',
  COMPARE_LESSTHANOREQUALTO: 'COMPARE_GREATERTHANOREQUALTO',
};
/** The switch's sums may differ from DuckDB's by rounding; the bound is loosened by more than that. */
const SLACK = 1e-9;
const I64_MAX = 2n ** 63n - 1n;

/** The first conjunct that compares one aggregate, which a lane holds, with a constant. */
export async function switchHaving(
  conjuncts: readonly Expression[],
  aggregateOf: (e: Expression) => LaneAggregate | undefined,
  lanes: LanePlan,
  binder: Binder,
): Promise<SwitchHaving | undefined> {
  for (const conjunct of conjuncts) {
    if (!(conjunct.type in MIRRORED)) continue;
    const { left, right } = conjunct as Required<Pick<Expression, 'left' | 'right'>>;
    for (const [side, other, comparison] of [
      [left, right, conjunct.type],
      [right, left, MIRRORED[conjunct.type]!],
    ] as const) {
      const aggregate = aggregateOf(side);
      const lane = aggregate === undefined ? undefined : lanes.laneOf(aggregate);
      if (
        lane === undefined ||
        some(
          other,
          (e) => ['COLUMN_REF', 'SUBQUERY', 'FUNCTION'].includes(e.class) && !e.function_name?.match(/^[-+*/]$/),
        )
      )
        continue;
      const bound = await binder
        .evaluate(`TRY_CAST(${(await binder.expressionTexts([other]))[0]} AS DOUBLE)`)
        .catch(() => null);
      if (typeof bound !== 'number' || !Number.isFinite(bound)) continue;
      const isAtLeast = comparison.startsWith('COMPARE_GREATER');
      const having = { comparison: isAtLeast ? Having.AT_LEAST : Having.AT_MOST };
      if (lane === 'rows') return { ...having, lane: HAVING_ON_ROWS, key: clamp(roundOutwards(bound, isAtLeast), 0n) };
      if (lane.op === LaneOp.SUM_F32) continue;
      if (lane.op === LaneOp.SUM_F64 || lane.op === LaneOp.MIN_F64 || lane.op === LaneOp.MAX_F64) {
        return { ...having, lane: lane.index, key: orderKey(FORMATS.fp64, bitsOf(loosened(bound, isAtLeast))) };
      }
      const scaled = bound * 10 ** lane.scale;
      if (!Number.isFinite(scaled)) continue;
      return {
        ...having,
        lane: lane.index,
        key: BigInt.asUintN(64, clamp(roundOutwards(scaled, isAtLeast), -I64_MAX - 1n)) ^ (1n << 63n),
      };
    }
  }
  return undefined;
}

function loosened(bound: number, isAtLeast: boolean): number {
  const slack = Math.abs(bound) * SLACK;
  return isAtLeast ? bound - slack : bound + slack;
}

function roundOutwards(bound: number, isAtLeast: boolean): bigint {
  const loose = loosened(bound, isAtLeast);
  return BigInt(isAtLeast ? Math.floor(loose) - 1 : Math.ceil(loose) + 1);
}

function clamp(value: bigint, least: bigint): bigint {
  return value < least ? least : value > I64_MAX ? I64_MAX : value;
}

function bitsOf(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}
