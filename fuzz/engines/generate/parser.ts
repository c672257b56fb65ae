import type { Dice } from '../dice.js';
import type { Expressions } from './expressions.js';
import { field, header, hexstr, call, operation, type Json } from './json.js';
import type { Shape } from './shape.js';

const ERRORS = 8;
const MAX_KEY_BITS = 128;

interface Step {
  readonly ops: readonly Json[];
  /** Keys by which the next state can be chosen. */
  readonly keys: readonly { readonly json: Json; readonly width: number }[];
  /** It can follow itself: it extracts to a stack, which is full at some point. */
  readonly loops: boolean;
}

/** A random parser: states lead to later ones, or to themselves while a stack is filled. */
export function randomParser(shape: Shape, dice: Dice, expressions: Expressions): Json {
  const count = 2 + dice.below(7);
  const steps = Array.from({ length: count }, (_, i) =>
    i === 0 ? plainStep(shape, dice, 0) : randomStep(shape, dice, expressions),
  );
  const parse_states = steps.map(({ ops, keys, loops }, id) => {
    const key = dice.oneIn(8) ? [] : keys.filter(() => dice.oneIn(2) || keys.length === 1);
    const bits = key.reduce((sum, { width }) => sum + Math.ceil(width / 8) * 8, 0);
    const next = (): string | null => {
      const to = loops && dice.oneIn(2) ? id : id + 1 + dice.below(3);
      return to < count ? `s${to}` : null;
    };
    const value = (): bigint =>
      key.reduce((sum, { width }) => (sum << BigInt(Math.ceil(width / 8) * 8)) | dice.value(width), 0n);
    const choices = Array.from({ length: key.length === 0 ? 0 : 1 + dice.below(3) }, () => {
      if (dice.oneIn(10) && bits === 8) return { type: 'parse_vset', value: 'values', mask: null, next_state: next() };
      const mask = dice.oneIn(3) ? value() : undefined;
      return {
        type: 'hexstr',
        ...padded('value', value(), bits),
        mask: mask === undefined ? null : padded('mask', mask, bits).mask,
        next_state: next(),
      };
    });
    const fallback =
      key.length > 0 && dice.oneIn(6) ? [] : [{ type: 'default', value: null, mask: null, next_state: next() }];
    return {
      name: `s${id}`,
      id,
      parser_ops: ops,
      transitions: [...choices, ...fallback],
      transition_key: key.map(({ json }) => json),
    };
  });
  return { name: 'parser', id: 0, init_state: 's0', parse_states };
}

function padded(name: string, value: bigint, bits: number): Record<string, string> {
  return { [name]: `0x${value.toString(16).padStart(bits / 4, '0')}` };
}

function extract(kind: string, value: unknown): Json {
  return { op: 'extract', parameters: [{ type: kind, value }] };
}

function plainStep(shape: Shape, dice: Dice, which: number): Step {
  const target = shape.plain[which]!;
  const small = target.type.fields.filter(({ width }) => width <= MAX_KEY_BITS);
  const keys = small.slice(0, 1 + dice.below(2)).map(({ name, width }) => ({ json: field(target.name, name), width }));
  return { ops: [extract('regular', target.name)], keys, loops: false };
}

function randomStep(shape: Shape, dice: Dice, expressions: Expressions): Step {
  const step = extraction(shape, dice);
  const more = Array.from({ length: dice.below(3) }, () => operationOf(shape, dice, expressions));
  return { ...step, ops: [...step.ops, ...more] };
}

function extraction(shape: Shape, dice: Dice): Step {
  switch (dice.below(8)) {
    case 0:
      return {
        ops: [
          {
            op: 'extract_VL',
            parameters: [
              { type: 'regular', value: dice.pick(shape.varbits).name },
              operation('<<', operation('&', hexstr(dice.below(8)), hexstr(0xf)), hexstr(3)),
            ],
          },
        ],
        keys: [{ json: { type: 'lookahead', value: [0, 8] }, width: 8 }],
        loops: false,
      };
    case 1: {
      const { name, elements } = dice.pick(shape.stacks);
      const kind = elements[0]!.type.fields[0]!;
      return {
        ops: [extract('stack', name)],
        keys: [{ json: { type: 'stack_field', value: [name, kind.name] }, width: kind.width }],
        loops: true,
      };
    }
    case 2: {
      const member = dice.below(2);
      const kind = shape.unions[0]!.elements[member]!.type.fields[0]!;
      const path = ['us', shape.members[member]!];
      return {
        ops: [extract('union_stack', path)],
        keys: [{ json: { type: 'union_stack_field', value: [...path, kind.name] }, width: kind.width }],
        loops: true,
      };
    }
    case 3: {
      const { name, type } = dice.pick(dice.pick(shape.unions).elements);
      return {
        ops: [extract('regular', name)],
        keys: [{ json: field(name, type.fields[0]!.name), width: type.fields[0]!.width }],
        loops: false,
      };
    }
    case 4:
      return {
        ops: [],
        keys: [
          { json: { type: 'lookahead', value: [dice.below(9), 8] }, width: 8 },
          { json: { type: 'lookahead', value: [0, 5] }, width: 5 },
        ],
        loops: false,
      };
    default:
      return plainStep(shape, dice, 1 + dice.below(shape.plain.length - 1));
  }
}

function operationOf(shape: Shape, dice: Dice, expressions: Expressions): Json {
  switch (dice.below(7)) {
    case 0:
      return { op: 'advance', parameters: [dice.oneIn(8) ? expressions.data(1) : hexstr(8 * dice.below(4))] };
    case 1:
      return { op: 'shift', parameters: [dice.below(4)] };
    case 2:
      return {
        op: 'verify',
        parameters: [operation('or', expressions.condition(1), expressions.condition(1)), hexstr(dice.below(ERRORS))],
      };
    case 3:
      return { op: 'primitive', parameters: [call('add_header', header(dice.pick(shape.packetHeaders).name))] };
    case 4: {
      const width = 1 + dice.below(40);
      return { op: 'set', parameters: [expressions.anyField(), { type: 'lookahead', value: [dice.below(12), width] }] };
    }
    default:
      return { op: 'set', parameters: [expressions.anyField(), expressions.data(2)] };
  }
}
