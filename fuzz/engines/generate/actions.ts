import type { Dice } from '../dice.js';
import type { Expressions } from './expressions.js';
import { call, field, header, headerStack, headerUnion, headerUnionStack, hexstr, type Json } from './json.js';
import type { Shape } from './shape.js';

export interface Externs {
  readonly registers: readonly { readonly name: string; readonly size: number; readonly width: number }[];
  readonly counters: readonly { readonly name: string; readonly size: number }[];
  readonly meters: readonly { readonly name: string; readonly size: number }[];
  readonly calculations: readonly string[];
  /** Ids from 1. */
  readonly fieldLists: number;
  readonly learnLists: number;
}

const P4_14 = ['add', 'subtract', 'bit_and', 'bit_or', 'bit_xor', 'shift_right'];
const PARAMETER_WIDTHS = [1, 8, 9, 16, 32, 48, 64, 65, 128];

/** Random actions: every primitive of the format, with jumps. */
export class Actions {
  constructor(
    private readonly shape: Shape,
    private readonly dice: Dice,
    private readonly expressions: Expressions,
    private readonly externs: Externs,
  ) {}

  make(
    name: string,
    id: number,
  ): {
    readonly name: string;
    readonly id: number;
    readonly runtime_data: readonly { readonly bitwidth: number }[];
    readonly primitives: readonly Json[];
  } {
    const { dice } = this;
    const runtime_data = Array.from({ length: dice.below(4) }, (_, i) => ({
      name: `p${i}`,
      bitwidth: dice.pick(PARAMETER_WIDTHS),
    }));
    const count = 1 + dice.below(7);
    const primitives = Array.from({ length: count }, (_, i) => this.primitive(runtime_data.length, i, count));
    return { name, id, runtime_data, primitives };
  }

  /** @param at its place among `count`. */
  private primitive(params: number, at: number, count: number): Json {
    const { dice, expressions, shape, externs } = this;
    const data = (): Json => expressions.data(2, params);
    const place = (): Json => expressions.place(params);
    switch (dice.below(44)) {
      case 0:
        return call(dice.pick(['add_header', 'add_header', 'add_header_fast']), this.someHeader());
      case 1:
        return call('remove_header', this.someHeader());
      case 2: {
        const [to, from] = dice.pick([
          ['a', 'a2'],
          ['a2', 'a'],
          ['cells[0]', 'more[1]'],
          ['more[2]', 'cells[1]'],
          ['u.x', 'w.x'],
          ['us[0].y', 'w.y'],
          ['rest', 'rest2'],
        ] as const);
        return call(dice.pick(['assign_header', 'copy_header']), header(to), header(from));
      }
      case 3:
        return dice.pick([
          call('assign_union', headerUnion('u'), headerUnion('w')),
          call('assign_header_stack', headerStack('cells'), headerStack('more')),
          call('assign_union_stack', headerUnionStack('us'), headerUnionStack('us')),
          call('assign_VL', field('rest2', 'rest'), field('rest', 'rest')),
        ]);
      case 4: {
        const stack = dice.oneIn(4) ? headerUnionStack('us') : headerStack(dice.pick(shape.stacks).name);
        return call(dice.pick(['push', 'pop']), stack, hexstr(1 + dice.below(3)));
      }
      case 5:
        return call('_jump', hexstr(at + 1 + dice.below(count - at)));
      case 6:
      case 7:
        return call('_jump_if_zero', expressions.data(1, params), hexstr(at + 1 + dice.below(count - at)));
      case 8:
        return dice.oneIn(3) ? call('exit') : call('no_op');
      case 9:
        return dice.oneIn(3)
          ? dice.pick([call('mark_to_drop', header('standard_metadata')), call('drop')])
          : call('assign', place(), data());
      case 10:
        return call('modify_field_rng_uniform', place(), hexstr(dice.below(100)), hexstr(100 + dice.below(1_000_000)));
      case 11:
      case 12:
        return call(
          'modify_field_with_hash_based_offset',
          place(),
          hexstr(dice.below(8)),
          { type: 'calculation', value: dice.pick(externs.calculations) },
          hexstr(dice.pick([0, 1, 7, 256, 65_536, 2 ** 32])),
        );
      case 13:
      case 14: {
        const { name, size } = dice.pick(externs.registers);
        return call('register_read', place(), { type: 'register_array', value: name }, expressions.index(size, params));
      }
      case 15:
      case 16: {
        const { name, size } = dice.pick(externs.registers);
        return call('register_write', { type: 'register_array', value: name }, expressions.index(size, params), data());
      }
      case 17: {
        const { name, size } = dice.pick(externs.counters);
        return call('count', { type: 'counter_array', value: name }, expressions.index(size, params));
      }
      case 18: {
        const { name, size } = dice.pick(externs.meters);
        return call('execute_meter', { type: 'meter_array', value: name }, expressions.index(size, params), place());
      }
      case 19:
        return call('generate_digest', hexstr(0), hexstr(1 + dice.below(externs.learnLists)));
      case 20:
        return call(
          dice.pick(['clone_ingress_pkt_to_egress', 'clone_egress_pkt_to_egress']),
          hexstr(dice.below(6)),
          hexstr(dice.below(1 + externs.fieldLists)),
        );
      case 21:
        return dice.oneIn(3)
          ? call(dice.pick(['resubmit', 'recirculate']), hexstr(1 + dice.below(externs.fieldLists)))
          : call('assign', place(), data());
      case 22:
        return dice.oneIn(3) ? call('truncate', hexstr(dice.below(100))) : call('assign', place(), data());
      case 23:
        return call(
          'log_msg',
          { type: 'string', value: '{} and {}' },
          { type: 'parameters_vector', value: [data(), data()] },
        );
      case 24:
        return dice.oneIn(6)
          ? call(dice.pick(['assert', 'assume']), expressions.condition(1, params))
          : call('assign', place(), data());
      case 25:
        return call(dice.pick(P4_14), place(), data(), operand(expressions, dice, params));
      case 26:
        return call(dice.pick(['add_to_field', 'subtract_from_field', 'modify_field']), place(), data());
      case 27:
        return call('shift_left', place(), data(), hexstr(dice.below(70)));
      case 28:
        return call('assign', field('standard_metadata', 'egress_spec'), hexstr(dice.below(5)));
      case 29:
        return call('assign', field('standard_metadata', 'mcast_grp'), hexstr(dice.below(4)));
      default:
        return call('assign', place(), expressions.data(3, params));
    }
  }

  private someHeader(): Json {
    return header(this.dice.pick(this.shape.packetHeaders).name);
  }
}

/** Non-negative and small: it may be a shift distance. */
function operand(expressions: Expressions, dice: Dice, params: number): Json {
  return dice.oneIn(2)
    ? hexstr(dice.below(70))
    : { type: 'expression', value: { op: '&', left: expressions.data(1, params), right: hexstr(0x7f) } };
}
