import type { JsonReader } from './reader.js';
import type { Registry } from './reader.js';
import type { NameScope } from './expression.js';
import type { Expression } from './data.js';
import type { CalculationDef, CounterDef, MeterDef, Operand, Primitive } from './program.js';

/**
 * What an argument of a primitive must be. `place` can be stored to; `value` is data (a truth value counts as
 * 0 or 1); `reference` is any header, union or stack.
 */
type ParameterKind =
  | 'place'
  | 'value'
  | 'header'
  | 'union'
  | 'headerStack'
  | 'unionStack'
  | 'stack'
  | 'counter'
  | 'meter'
  | 'register'
  | 'calculation'
  | 'text'
  | 'values';

/** Every primitive of BMv2's core and of simple_switch, with its parameters in order. */
const SIGNATURES: Readonly<Record<string, readonly ParameterKind[]>> = {
  assign: ['place', 'value'],
  assign_VL: ['place', 'value'],
  assign_header: ['header', 'header'],
  assign_union: ['union', 'union'],
  assign_header_stack: ['headerStack', 'headerStack'],
  assign_union_stack: ['unionStack', 'unionStack'],
  push: ['stack', 'value'],
  pop: ['stack', 'value'],
  _jump: ['value'],
  _jump_if_zero: ['value', 'value'],
  exit: [],
  assert: ['value'],
  assume: ['value'],
  log_msg: ['text', 'values'],
  no_op: [],
  drop: [],
  mark_to_drop: ['header'],
  modify_field: ['place', 'value'],
  modify_field_rng_uniform: ['place', 'value', 'value'],
  modify_field_with_hash_based_offset: ['place', 'value', 'calculation', 'value'],
  add_to_field: ['place', 'value'],
  subtract_from_field: ['place', 'value'],
  add: ['place', 'value', 'value'],
  subtract: ['place', 'value', 'value'],
  bit_and: ['place', 'value', 'value'],
  bit_or: ['place', 'value', 'value'],
  bit_xor: ['place', 'value', 'value'],
  shift_left: ['place', 'value', 'value'],
  shift_right: ['place', 'value', 'value'],
  add_header: ['header'],
  add_header_fast: ['header'],
  remove_header: ['header'],
  copy_header: ['header', 'header'],
  clone_ingress_pkt_to_egress: ['value', 'value'],
  clone_egress_pkt_to_egress: ['value', 'value'],
  resubmit: ['value'],
  recirculate: ['value'],
  generate_digest: ['value', 'value'],
  execute_meter: ['meter', 'value', 'place'],
  count: ['counter', 'value'],
  register_read: ['place', 'register', 'value'],
  register_write: ['register', 'value', 'value'],
  truncate: ['value'],
};

export const PRIMITIVES: readonly string[] = Object.keys(SIGNATURES);

/** Extern objects a primitive can name. */
export interface ExternScope {
  readonly counters: Registry<CounterDef>;
  readonly meters: Registry<MeterDef>;
  readonly calculations: Registry<CalculationDef>;
}

/** @param params how many arguments the enclosing action has; 0 in parsers and deparsers. */
export function loadPrimitive(at: JsonReader, scope: NameScope, externs: ExternScope, params: number): Primitive {
  const op = at.get('op').string();
  const signature = Object.hasOwn(SIGNATURES, op) ? SIGNATURES[op] : undefined;
  const source = at.has('source_info')
    ? (at.get('source_info').get('source_fragment').stringOrNull() ?? undefined)
    : undefined;
  if (signature === undefined) {
    at.lacks(`primitive "${op}"`);
    return { op: 'no_op', args: [], source };
  }
  const given = at.get('parameters').items();
  if (given.length !== signature.length) {
    at.fail(`primitive ${op} takes ${signature.length} parameter(s), but ${given.length} are given`);
  }
  const args = given.map((parameter, i) => loadOperand(parameter, signature[i]!, scope, externs, params));
  return { op, args, source };
}

function loadOperand(
  at: JsonReader,
  kind: ParameterKind,
  scope: NameScope,
  externs: ExternScope,
  params: number,
): Operand {
  const value = at.get('value');
  switch (kind) {
    case 'counter':
      return { kind, counter: externs.counters.get(value, value.string()) };
    case 'meter':
      return { kind, meter: externs.meters.get(value, value.string()) };
    case 'calculation':
      return { kind, calculation: externs.calculations.get(value, value.string()) };
    case 'register':
      return { kind, register: scope.registers.get(value, value.string()) };
    case 'text':
      return { kind: 'string', text: value.string() };
    case 'values':
      return { kind: 'vector', items: value.items().map((item) => scope.expression(item, params)) };
    default: {
      const expression = scope.expression(at, params);
      if (!fits(expression, kind)) at.fail(`a ${kind} is needed, but this is of type ${expression.type}`);
      return { kind: 'expression', expression };
    }
  }
}

function fits(expression: Expression, kind: ParameterKind): boolean {
  switch (kind) {
    case 'place':
      // A choice between two places is not a place; $valid$ is read-only.
      return (
        expression.op === 'register' ||
        expression.op === 'lastField' ||
        expression.op === 'fieldAt' ||
        (expression.op === 'field' && 'field' in expression.ref)
      );
    case 'value':
      return expression.type === 'data' || expression.type === 'bool';
    case 'stack':
      return expression.type === 'headerStack' || expression.type === 'unionStack';
    default:
      return expression.type === kind;
  }
}
