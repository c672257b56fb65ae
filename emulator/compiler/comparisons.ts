import type { Expression } from '../json/data.js';
import type { Ref } from './binaryen.js';

/**
 * A saturated number equals the wrapped one of the same width exactly when nothing was cut off, so the number itself
 * can be compared instead: programs detect an overflow by this comparison.
 */
export function unsaturated(e: Expression, other: Expression): Expression {
  if (
    e.op !== 'arithmetic' ||
    other.op !== 'arithmetic' ||
    e.operator !== 'sat_cast' ||
    other.operator !== 'two_comp_mod'
  )
    return e;
  return sameValue(e.right, other.right) && sameValue(e.left, other.left) ? e.left : e;
}

function sameValue(a: Expression, b: Expression): boolean {
  if (a.op === 'constant') return b.op === 'constant' && a.value === b.value;
  if (a.op === 'argument') return b.op === 'argument' && a.index === b.index;
  if (a.op === 'field') return b.op === 'field' && 'field' in a.ref && 'field' in b.ref && a.ref.field === b.ref.field;
  return (
    a.op === 'arithmetic' &&
    b.op === 'arithmetic' &&
    a.operator === b.operator &&
    sameValue(a.left, b.left) &&
    sameValue(a.right, b.right)
  );
}

type Comparisons = Record<
  'eq' | 'ne' | 'lt_s' | 'lt_u' | 'le_s' | 'le_u' | 'gt_s' | 'gt_u' | 'ge_s' | 'ge_u',
  (left: Ref, right: Ref) => Ref
>;

export function compareWith(
  ops: Comparisons,
  operator: '<' | '>' | '<=' | '>=' | '==' | '!=',
  signed: boolean,
  left: Ref,
  right: Ref,
): Ref {
  switch (operator) {
    case '==':
      return ops.eq(left, right);
    case '!=':
      return ops.ne(left, right);
    case '<':
      return signed ? ops.lt_s(left, right) : ops.lt_u(left, right);
    case '>':
      return signed ? ops.gt_s(left, right) : ops.gt_u(left, right);
    case '<=':
      return signed ? ops.le_s(left, right) : ops.le_u(left, right);
    case '>=':
      return signed ? ops.ge_s(left, right) : ops.ge_u(left, right);
  }
}
