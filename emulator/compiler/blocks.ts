import type { Expression } from '../json/expression.js';
import type { ActionDef, FieldDef, Primitive } from '../json/program.js';

/** An action may grow by so many operators where a branch is turned into selections. */
const MOST_SELECTED_NODES = 16;
const MOST_SELECTED_ASSIGNMENTS = 3;

/** Primitives that run one after the other, and where the action goes on. */
export interface Block {
  readonly start: number;
  readonly steps: Step[];
  /** Undefined: the block does not end in a jump. */
  readonly condition: Expression | undefined;
  /** Where a jump goes; of a conditional one, when the condition does not hold. */
  readonly jump: number | undefined;
  /** Whether the jump goes backwards. */
  readonly loops: boolean;
  /** The primitive behind the block; it is not reached from an unconditional jump. */
  readonly next: number;
}

/** A primitive, or assignments of which each takes place only if the condition holds. */
export type Step = { readonly primitive: Primitive } | { readonly condition: Expression; readonly assignments: readonly Assignment[] };

export interface Assignment {
  readonly field: FieldDef;
  readonly from: Expression;
}

export function jumpTarget({ op, args }: Primitive): number | undefined {
  const operand = op === '_jump' ? args[0] : op === '_jump_if_zero' ? args[1] : undefined;
  if (operand === undefined) return undefined;
  if (operand.kind !== 'expression' || operand.expression.op !== 'constant') throw new Error('a jump needs a constant target');
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
    const steps = primitives.slice(start, jump === undefined ? next : next - 1).map((primitive): Step => ({ primitive }));
    return { start, steps, condition: last.op === '_jump_if_zero' ? conditionOf(last) : undefined, jump, loops: jump !== undefined && jump < next, next };
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
    for (const to of [...(jump === undefined ? [] : [jump]), ...(goesOn ? [next] : [])]) entered.set(to, (entered.get(to) ?? 0) + 1);
  }
  const result: Block[] = [];
  for (let i = 0; i < blocks.length; i++) {
    const block = blocks[i]!;
    const guarded = blocks[i + 1];
    const assignments = guarded === undefined ? undefined : cheapAssignments(guarded);
    const fits = block.condition !== undefined && guarded !== undefined && guarded.jump === undefined
      && block.jump === guarded.next && entered.get(guarded.start) === 1;
    if (!fits || assignments === undefined) {
      result.push(block);
      continue;
    }
    const steps: Step[] = [...block.steps, { condition: block.condition!, assignments }];
    // What follows the branch is reached from here alone now, if the branch was all that led there.
    result.push({ start: block.start, steps, condition: undefined, jump: undefined, loops: false, next: guarded.next });
    i++;
  }
  return result;
}

function cheapAssignments({ steps }: Block): Assignment[] | undefined {
  if (steps.length > MOST_SELECTED_ASSIGNMENTS) return undefined;
  const assignments: Assignment[] = [];
  for (const step of steps) {
    if (!('primitive' in step) || step.primitive.op !== 'assign') return undefined;
    const [to, from] = step.primitive.args;
    if (to?.kind !== 'expression' || to.expression.op !== 'field' || !('field' in to.expression.ref) || from?.kind !== 'expression') return undefined;
    const { field } = to.expression.ref;
    if (field.width > 64 || field.varbit || nodes(from.expression) > MOST_SELECTED_NODES) return undefined;
    assignments.push({ field, from: from.expression });
  }
  return assignments;
}

/** Operators and operands; infinite if evaluating it in vain could be seen. */
function nodes(e: Expression): number {
  switch (e.op) {
    case 'constant':
    case 'argument':
      return 1;
    case 'field':
      return 'field' in e.ref && e.ref.field.width > 64 ? Infinity : 1;
    case 'invert':
    case 'fromBool':
    case 'toBool':
    case 'not':
      return 1 + nodes(e.of);
    case 'compare':
      return 1 + nodes(e.left) + nodes(e.right);
    case 'arithmetic':
      return e.operator === '/' || e.operator === '%' ? Infinity : 1 + nodes(e.left) + nodes(e.right);
    default:
      return Infinity;
  }
}
