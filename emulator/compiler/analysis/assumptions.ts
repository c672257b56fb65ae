import type { Expression, FieldDef } from '../../json/data.js';
import { fieldRange, type Range } from '../../machine/value-representation.js';
import type { Operand, Primitive, Program } from '../../json/program.js';
import { effectOf } from './effects.js';
import type { FlowNode } from './flow.js';
import { countedLoop } from './induction.js';
import type { Facts, Ranges } from './ranges.js';

/** A field that shifts 32-bit numbers by no more than this needs no test. */
const MAX_WORD_SHIFT = 31n;

/** What almost always holds for the fields when an action begins, and makes tests in its loops unnecessary. */
export interface Assumptions {
  /** Undefined: nothing is assumed. */
  readonly condition: Expression | undefined;
  readonly facts: Facts;
}

/**
 * Fields that index registers and counters, and are constant or counted up by the loop, stay within bounds in each
 * pass; fields that are shift amounts are less than the width of a word.
 */
export function assumptionsOf(nodes: readonly FlowNode[], program: Program, ranges: Ranges): Assumptions {
  const limits = new Map<FieldDef, bigint>();
  const limit = (field: FieldDef, most: bigint): void => {
    const before = limits.get(field) ?? fieldRange(field).max;
    if (!field.signed && !field.varbit && most >= 0n && most < before) limits.set(field, most);
  };
  const loop = countedLoop(nodes, program, ranges.at(new Map()), new Map());
  const primitives = nodes.flatMap(({ steps }) =>
    steps.flatMap((step) => ('primitive' in step ? [step.primitive] : [])),
  );
  const written = new Set(primitives.flatMap((p) => effectOf(p, ranges, program).writes.map(({ field }) => field)));
  for (const primitive of primitives) {
    const access = indexOf(primitive);
    if (access === undefined) continue;
    const last = BigInt(access.size) - 1n;
    const step = loop?.counters.get(access.field);
    if (!written.has(access.field)) limit(access.field, last);
    else if (loop !== undefined && step !== undefined && last + step <= fieldRange(access.field).max)
      limit(access.field, last - step * (loop.trips - 1n));
  }
  for (const field of shiftAmounts(primitives)) if (!written.has(field)) limit(field, MAX_WORD_SHIFT);
  const facts = new Map<FieldDef, Range>();
  let condition: Expression | undefined;
  for (const [field, most] of limits) {
    facts.set(field, { min: 0n, max: most });
    const test: Expression = {
      op: 'compare',
      type: 'bool',
      operator: '<=',
      left: { op: 'field', type: 'data', ref: { field } },
      right: { op: 'constant', type: 'data', value: most },
    };
    condition =
      condition === undefined ? test : { op: 'logic', type: 'bool', operator: 'and', left: condition, right: test };
  }
  return { condition, facts };
}

/** The field that selects the cell, and the number of cells. */
function indexOf({ op, args }: Primitive): { field: FieldDef; size: number } | undefined {
  const [cells, index] = op === 'register_read' ? [args[1], args[2]] : [args[0], args[1]];
  const size =
    cells?.kind === 'register' ? cells.register.size : cells?.kind === 'counter' ? cells.counter.size : undefined;
  const field = fieldOf(index);
  return size === undefined || field === undefined ? undefined : { field, size };
}

function fieldOf(operand: Operand | undefined): FieldDef | undefined {
  if (operand?.kind !== 'expression' || operand.expression.op !== 'field' || !('field' in operand.expression.ref))
    return undefined;
  return operand.expression.ref.field;
}

function shiftAmounts(primitives: readonly Primitive[]): Set<FieldDef> {
  const fields = new Set<FieldDef>();
  const visit = (e: Expression): void => {
    if (e.op !== 'arithmetic') return;
    if ((e.operator === '<<' || e.operator === '>>') && e.right.op === 'field' && 'field' in e.right.ref)
      fields.add(e.right.ref.field);
    visit(e.left);
    visit(e.right);
  };
  for (const { args } of primitives) for (const arg of args) if (arg.kind === 'expression') visit(arg.expression);
  return fields;
}
