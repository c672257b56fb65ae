import type { Expression, FieldDef } from '../../json/data.js';
import { fieldRange, kindOf } from '../../machine/value-representation.js';
import type { ActionDef, Primitive } from '../../json/program.js';

/** A branch is turned into selections up to this many operators and operands for each assignment. */
const MAX_SELECTED_NODES = 16;
const MAX_SELECTED_ASSIGNMENTS = 3;

/** Primitives that run one after the other, and where the action continues. */
export interface Block {
  readonly start: number;
  readonly steps: Step[];
  /** Undefined: the block does not end in a jump. */
  readonly condition: Expression | undefined;
  /** Target of the jump; a conditional one is taken when the condition does not hold. */
  readonly jump: number | undefined;
  /** Whether the jump goes backwards. */
  readonly loops: boolean;
  /** The primitive after the block; it is not reached from an unconditional jump. */
  readonly next: number;
}

/** A primitive, or assignments that take place only if the condition holds. */
export type Step =
  { readonly primitive: Primitive } | { readonly condition: Expression; readonly assignments: readonly Assignment[] };

export interface Assignment {
  readonly field: FieldDef;
  readonly from: Expression;
}

export function jumpTarget({ op, args }: Primitive): number | undefined {
  const operand = op === '_jump' ? args[0] : op === '_jump_if_zero' ? args[1] : undefined;
  if (operand === undefined) return undefined;
  if (operand.kind !== 'expression' || operand.expression.op !== 'constant')
    throw new Error('a jump needs a constant target');
  return Number(operand.expression.value);
}

/** The basic blocks of an action, in order. */
export function blocksOf({ primitives }: ActionDef): Block[] {
  const targets = primitives.map(jumpTarget);
  const starts = new Set([0]);
  targets.forEach((target, i) => {
    if (target === undefined) return;
    starts.add(target);
    starts.add(i + 1);
  });
  const order = [...starts].filter((start) => start < primitives.length).sort((x, y) => x - y);
  return order.map((start, n): Block => {
    const next = order[n + 1] ?? primitives.length;
    const jump = targets[next - 1];
    const last = primitives[next - 1]!;
    const steps = primitives
      .slice(start, jump === undefined ? next : next - 1)
      .map((primitive): Step => ({ primitive }));
    return {
      start,
      steps,
      condition: last.op === '_jump_if_zero' ? conditionOf(last) : undefined,
      jump,
      loops: jump !== undefined && jump < next,
      next,
    };
  });
}

function conditionOf({ args }: Primitive): Expression {
  const [operand] = args;
  if (operand?.kind !== 'expression') throw new Error('a jump needs a condition');
  return operand.expression;
}

/**
 * Turns branches around a few cheap assignments into selections: which way such a branch goes (the sign of a value,
 * say) often cannot be predicted, and a wrong guess costs more than the assignments do.
 */
export function selectBranches(blocks: readonly Block[]): Block[] {
  const entered = new Map<number, number>();
  for (const { jump, condition, next } of blocks) {
    const goesOn = jump === undefined || condition !== undefined;
    for (const to of [...(jump === undefined ? [] : [jump]), ...(goesOn ? [next] : [])])
      entered.set(to, (entered.get(to) ?? 0) + 1);
  }
  const result: Block[] = [];
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i]!;
    const guarded = blocks[i + 1];
    const assignments = guarded === undefined ? undefined : cheapAssignments(guarded);
    const fits =
      block.condition !== undefined &&
      guarded?.start === block.next &&
      guarded.jump === undefined &&
      block.jump === guarded.next &&
      entered.get(guarded.start) === 1;
    if (!fits || assignments === undefined) {
      result.push(block);
      continue;
    }
    const steps: Step[] = [...block.steps, { condition: block.condition!, assignments }];
    // If the branch was the only way to what follows it, that is now reached from here alone.
    result.push({ start: block.start, steps, condition: undefined, jump: undefined, loops: false, next: guarded.next });
    i++;
  }
  return result;
}

/** Versions of an action are made for at most this many conditions. */
const MAX_INVARIANTS = 3;

/** Blocks of an action with loops whose conditions nothing in the action can change. */
export function invariantBlocks(action: ActionDef, blocks: readonly Block[]): Block[] {
  if (!blocks.some(({ loops }) => loops)) return [];
  const written = new Set<FieldDef>();
  for (const { args } of action.primitives) {
    for (const arg of args) {
      // Any field that is an argument by itself may be a target.
      if (arg.kind === 'expression' && arg.expression.op === 'field' && 'field' in arg.expression.ref)
        written.add(arg.expression.ref.field);
    }
  }
  const invariant = blocks.filter(
    ({ condition }) => condition !== undefined && nodes(condition) < Infinity && !reads(condition, written),
  );
  return invariant.slice(0, MAX_INVARIANTS);
}

/** The blocks that remain when the conditions of some, given by their start, are known. */
export function assume(blocks: readonly Block[], known: ReadonlyMap<number, boolean>): Block[] {
  const changed = blocks.map((block): Block => {
    const holds = known.get(block.start);
    if (holds === undefined) return block;
    return holds
      ? { ...block, condition: undefined, jump: undefined, loops: false }
      : { ...block, condition: undefined };
  });
  const byStart = new Map(changed.map((block) => [block.start, block]));
  const reached = new Set<Block>();
  const visit = [0];
  for (let start = visit.pop(); start !== undefined; start = visit.pop()) {
    const block = byStart.get(start);
    if (block === undefined || reached.has(block)) continue;
    reached.add(block);
    if (block.jump !== undefined) visit.push(block.jump);
    if (block.jump === undefined || block.condition !== undefined) visit.push(block.next);
  }
  return changed.filter((block) => reached.has(block));
}

function reads(e: Expression, fields: ReadonlySet<FieldDef>): boolean {
  switch (e.op) {
    case 'field':
      return !('field' in e.ref) || fields.has(e.ref.field);
    case 'invert':
    case 'fromBool':
    case 'toBool':
    case 'not':
      return reads(e.of, fields);
    case 'compare':
    case 'arithmetic':
    case 'equal':
      return reads(e.left, fields) || reads(e.right, fields);
    case 'constant':
    case 'argument':
      return false;
    default:
      return true;
  }
}

/** True of a signed field of 64 bits, too: it may hold any unsigned number of 64 bits. */
function isWide(field: FieldDef): boolean {
  return kindOf(fieldRange(field)) === 'wide';
}

function cheapAssignments({ steps }: Block): Assignment[] | undefined {
  if (steps.length > MAX_SELECTED_ASSIGNMENTS) return undefined;
  const assignments: Assignment[] = [];
  for (const step of steps) {
    if (!('primitive' in step) || step.primitive.op !== 'assign') return undefined;
    const [to, from] = step.primitive.args;
    if (
      to?.kind !== 'expression' ||
      to.expression.op !== 'field' ||
      !('field' in to.expression.ref) ||
      from?.kind !== 'expression'
    )
      return undefined;
    const { field } = to.expression.ref;
    if (field.varbit || isWide(field) || nodes(from.expression) > MAX_SELECTED_NODES) return undefined;
    assignments.push({ field, from: from.expression });
  }
  return assignments;
}

/** Number of operators and operands; infinite if evaluating it needlessly could have a visible effect. */
function nodes(e: Expression): number {
  switch (e.op) {
    case 'constant':
    case 'argument':
      return 1;
    case 'field':
      return 'field' in e.ref && isWide(e.ref.field) ? Infinity : 1;
    case 'invert':
    case 'fromBool':
    case 'toBool':
    case 'not':
      return 1 + nodes(e.of);
    case 'compare':
      return 1 + nodes(e.left) + nodes(e.right);
    case 'equal':
      return e.left.type === 'data' || e.left.type === 'bool' ? 1 + nodes(e.left) + nodes(e.right) : Infinity;
    case 'arithmetic':
      return e.operator === '/' || e.operator === '%' ? Infinity : 1 + nodes(e.left) + nodes(e.right);
    default:
      return Infinity;
  }
}
