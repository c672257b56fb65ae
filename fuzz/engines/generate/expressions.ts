import type { Dice } from '../dice.js';
import {
  asData,
  field,
  header,
  headerStack,
  headerUnion,
  headerUnionStack,
  hexstr,
  operation,
  type Json,
} from './json.js';
import { STACK_SIZE, type HeaderShape, type Shape } from './shape.js';

const PLAIN_OPERATORS = ['+', '+', '-', '-', '*', '&', '|', '^'];
const SCALAR_METADATA = [
  'ingress_port',
  'egress_spec',
  'packet_length',
  'instance_type',
  'mcast_grp',
  'egress_rid',
  'parser_error',
  'checksum_error',
  'egress_port',
];
const CAST_WIDTHS = [1, 2, 7, 8, 9, 16, 31, 32, 33, 48, 63, 64, 65, 128, 129, 300];

/** Random expressions over the headers of a program: every operator and operand of the format. */
export class Expressions {
  constructor(
    private readonly shape: Shape,
    private readonly dice: Dice,
    /** Names and sizes of the register arrays. */
    private readonly registers: readonly { readonly name: string; readonly size: number }[],
  ) {}

  /** @param params how many arguments the action has. */
  data(depth: number, params = 0): Json {
    const { dice } = this;
    if (depth === 0 || dice.oneIn(5)) return this.leaf(params);
    const next = (): Json => this.data(depth - 1, params);
    switch (dice.below(14)) {
      case 0:
        return operation('~', null, next());
      case 1:
        return operation(dice.pick(['/', '%']), next(), dice.oneIn(16) ? next() : operation('|', next(), hexstr(1)));
      case 2:
        return operation('<<', next(), dice.oneIn(2) ? hexstr(dice.below(80)) : operation('&', next(), hexstr(0x3f)));
      case 3:
        return operation('>>', next(), dice.oneIn(2) ? hexstr(dice.below(80)) : operation('&', next(), hexstr(0xff)));
      case 4:
        return operation(dice.pick(['two_comp_mod', 'usat_cast', 'sat_cast']), next(), hexstr(dice.pick(CAST_WIDTHS)));
      case 5:
        return asData(this.condition(depth - 1, params));
      case 6:
        return operation('?', next(), next(), this.condition(depth - 1, params));
      case 7:
        return operation('-', null, next());
      case 8:
        return operation('access_field', this.headerAt(depth - 1, params), this.offsetOfCell());
      default:
        return operation(dice.pick(PLAIN_OPERATORS), next(), next());
    }
  }

  condition(depth: number, params = 0): Json {
    const { dice, shape } = this;
    const data = (): Json => this.data(Math.max(0, depth - 1), params);
    if (depth === 0 || dice.oneIn(8)) {
      switch (dice.below(5)) {
        case 0:
          return { type: 'bool', value: dice.oneIn(2) };
        case 1:
          return operation('d2b', null, this.leaf(params));
        case 2:
          return operation('valid_union', null, headerUnion(dice.pick(shape.unions).name));
        default:
          return operation('valid', null, header(dice.pick(shape.packetHeaders).name));
      }
    }
    const next = (): Json => this.condition(depth - 1, params);
    switch (dice.below(10)) {
      case 0:
        return operation('not', null, next());
      case 1:
        return operation(dice.pick(['and', 'or']), next(), next());
      case 2:
        return operation(dice.pick(['==', '!=']), next(), next());
      case 3:
        return operation(dice.pick(['==', '!=']), header('a'), header('a2'));
      case 4:
        return operation(dice.pick(['==', '!=']), headerUnion('u'), headerUnion('w'));
      case 5:
        return operation('valid', null, this.headerAt(depth - 1, params));
      case 6:
        return operation('?', next(), next(), next());
      case 7:
        return operation(dice.pick(['==', '!=']), data(), data());
      default:
        return operation(dice.pick(['<', '>', '<=', '>=']), data(), data());
    }
  }

  /** A place where a value can be stored; not the validity of a header. */
  place(params: number): Json {
    const { dice } = this;
    switch (dice.below(12)) {
      case 0:
        return operation('access_field', this.headerAt(1, params), this.offsetOfCell());
      case 1:
        return this.lastOfStack();
      default:
        return this.anyField();
    }
  }

  anyField(): Json {
    const { dice, shape } = this;
    if (dice.oneIn(16))
      return field('standard_metadata', dice.pick(['mcast_grp', 'egress_spec', 'priority', '_padding']));
    return fieldOf(dice.oneIn(3) ? shape.metadata : dice.pick(shape.packetHeaders), dice);
  }

  /** An index into `size` cells, seldom outside of them. */
  index(size: number, params: number): Json {
    const { dice } = this;
    if (dice.oneIn(2)) return hexstr(dice.below(size));
    return dice.oneIn(12)
      ? this.leaf(params)
      : operation('%', operation('&', this.leaf(params), hexstr(0xffff)), hexstr(size));
  }

  private leaf(params: number): Json {
    const { dice, shape, registers } = this;
    switch (dice.below(16)) {
      case 0:
      case 1:
        return params > 0 ? { type: dice.pick(['runtime_data', 'local']), value: dice.below(params) } : this.constant();
      case 2:
      case 3:
        return this.constant();
      case 4:
        return { type: 'field', value: [dice.pick(shape.packetHeaders).name, '$valid$'] };
      case 5:
        return operation(
          dice.pick(['last_stack_index', 'size_stack']),
          null,
          headerStack(dice.pick(shape.stacks).name),
        );
      case 6: {
        if (registers.length === 0) return this.constant();
        const { name, size } = dice.pick(registers);
        return { type: 'register', value: [name, hexstr(dice.below(size))] };
      }
      case 7:
        return this.lastOfStack();
      case 8:
        return field('standard_metadata', dice.pick(SCALAR_METADATA));
      default:
        return this.anyField();
    }
  }

  private constant(): Json {
    const { dice } = this;
    const value = dice.value(dice.pick([4, 8, 16, 32, 33, 64, 65, 130]));
    return hexstr(dice.oneIn(6) ? -value : value);
  }

  private lastOfStack(): Json {
    const { name, elements } = this.dice.pick(this.shape.stacks);
    return { type: 'stack_field', value: [name, this.dice.pick(elements[0]!.type.fields).name] };
  }

  /** A field of a stack element, or of a member of a union. */
  private offsetOfCell(): number {
    return this.dice.below(2);
  }

  /** A header that is known only at run time. */
  private headerAt(depth: number, params: number): Json {
    const { dice, shape } = this;
    if (depth > 0 && dice.oneIn(6)) {
      const { name } = dice.pick(shape.stacks);
      return operation('?', header(`${name}[0]`), header(`${name}[1]`), this.condition(0, params));
    }
    const index = dice.oneIn(3) ? hexstr(dice.below(STACK_SIZE)) : operation('&', this.data(depth, params), hexstr(3));
    switch (dice.below(4)) {
      case 0:
        return operation('access_union_header', headerUnion(dice.pick(shape.unions).name), dice.below(2));
      case 1:
        return operation(
          'access_union_header',
          operation(
            'dereference_union_stack',
            headerUnionStack('us'),
            operation('&', this.data(depth, params), hexstr(1)),
          ),
          dice.below(2),
        );
      default:
        return operation(
          dice.pick(['dereference_stack', 'dereference_header_stack']),
          headerStack(dice.pick(shape.stacks).name),
          index,
        );
    }
  }
}

export function fieldOf({ name, type }: HeaderShape, dice: Dice): Json {
  return field(name, dice.pick(type.fields).name);
}
