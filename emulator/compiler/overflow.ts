import type { Expression } from '../json/data.js';
import type { Operand, Primitive } from '../json/program.js';
import type { Step } from './analysis/blocks.js';
import { unsaturated } from './comparisons.js';
import { mentioned } from '../json/mentioned.js';
import { assignedBy, placeOf } from './analysis/effects.js';
import { edgesOf, type FlowNode } from './analysis/flow.js';

/**
 * After a test for an overflow, the branch without overflow leads to a copy of its target node in which nothing
 * saturates any more.
 */
export function withoutSaturation(nodes: readonly FlowNode[]): FlowNode[] {
  const result = [...nodes];
  nodes.forEach((node, at) => {
    const sum = testedSum(node.condition);
    const target = node.otherwise === undefined ? undefined : nodes[node.otherwise.to];
    if (
      sum === undefined ||
      target === undefined ||
      node.otherwise!.counted ||
      edgesOf(target).some(({ counted }) => counted)
    )
      return;
    const steps = rewritten(target.steps, sum);
    if (steps === undefined) return;
    result[at] = { ...node, otherwise: { to: result.length, counted: false } };
    result.push({ ...target, steps });
  });
  return result;
}

/** The saturating expression of a condition that holds exactly when it saturates. */
export function testedSum(e: Expression | undefined): Expression | undefined {
  if (e?.op === 'fromBool' || e?.op === 'toBool') return testedSum(e.of);
  if (e?.op !== 'equal' || !e.negated) return undefined;
  if (unsaturated(e.left, e.right) !== e.left) return e.left;
  return unsaturated(e.right, e.left) !== e.right ? e.right : undefined;
}

/** Undefined if nothing changes. */
function rewritten(steps: readonly Step[], sum: Expression): Step[] | undefined {
  const fields = mentioned(sum);
  let changed = false;
  let valid = true;
  const result = steps.map((step): Step => {
    if (!valid || !('primitive' in step)) {
      valid = false;
      return step;
    }
    const { primitive } = step;
    const target = primitive.args[0] === undefined ? undefined : placeOf(primitive.args[0]);
    const plain = assignedBy(primitive) !== undefined && target !== undefined && !fields.has(target);
    if (!plain && primitive.op !== 'register_write') valid = false;
    const made = valid ? replaceIn(primitive, sum) : primitive;
    changed ||= made !== primitive;
    return made === primitive ? step : { primitive: made };
  });
  return changed ? result : undefined;
}

function replaceIn(primitive: Primitive, sum: Expression): Primitive {
  let changed = false;
  const args = primitive.args.map((arg): Operand => {
    if (arg.kind !== 'expression') return arg;
    const expression = replace(arg.expression, sum);
    changed ||= expression !== arg.expression;
    return { kind: 'expression', expression };
  });
  return changed ? { ...primitive, args } : primitive;
}

function replace(e: Expression, sum: Expression): Expression {
  if (e.op !== 'arithmetic') return e;
  if (e.operator === 'sat_cast') {
    const wrapped: Expression = { ...e, operator: 'two_comp_mod' };
    if (unsaturated(sum, wrapped) !== sum) return wrapped;
  }
  const [left, right] = [replace(e.left, sum), replace(e.right, sum)];
  return left === e.left && right === e.right ? e : { ...e, left, right };
}
