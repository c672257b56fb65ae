/** Which part of the switch's memory each step of a plan gets. */
import { counted } from '../../net/count.js';
import {
  BLOOM_WORDS,
  FLOW_SLOTS,
  MAX_STREAMS,
  Operator,
  QUERY_BUILDS,
  SCAN_SLOTS,
  TOP_SLOTS,
  type QueryBuild,
} from '../../protocol/query/constants.js';
import type { StreamSetup } from '../switch/provisioning.js';
import type { AggregateStep, PruneStep, QueryPlan } from '../plan/plan.js';
import { QueryResourceError } from './errors.js';

export interface AllocatedStep {
  readonly step: AggregateStep | PruneStep;
  readonly setup: StreamSetup;
}

export interface Allocation {
  readonly build: QueryBuild;
  readonly steps: readonly AllocatedStep[];
  /** Steps that are left out, which only means that more rows reach the master. */
  readonly leftOut: readonly string[];
}

export interface AllocationLimits {
  /** Maximum number of group slots for one aggregation. */
  readonly groupSlots?: number;
}

const BITS_PER_WORD = 64;
/** More in flight would only wait in the switch's queue. */
const MAX_FLOW_SLOTS = 128;

export function isAggregate(step: AggregateStep | PruneStep): step is AggregateStep {
  return step.operator === Operator.GROUP;
}

/** @throws QueryResourceError */
export function allocate(plan: QueryPlan, workers: number, limits: AllocationLimits = {}): Allocation {
  const leftOut: string[] = [];
  const kept = fitting(plan.steps, leftOut);
  const lanes = Math.max(0, ...kept.map((step) => (isAggregate(step) ? step.lanes.length : 1)));
  const build = QUERY_BUILDS.find((each) => each.lanes >= lanes);
  if (build === undefined)
    throw new QueryResourceError(
      `a step has ${lanes} lanes; builds of the query program have ${QUERY_BUILDS.map((each) => each.lanes).join(' or ')}`,
    );
  const flowSlots = powerOfTwoBelow(
    Math.min(MAX_FLOW_SLOTS, Math.floor(FLOW_SLOTS / Math.max(1, kept.length * workers))),
  );
  if (flowSlots < 1 || kept.length > MAX_STREAMS)
    throw new QueryResourceError(
      `a query of ${counted(kept.length, 'step')} with ${counted(workers, 'worker')} needs more than the ${FLOW_SLOTS} packets in flight that the switch tracks; use fewer workers`,
    );
  const aggregates = kept.filter(isAggregate).length;
  const groupSlots = powerOfTwoBelow(
    Math.min(limits.groupSlots ?? build.groupSlots, Math.floor(build.groupSlots / Math.max(1, aggregates))),
  );
  const filters = [...new Set(kept.flatMap((step) => (step.operator === Operator.BUILD ? [step.filter] : [])))];
  const filterWords = powerOfTwoBelow(Math.floor(BLOOM_WORDS / Math.max(1, filters.length)));
  let nextGroup = 0;
  let nextTop = 0;
  const steps = kept.map((step, stream): AllocatedStep => {
    const common = { stream, operator: step.operator, laneOps: [], order: undefined, having: undefined, flowSlots };
    if (isAggregate(step)) {
      const stateBase = nextGroup;
      // Without keys there is one group, and all slots are read in the end.
      const slots = step.keys.length === 0 ? Math.min(groupSlots, SCAN_SLOTS) : groupSlots;
      nextGroup += slots;
      return {
        step,
        setup: {
          ...common,
          laneOps: step.lanes.map(({ op }) => op),
          stateBase,
          stateMask: slots - 1,
          having: step.having,
        },
      };
    }
    if (step.operator === Operator.TOP) {
      const stateBase = nextTop;
      nextTop += step.n;
      return { step, setup: { ...common, order: step.order, stateBase, stateMask: step.n } };
    }
    return {
      step,
      setup: {
        ...common,
        stateBase: filters.indexOf(step.filter) * filterWords,
        stateMask: filterWords * BITS_PER_WORD - 1,
      },
    };
  });
  return { build, steps, leftOut };
}

function fitting(steps: QueryPlan['steps'], leftOut: string[]): (AggregateStep | PruneStep)[] {
  let top = 0;
  const built = new Set<number>();
  return steps.filter((step) => {
    if (step.operator === Operator.TOP) {
      if (step.n < 1 || top + step.n > TOP_SLOTS) {
        leftOut.push(
          `Top-N of ${step.rowSet}: the switch keeps ${TOP_SLOTS} rows, and other steps use ${top} of them.`,
        );
        return false;
      }
      top += step.n;
    }
    if (step.operator === Operator.BUILD) built.add(step.filter);
    // A filter that nothing was put into would drop every row.
    return step.operator !== Operator.PROBE || built.has(step.filter);
  });
}

/** 0 for numbers below 1. */
function powerOfTwoBelow(number: number): number {
  return number < 1 ? 0 : 2 ** Math.floor(Math.log2(number));
}
