import type { Expression, FieldDef } from '../../json/data.js';
import { mentioned } from '../../json/mentioned.js';
import {
  clampRange,
  contains,
  fieldRange,
  signedRange,
  unsignedRange,
  type Range,
} from '../../machine/value-representation.js';
import type { Operand, Primitive, Program } from '../../json/program.js';
import type { Assignment } from './blocks.js';
import type { Ranges } from './ranges.js';

/** What a primitive does to fields. */
export interface Effect {
  readonly reads: ReadonlySet<FieldDef>;
  readonly writes: readonly Write[];
}

interface Write {
  readonly field: FieldDef;
  /** What the field can hold afterwards, where it is written. */
  readonly range: Range;
  /** Whether it is written each time. */
  readonly certain: boolean;
}

const ARITHMETIC_PRIMITIVES = {
  add: '+',
  subtract: '-',
  bit_and: '&',
  bit_or: '|',
  bit_xor: '^',
  shift_left: '<<',
  shift_right: '>>',
} as const;

/** The expression that a primitive assigns to its first argument, if that is all it does. */
export function assignedBy({ op, args }: Primitive): Expression | undefined {
  const expression = (i: number): Expression => (args[i] as Extract<Operand, { kind: 'expression' }>).expression;
  switch (op) {
    case 'assign':
    case 'modify_field':
      return expression(1);
    case 'add_to_field':
    case 'subtract_from_field':
      return arithmetic(op === 'add_to_field' ? '+' : '-', expression(0), expression(1));
    case 'add':
    case 'subtract':
    case 'bit_and':
    case 'bit_or':
    case 'bit_xor':
    case 'shift_left':
    case 'shift_right':
      return arithmetic(ARITHMETIC_PRIMITIVES[op], expression(1), expression(2));
    default:
      return undefined;
  }
}

function arithmetic(
  operator: '+' | '-' | '&' | '|' | '^' | '<<' | '>>',
  left: Expression,
  right: Expression,
): Expression {
  return { op: 'arithmetic', type: 'data', operator, left, right };
}

export function placeOf(operand: Operand): FieldDef | undefined {
  if (operand.kind !== 'expression' || operand.expression.op !== 'field') return undefined;
  return 'field' in operand.expression.ref ? operand.expression.ref.field : undefined;
}

/** The range of a field after a value of this range was stored to it (see the interpreter's stores). */
function storedRange(field: FieldDef, range: Range): Range {
  const { width, signed, saturating } = field;
  if (saturating) return clampRange(range, signed ? signedRange(width) : unsignedRange(width));
  const allowed = fieldRange(field);
  return contains(allowed, range) ? range : allowed;
}

/** @param ranges as they are before the primitive. */
export function effectOf(primitive: Primitive, ranges: Ranges, program: Program): Effect {
  const { op, args } = primitive;
  const target = args[0] === undefined ? undefined : placeOf(args[0]);
  if (target !== undefined && !target.varbit) {
    const from = assignedBy(primitive);
    if (from !== undefined)
      return {
        reads: mentioned(from),
        writes: [{ field: target, range: storedRange(target, ranges.of(from)), certain: true }],
      };
    const [, register, index] = args;
    if (op === 'register_read' && register?.kind === 'register' && index?.kind === 'expression') {
      const { size, width } = register.register;
      const certain = contains({ min: 0n, max: BigInt(size) - 1n }, ranges.of(index.expression));
      return {
        reads: mentioned(index),
        writes: [{ field: target, range: storedRange(target, unsignedRange(width)), certain }],
      };
    }
  }
  const reads = mentioned(args);
  if (op === 'register_write' || op === 'count' || op === '_jump_if_zero') return { reads, writes: [] };
  // Any other primitive may write to the fields that it names; drop writes to fields without naming them.
  const places = op === 'drop' ? program.architecture.values() : reads;
  return { reads, writes: [...places].map((field) => ({ field, range: fieldRange(field), certain: false })) };
}

/** One of the assignments of a selection. */
export function effectOfAssignment({ field, from }: Assignment, ranges: Ranges): Effect {
  return { reads: mentioned(from), writes: [{ field, range: storedRange(field, ranges.of(from)), certain: false }] };
}
