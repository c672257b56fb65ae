import type { JsonReader } from './reader.js';
import { Registry } from './reader.js';
import {
  ARITHMETIC,
  COMPARISON,
  type Expression,
  type ExpressionType,
  type FieldDef,
  type FieldRef,
  type HeaderDef,
  type HeaderStackDef,
  type RegisterDef,
  type UnionDef,
  type UnionStackDef,
} from './data.js';

const LOGIC = ['and', 'or'] as const;
/** The other operators. */
const SPECIAL = [
  '==',
  '!=',
  '~',
  'not',
  'd2b',
  'b2d',
  'valid',
  'valid_union',
  '?',
  'dereference_stack',
  'dereference_header_stack',
  'dereference_union_stack',
  'access_field',
  'access_union_header',
  'last_stack_index',
  'size_stack',
] as const;
export const OPERATORS: readonly string[] = [...ARITHMETIC, ...COMPARISON, ...LOGIC, ...SPECIAL];

/** What an expression can be made of. */
export const OPERANDS = [
  'expression',
  'field',
  'hexstr',
  'bool',
  'local',
  'runtime_data',
  'header',
  'header_stack',
  'header_union',
  'header_union_stack',
  'stack_field',
  'register',
] as const;

/** Stands in for an expression the engine lacks, so that loading can continue and list the rest. */
const PLACEHOLDER: Expression = { op: 'constant', type: 'data', value: 0n };

/** Everything a name in an expression can refer to. */
export class NameScope {
  readonly headers = new Registry<HeaderDef>('header');
  readonly stacks = new Registry<HeaderStackDef>('header stack');
  readonly unions = new Registry<UnionDef>('header union');
  readonly unionStacks = new Registry<UnionStackDef>('header union stack');
  readonly registers = new Registry<RegisterDef>('register array');

  /** A field reference `[header, field]`, where the field may be `$valid$`. */
  fieldRef(at: JsonReader): FieldRef {
    const [headerName, fieldName] = at.tuple(2) as [JsonReader, JsonReader];
    const header = this.headers.get(headerName, headerName.string());
    if (fieldName.string() === '$valid$') return { validOf: header };
    return { field: fieldOf(fieldName, header, fieldName.string()) };
  }

  /** A field that can be written to. */
  field(at: JsonReader): FieldDef {
    const ref = this.fieldRef(at);
    if (!('field' in ref)) return at.fail('$valid$ cannot be used here, a field of the header is needed');
    return ref.field;
  }

  /** An expression; null and missing values are refused. `params`: how many arguments the enclosing action has. */
  expression(at: JsonReader, params = 0): Expression {
    const type = at.get('type').string();
    const value = at.get('value');
    if (!isOneOf(OPERANDS, type)) {
      at.lacks(`operand type "${type}"`);
      return PLACEHOLDER;
    }
    switch (type) {
      case 'expression':
        // p4c wraps an expression in a second one; both spellings mean the same.
        if (value.has('type') && !value.has('op')) return this.expression(value, params);
        return this.operation(value, params);
      case 'field':
        return { op: 'field', type: 'data', ref: this.fieldRef(value) };
      case 'hexstr':
        return { op: 'constant', type: 'data', value: value.hex() };
      case 'bool':
        return { op: 'boolean', type: 'bool', value: value.boolean() };
      case 'local':
      case 'runtime_data': {
        const index = value.integer();
        if (index < 0 || index >= params) {
          value.fail(`argument ${index} is used, but the action has ${params} parameter(s)`);
        }
        return { op: 'argument', type: 'data', index };
      }
      case 'header':
        return { op: 'header', type: 'header', header: this.headers.get(value, value.string()) };
      case 'header_stack':
        return this.anyStack(value);
      case 'header_union':
        return { op: 'union', type: 'union', union: this.unions.get(value, value.string()) };
      case 'header_union_stack':
        return { op: 'unionStack', type: 'unionStack', stack: this.unionStacks.get(value, value.string()) };
      case 'stack_field': {
        const [stackName, fieldName] = value.tuple(2) as [JsonReader, JsonReader];
        const stack = this.stacks.get(stackName, stackName.string());
        const offset = fieldOf(fieldName, stack.outside, fieldName.string()).offset;
        return { op: 'lastField', type: 'data', stack, offset };
      }
      case 'register': {
        const [name, index] = value.tuple(2) as [JsonReader, JsonReader];
        return {
          op: 'register',
          type: 'data',
          register: this.registers.get(name, name.string()),
          index: this.data(index, params),
        };
      }
    }
  }

  data(at: JsonReader, params = 0): Expression {
    return expectType(at, this.expression(at, params), 'data');
  }

  condition(at: JsonReader, params = 0): Expression {
    return expectType(at, this.expression(at, params), 'bool');
  }

  /** p4c calls a stack of unions "header_stack" in some places. */
  private anyStack(at: JsonReader): Expression {
    const name = at.string();
    const unions = this.unionStacks.find(name);
    if (unions !== undefined && this.stacks.find(name) === undefined)
      return { op: 'unionStack', type: 'unionStack', stack: unions };
    return { op: 'headerStack', type: 'headerStack', stack: this.stacks.get(at, name) };
  }

  private operation(at: JsonReader, params: number): Expression {
    const op = at.get('op').string();
    const left = (): Expression => this.expression(at.get('left'), params);
    const right = (): Expression => this.expression(at.get('right'), params);
    const leftAs = (type: ExpressionType): Expression => expectType(at.get('left'), left(), type);
    const rightAs = (type: ExpressionType): Expression => expectType(at.get('right'), right(), type);

    if (isOneOf(ARITHMETIC, op)) {
      const unary = (op === '+' || op === '-') && at.get('left').missing;
      return {
        op: 'arithmetic',
        type: 'data',
        operator: op,
        left: unary ? PLACEHOLDER : leftAs('data'),
        right: rightAs('data'),
      };
    }
    if (isOneOf(COMPARISON, op))
      return { op: 'compare', type: 'bool', operator: op, left: leftAs('data'), right: rightAs('data') };
    if (isOneOf(LOGIC, op))
      return { op: 'logic', type: 'bool', operator: op, left: leftAs('bool'), right: rightAs('bool') };
    if (!isOneOf(SPECIAL, op)) {
      at.lacks(`expression operator "${op}"`);
      return PLACEHOLDER;
    }
    switch (op) {
      case '==':
      case '!=': {
        const first = left();
        const second = expectType(at.get('right'), right(), first.type);
        if (first.type === 'headerStack' || first.type === 'unionStack') at.lacks('comparison of whole stacks');
        return { op: 'equal', type: 'bool', negated: op === '!=', left: first, right: second };
      }
      case '~':
        return { op: 'invert', type: 'data', of: rightAs('data') };
      case 'not':
        return { op: 'not', type: 'bool', of: rightAs('bool') };
      case 'd2b':
        return { op: 'toBool', type: 'bool', of: rightAs('data') };
      case 'b2d':
        return { op: 'fromBool', type: 'data', of: rightAs('bool') };
      case 'valid':
        return { op: 'valid', type: 'bool', of: rightAs('header') };
      case 'valid_union':
        return { op: 'valid', type: 'bool', of: rightAs('union') };
      case '?': {
        const first = left();
        const condition = this.condition(at.get('cond'), params);
        return {
          op: 'choose',
          type: first.type,
          condition,
          left: first,
          right: expectType(at.get('right'), right(), first.type),
        };
      }
      case 'dereference_stack':
      case 'dereference_header_stack':
        return { op: 'headerAt', type: 'header', stack: leftAs('headerStack'), index: rightAs('data') };
      case 'dereference_union_stack':
        return { op: 'unionAt', type: 'union', stack: leftAs('unionStack'), index: rightAs('data') };
      case 'access_field':
        return { op: 'fieldAt', type: 'data', header: leftAs('header'), offset: at.get('right').integer() };
      case 'access_union_header':
        return { op: 'memberAt', type: 'header', union: leftAs('union'), member: at.get('right').integer() };
      case 'last_stack_index':
        return { op: 'lastIndex', type: 'data', stack: this.stackOperand(at) };
      case 'size_stack':
        return { op: 'stackSize', type: 'data', stack: this.stackOperand(at) };
    }
  }

  /** The operand of a unary stack operator; p4c writes it as "right", the format's documentation has "left". */
  private stackOperand(at: JsonReader): Expression {
    const operand = at.get('left').missing ? at.get('right') : at.get('left');
    const stack = this.expression(operand);
    if (stack.type !== 'headerStack' && stack.type !== 'unionStack') operand.fail('a stack is needed');
    return stack;
  }
}

export function fieldOf(at: JsonReader, header: HeaderDef, name: string): FieldDef {
  const field = header.fields.find((candidate) => candidate.name === name);
  if (field === undefined) {
    return at.fail(
      `header ${header.name} has no field "${name}" (it has: ${header.fields.map((f) => f.name).join(', ')})`,
    );
  }
  return field;
}

function expectType(at: JsonReader, expression: Expression, type: ExpressionType): Expression {
  // The placeholder of an unsupported expression fits everywhere: the load fails at the end in any case.
  if (expression.type !== type && expression !== PLACEHOLDER)
    at.fail(`an expression of type ${type} is needed, but this one is ${expression.type}`);
  return expression;
}

export function isOneOf<T extends string>(list: readonly T[], text: string): text is T {
  return (list as readonly string[]).includes(text);
}

/** Bits of a field reference. */
export function widthOf(ref: FieldRef): number {
  return 'field' in ref ? ref.field.width : 1;
}
