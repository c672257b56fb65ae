import { call, field, hexstr, type Json } from './json.js';
import { ALIASES, STANDARD_METADATA } from './v1model.js';

/** Fields of one pass; most of them are written before they are read. */
export const TEMPORARIES: readonly (readonly [name: string, width: number, signed: boolean, saturating?: boolean])[] = [
  ['t0', 32, false],
  ['t1', 32, true],
  ['t2', 16, false],
  ['t3', 40, false],
  ['t4', 8, false],
  ['t5', 32, false],
  ['t6', 9, true],
  ['t7', 16, false, true],
  ['t8', 16, true, true],
];
export const INVARIANTS = ['a', 'b', 'c'];

export interface RegisterShape {
  readonly name: string;
  readonly width: number;
  readonly size: number;
}

export interface PrimitiveJson {
  readonly op: string;
  readonly parameters: Json[];
}

/** BMv2 JSON of a program that runs these actions one after the other, and then sends the packet to port 1. */
export function loopProgram(registers: readonly RegisterShape[], code: readonly (readonly Json[])[]): string {
  const actions = code.map((primitives, id) => ({ name: `loop${id}`, id, runtime_data: [], primitives }));
  const send = call('assign', field('standard_metadata', 'egress_spec'), hexstr(1));
  const headers = ['scalars', 'standard_metadata', 'h'];
  const calls = [...actions.map(({ id }) => id), actions.length];
  return JSON.stringify({
    __meta__: { version: [2, 23], compiler: 'random' },
    header_types: [
      {
        name: 'scalars_t',
        id: 0,
        fields: [
          ...['i', 'j'].map((name) => [name, 32, false]),
          ['k', 16, false],
          ...TEMPORARIES,
          ['_padding', 7, false],
        ],
      },
      { name: 'standard_metadata', id: 1, fields: STANDARD_METADATA },
      {
        name: 'h_t',
        id: 2,
        fields: [
          ...INVARIANTS.map((name) => [name, name === 'c' ? 8 : 32, false]),
          ['sum', 32, false],
          ['bits', 16, false],
        ],
      },
    ],
    headers: headers.map((name, id) => ({
      name,
      id,
      header_type: name === 'standard_metadata' ? name : `${name}_t`,
      metadata: name !== 'h',
      pi_omit: true,
    })),
    header_stacks: [],
    field_lists: [],
    errors: [],
    enums: [],
    meter_arrays: [],
    counter_arrays: [{ name: 'counts', id: 0, size: 12, is_direct: false }],
    register_arrays: registers.map(({ name, size, width }, id) => ({ name, id, size, bitwidth: width })),
    calculations: [],
    learn_lists: [],
    checksums: [],
    force_arith: [],
    extern_instances: [],
    parse_vsets: [],
    parsers: [
      {
        name: 'parser',
        id: 0,
        init_state: 'start',
        parse_states: [
          {
            name: 'start',
            id: 0,
            parser_ops: [{ op: 'extract', parameters: [{ type: 'regular', value: 'h' }] }],
            transitions: [{ type: 'default', value: null, mask: null, next_state: null }],
            transition_key: [],
          },
        ],
      },
    ],
    deparsers: [{ name: 'deparser', id: 0, order: ['h'], primitives: [] }],
    actions: [...actions, { name: 'send', id: actions.length, runtime_data: [], primitives: [send] }],
    pipelines: ['ingress', 'egress'].map((name, id) => ({
      name,
      id,
      init_table: id === 0 ? 'call0' : null,
      action_profiles: [],
      tables: [],
      conditionals: [],
      action_calls:
        id === 0
          ? calls.map((action, i) => ({
              name: `call${i}`,
              id: i,
              action_id: action,
              next_node: i + 1 < calls.length ? `call${i + 1}` : null,
            }))
          : [],
    })),
    field_aliases: ALIASES,
  });
}
