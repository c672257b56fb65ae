import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyColumn, PruneStep, QueryPlan } from '../../../query/plan/plan.js';
import { allocate, isAggregate } from '../../../query/session/allocation.js';
import {
  BLOOM_WORDS,
  FLOW_SLOTS,
  LaneOp,
  Operator,
  Order,
  SCAN_SLOTS,
  TOP_SLOTS,
} from '../../../protocol/query/constants.js';

function planOf(steps: QueryPlan['steps']): QueryPlan {
  return {
    sql: '',
    steps,
    rowSets: [],
    masterSql: '',
    explanation: { workers: [], switch: [], master: [], notPushed: [] },
  };
}

const KEY: KeyColumn = { name: 'k', type: { kind: 'text' }, sqlType: 'VARCHAR' };
const group = (lanes: number, keys: readonly KeyColumn[] = [KEY]): QueryPlan['steps'][number] => ({
  operator: Operator.GROUP,
  select: '',
  keys,
  lanes: Array.from({ length: lanes }, (_, i) => ({ name: `l${i}`, op: LaneOp.SUM_F64 })),
  relation: 'r',
});
const top = (n: number): PruneStep => ({ operator: Operator.TOP, rowSet: 't', column: 'c', order: Order.F64, n });
const filter = (operator: typeof Operator.BUILD | typeof Operator.PROBE, number: number): PruneStep => ({
  operator,
  rowSet: 't',
  keys: [],
  isDistinct: false,
  filter: number,
});

const anyStep = fc.oneof(
  fc
    .record({ lanes: fc.integer({ min: 0, max: 6 }), keys: fc.constantFrom([], [KEY]) })
    .map(({ lanes, keys }) => group(lanes, keys)),
  fc.integer({ min: 1, max: TOP_SLOTS + 5 }).map(top),
  fc
    .integer({ min: 0, max: 4 })
    .chain((number) => fc.constantFrom(filter(Operator.BUILD, number), filter(Operator.PROBE, number))),
);

function areDisjoint(ranges: (readonly [from: number, length: number])[], end: number): boolean {
  const sorted = [...ranges].sort(([a], [b]) => a - b);
  return sorted.every(([from, length], i) => from + length <= (sorted[i + 1]?.[0] ?? end));
}

describe('memory of the switch', () => {
  it('is nobody’s twice, and never more than there is', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 12 }), fc.integer({ min: 1, max: 64 }), (list, workers) => {
        const { build, steps } = allocate(planOf(list), workers);
        const of = (operator: Operator) =>
          steps.filter(({ setup }) => setup.operator === operator).map(({ setup }) => setup);
        expect(
          areDisjoint(
            of(Operator.GROUP).map(({ stateBase, stateMask }) => [stateBase, stateMask + 1]),
            build.groupSlots,
          ),
        ).toBe(true);
        expect(
          areDisjoint(
            of(Operator.TOP).map(({ stateBase, stateMask }) => [stateBase, stateMask]),
            TOP_SLOTS,
          ),
        ).toBe(true);
        const filters = new Map(
          of(Operator.BUILD).map(({ stateBase, stateMask }) => [stateBase, (stateMask + 1) / 64]),
        );
        expect(areDisjoint([...filters], BLOOM_WORDS)).toBe(true);
        for (const { stateMask } of [...of(Operator.GROUP), ...of(Operator.BUILD)])
          expect(Math.log2(stateMask + 1) % 1).toBe(0);
        expect(steps.reduce((sum, { setup }) => sum + setup.flowSlots * workers, 0)).toBeLessThanOrEqual(FLOW_SLOTS);
        for (const { step } of steps) if (isAggregate(step)) expect(step.lanes.length).toBeLessThanOrEqual(build.lanes);
      }),
    );
  });

  it('that is missing leaves steps out that only drop rows, and says so', () => {
    const { steps, leftOut } = allocate(planOf([top(1000), top(25), filter(Operator.PROBE, 3)]), 2);
    expect(steps.map(({ step }) => step)).toEqual([top(1000)]);
    expect(leftOut).toEqual(['Top-N of t: the switch keeps 1024 rows, and other steps use 1000 of them.']);
  });

  it('is little for a single group, since all of it is read', () => {
    const { build, steps } = allocate(planOf([group(2, []), group(2)]), 1);
    expect(steps.map(({ setup }) => setup.stateMask + 1)).toEqual([SCAN_SLOTS, build.groupSlots / 2]);
  });

  it('goes by the lanes that are needed', () => {
    expect(allocate(planOf([group(2)]), 1).build.name).toBe('fpisa-query-l2');
    expect(allocate(planOf([group(2), group(3)]), 1).build.name).toBe('fpisa-query-l6');
    expect(() => allocate(planOf([group(7)]), 1)).toThrow(
      /a step has 7 lanes; builds of the query program have 2 or 6/,
    );
  });
});
