import type { Expression, FieldDef } from '../../json/data.js';
import type { Primitive, Program } from '../../json/program.js';
import { unsignedRange } from '../../machine/value-representation.js';
import { mentioned } from '../../json/mentioned.js';
import { assignedBy, effectOf, placeOf } from '../analysis/effects.js';
import type { FlowNode } from '../analysis/flow.js';
import type { Ranges } from '../analysis/ranges.js';
import type { LoopShape } from './shape.js';

/** `field = field operator by` for lanes of 32 bits. */
export interface Update {
  readonly operator: '+' | '-' | '|' | '&' | '^';
  readonly by: Expression;
}

/** A field that the passes only add to, or combine with in another way that does not depend on their order. */
export interface Reduction {
  readonly field: FieldDef;
  /** How the parts are put together; a part that is subtracted is added with its sign changed. */
  readonly operator: '+' | '|' | '&' | '^';
}

/** Fields that the loop writes to. */
export function changedFields(
  nodes: readonly FlowNode[],
  shape: LoopShape,
  ranges: Ranges,
  program: Program,
): Set<FieldDef> {
  return new Set(
    primitivesOf(nodes, shape).flatMap((p) => effectOf(p, ranges, program).writes.map(({ field }) => field)),
  );
}

/** Fields that each pass changes depending on what the one before left there, but in a way that can be reordered. */
export function reductionsOf(
  nodes: readonly FlowNode[],
  shape: LoopShape,
  candidates: Iterable<FieldDef>,
): Map<FieldDef, Reduction> {
  const primitives = primitivesOf(nodes, shape);
  const conditions = [...shape.body].map((at) => nodes[at]!.condition);
  const found = new Map<FieldDef, Reduction>();
  for (const field of candidates) {
    const naming = primitives.filter((p) => mentioned(p.args).has(field));
    const updates = naming.map((p) => updateOf(field, p));
    const operators = new Set(updates.map((u) => (u?.operator === '-' ? '+' : u?.operator)));
    const [operator] = operators;
    if (operators.size !== 1 || operator === undefined || mentioned(conditions).has(field)) continue;
    found.set(field, { field, operator });
  }
  return found;
}

/** Undefined: the primitive does something else. */
export function updateOf(field: FieldDef, primitive: Primitive): Update | undefined {
  if (field.signed || field.saturating || field.varbit || field.width > 32) return undefined;
  const from = assignedBy(primitive);
  if (from === undefined || primitive.args[0] === undefined || placeOf(primitive.args[0]) !== field) return undefined;
  return updateIn(field, from);
}

function updateIn(field: FieldDef, e: Expression): Update | undefined {
  if (e.op !== 'arithmetic') return undefined;
  const { operator, left, right } = e;
  if (operator === '&' && right.op === 'constant' && right.value === unsignedRange(field.width).max)
    return updateIn(field, left);
  if (operator !== '+' && operator !== '-' && operator !== '|' && operator !== '&' && operator !== '^')
    return undefined;
  const is = (side: Expression): boolean => side.op === 'field' && 'field' in side.ref && side.ref.field === field;
  const by = is(left) ? right : operator !== '-' && is(right) ? left : undefined;
  return by === undefined || mentioned(by).has(field) ? undefined : { operator, by };
}

function primitivesOf(nodes: readonly FlowNode[], shape: LoopShape): Primitive[] {
  return [...shape.body].flatMap((at) =>
    nodes[at]!.steps.map((step) => {
      if (!('primitive' in step)) throw new Error('a branch was turned into a selection before its loop was looked at');
      return step.primitive;
    }),
  );
}
