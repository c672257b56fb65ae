import type { JsonReader } from './reader.js';
import { Registry } from './reader.js';
import { fieldOf, isOneOf, widthOf, type NameScope } from './expression.js';
import type { Expression, HeaderDef, UnionStackDef } from './data.js';
import { loadPrimitive, type ExternScope } from './primitives.js';
import type {
  DeparserDef,
  ExtractTarget,
  ParserDef,
  ParserOp,
  ParserStateDef,
  Transition,
  TransitionKey,
  ValueSetDef,
} from './program.js';

export const PARSER_OPS = ['extract', 'extract_VL', 'set', 'verify', 'shift', 'advance', 'primitive'] as const;
/** Targets of an extraction. */
export const EXTRACT_TARGETS = ['regular', 'stack', 'union_stack'] as const;
/** Parts of a transition key. */
export const TRANSITION_KEYS = ['field', 'stack_field', 'union_stack_field', 'lookahead'] as const;
/** What a transition compares with. */
export const TRANSITIONS = ['default', 'hexstr', 'parse_vset'] as const;

export interface ParserScope {
  readonly scope: NameScope;
  readonly externs: ExternScope;
  readonly valueSets: Registry<ValueSetDef>;
}

export function loadParser(at: JsonReader, context: ParserScope): ParserDef {
  const states = new Registry<ParserStateDef>('parser state');
  const readers = at.get('parse_states').items();
  readers.forEach((state, index) => {
    states.add(state, state.get('name').string(), {
      name: state.get('name').string(),
      index,
      ops: state
        .get('parser_ops')
        .items()
        .flatMap((op) => loadOp(op, context)),
      key: state
        .get('transition_key')
        .items()
        .flatMap((key) => loadKey(key, context.scope)),
      transitions: [],
      defaultNext: null,
    });
  });
  for (const reader of readers) {
    const state = states.get(reader, reader.get('name').string());
    const transitions: Transition[] = [];
    for (const transition of reader.get('transitions').items()) {
      const nextName = transition.get('next_state').stringOrNull();
      const next = nextName === null ? null : states.get(transition.get('next_state'), nextName);
      const loaded = loadTransition(transition, next, keyBits(state.key), context.valueSets);
      if (loaded === 'default') state.defaultNext = next;
      else if (loaded !== undefined) transitions.push(loaded);
    }
    state.transitions = transitions;
  }
  const init = at.get('init_state');
  return {
    name: at.get('name').string(),
    start: init.missing ? null : states.get(init, init.string()),
    states: states.values(),
  };
}

/** Bits of the whole key: each part is padded to whole bytes. */
function keyBits(key: readonly TransitionKey[]): number {
  return key.reduce((bits, part) => bits + Math.ceil(part.width / 8) * 8, 0);
}

function loadTransition(
  at: JsonReader,
  next: ParserStateDef | null,
  bits: number,
  valueSets: Registry<ValueSetDef>,
): Transition | 'default' | undefined {
  const value = at.get('value');
  // Before format 2.8 the value implied the type.
  const type = at.has('type') ? at.get('type').string() : value.value === 'default' ? 'default' : 'hexstr';
  if (!isOneOf(TRANSITIONS, type)) {
    at.lacks(`parser transition "${type}"`);
    return undefined;
  }
  if (type === 'default' || value.value === 'default') return 'default';
  const mask = at.has('mask') ? at.get('mask').hex() : null;
  if (mask !== null && mask >> BigInt(bits) !== 0n)
    at.get('mask').fail(`the mask is wider than the key of ${bits} bits`);
  if (type === 'parse_vset')
    return { mask, match: { kind: 'valueSet', set: valueSets.get(value, value.string()) }, next };
  if (value.hex() >> BigInt(bits) !== 0n) value.fail(`the value is wider than the key of ${bits} bits`);
  return { mask, match: { kind: 'value', value: value.hex() }, next };
}

function loadKey(at: JsonReader, scope: NameScope): TransitionKey[] {
  const type = at.get('type').string();
  const value = at.get('value');
  if (!isOneOf(TRANSITION_KEYS, type)) {
    at.lacks(`parser key "${type}"`);
    return [];
  }
  switch (type) {
    case 'field': {
      const ref = scope.fieldRef(value);
      return [{ kind: 'field', ref, width: widthOf(ref) }];
    }
    case 'stack_field': {
      const [name, fieldName] = value.tuple(2) as [JsonReader, JsonReader];
      const stack = scope.stacks.get(name, name.string());
      const field = fieldOf(fieldName, stack.outside, fieldName.string());
      return [{ kind: 'stackField', stack, offset: field.offset, width: field.width }];
    }
    case 'union_stack_field': {
      const [name, memberName, fieldName] = value.tuple(3) as [JsonReader, JsonReader, JsonReader];
      const stack = scope.unionStacks.get(name, name.string());
      const member = memberOf(memberName, stack);
      const field = fieldOf(fieldName, stack.unions[0]!.members[member]!, fieldName.string());
      return [{ kind: 'unionStackField', stack, member, offset: field.offset, width: field.width }];
    }
    case 'lookahead': {
      const [bitOffset, width] = value.tuple(2) as [JsonReader, JsonReader];
      return [{ kind: 'lookahead', bitOffset: bitOffset.integer(), width: width.integer() }];
    }
  }
}

function memberOf(at: JsonReader, stack: UnionStackDef): number {
  const names = stack.unions[0]?.memberNames ?? [];
  const member = names.indexOf(at.string());
  return member >= 0
    ? member
    : at.fail(`union stack ${stack.name} has no member "${at.string()}" (it has: ${names.join(', ')})`);
}

function loadOp(at: JsonReader, context: ParserScope): ParserOp[] {
  const { scope } = context;
  const op = at.get('op').string();
  const parameters = at.get('parameters');
  if (!isOneOf(PARSER_OPS, op)) {
    at.lacks(`parser operation "${op}"`);
    return [];
  }
  switch (op) {
    case 'extract':
    case 'extract_VL': {
      const [target, length] = parameters.tuple(op === 'extract' ? 1 : 2) as [JsonReader, JsonReader];
      const to = loadTarget(target, scope);
      const example = exampleHeader(to);
      const varbits = op === 'extract' ? example.lengthExpression : scope.data(length);
      if (op === 'extract' && example.varbit !== undefined && varbits === undefined) {
        at.fail(`header type ${example.type} has a field of variable length: extract_VL with its length is needed`);
      }
      if (op === 'extract' && varbits !== undefined && to.kind !== 'header')
        at.lacks('length expressions of headers in stacks');
      return [{ op: 'extract', target: to, varbits }];
    }
    case 'set': {
      const [target, from] = parameters.tuple(2) as [JsonReader, JsonReader];
      if (target.get('type').string() !== 'field') target.fail('only a field can be set');
      const field = scope.field(target.get('value'));
      if (from.get('type').string() === 'lookahead') {
        const [bitOffset, width] = from.get('value').tuple(2) as [JsonReader, JsonReader];
        return [{ op: 'lookahead', field, bitOffset: bitOffset.integer(), width: width.integer() }];
      }
      if (field.varbit) {
        // A varbit field is copied with its length, which "set" of any other field does not have.
        const places = [target, from].map((place) => ({
          kind: 'expression' as const,
          expression: scope.expression(place),
        }));
        return [{ op: 'primitive', primitive: { op: 'assign_VL', args: places, source: undefined } }];
      }
      return [{ op: 'set', field, from: asData(scope.expression(from)) }];
    }
    case 'verify': {
      const [condition, error] = parameters.tuple(2) as [JsonReader, JsonReader];
      const value: Expression =
        typeof error.value === 'number'
          ? { op: 'constant', type: 'data', value: BigInt(error.integer()) }
          : scope.data(error);
      return [{ op: 'verify', condition: scope.condition(condition), error: value }];
    }
    case 'shift': {
      const [bytes] = parameters.tuple(1) as [JsonReader];
      return [{ op: 'advance', bits: { op: 'constant', type: 'data', value: BigInt(bytes.integer()) * 8n } }];
    }
    case 'advance': {
      const [bits] = parameters.tuple(1) as [JsonReader];
      return [{ op: 'advance', bits: scope.data(bits) }];
    }
    case 'primitive': {
      const [primitive] = parameters.tuple(1) as [JsonReader];
      return [{ op: 'primitive', primitive: loadPrimitive(primitive, scope, context.externs, 0) }];
    }
  }
}

function asData(expression: Expression): Expression {
  return expression.type === 'bool' ? { op: 'fromBool', type: 'data', of: expression } : expression;
}

function loadTarget(at: JsonReader, scope: NameScope): ExtractTarget {
  const type = at.get('type').string();
  const value = at.get('value');
  if (!isOneOf(EXTRACT_TARGETS, type))
    return at.fail(`cannot extract to a "${type}" (valid: ${EXTRACT_TARGETS.join(', ')})`);
  switch (type) {
    case 'regular':
      return { kind: 'header', header: scope.headers.get(value, value.string()) };
    case 'stack':
      return { kind: 'stack', stack: scope.stacks.get(value, value.string()) };
    case 'union_stack': {
      const [name, member] = value.tuple(2) as [JsonReader, JsonReader];
      const stack = scope.unionStacks.get(name, name.string());
      return { kind: 'unionStack', stack, member: memberOf(member, stack) };
    }
  }
}

function exampleHeader(target: ExtractTarget): HeaderDef {
  if (target.kind === 'header') return target.header;
  if (target.kind === 'stack') return target.stack.outside;
  return target.stack.unions[0]!.members[target.member]!;
}

export function loadDeparser(at: JsonReader, scope: NameScope, externs: ExternScope): DeparserDef {
  return {
    name: at.get('name').string(),
    order: at
      .get('order')
      .items()
      .map((name) => scope.headers.get(name, name.string())),
    primitives: at
      .get('primitives')
      .items()
      .map((primitive) => loadPrimitive(primitive, scope, externs, 0)),
  };
}
