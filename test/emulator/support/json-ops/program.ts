/**
 * A program written in BMv2's JSON itself, for what the format has and p4c does not write for v1model, or only in
 * combinations: primitives of P4_14, operators that p4c turns into others, unions and union stacks by index.
 * The first byte of a packet chooses the case. What must come out is by the format's text and simple_switch's source;
 * test/differential/json-ops.test.ts asks simple_switch itself.
 */
import { ALIASES, STANDARD_METADATA } from '../../../../fuzz/engines/generate/v1model.js';
import { field, hex, header, inner, expression, run } from './elements.js';
import type { JsonCase } from './elements.js';
import { CALCULATIONS, HASH_CASES } from './hashes.js';
import { HEADER_CASES } from './headers.js';
import { VALUE_CASES } from './values.js';

export type { JsonCase } from './elements.js';

export const JSON_CASES: readonly JsonCase[] = [...VALUE_CASES, ...HEADER_CASES, ...HASH_CASES].map((each, i) => ({
  ...each,
  code: i + 1,
}));

const one = (kind: string, value: unknown): object => ({ op: 'extract', parameters: [{ type: kind, value }] });
const setResult = (value: number): object => ({ op: 'set', parameters: [field('r'), hex(value)] });
const always = (next: string | null): object => ({ type: 'default', value: null, mask: null, next_state: next });

function state(
  id: number,
  name: string,
  ops: readonly object[],
  transitions: readonly object[] = [always(null)],
  key: readonly object[] = [],
): object {
  return { name, id, parser_ops: ops, transitions, transition_key: key };
}

function parserStates(): object[] {
  const choices = JSON_CASES.flatMap((each) =>
    each.state === undefined
      ? []
      : [{ type: 'hexstr', value: `0x${byte(each.code)}`, mask: null, next_state: each.state }],
  );
  const high = (name: string): object[] => [
    { type: 'hexstr', value: '0x80', mask: '0x80', next_state: name },
    always('low'),
  ];
  return [
    state(0, 'start', [one('regular', 'h')], [...choices, always(null)], [field('op')]),
    state(1, 'three', [one('stack', 'cells'), one('stack', 'cells'), one('stack', 'cells')]),
    state(2, 'varbit', [
      {
        op: 'extract_VL',
        parameters: [{ type: 'regular', value: 'vb1' }, expression('<<', { type: 'hexstr', value: '0x2' }, hex(3))],
      },
    ]),
    state(3, 'shift', [{ op: 'shift', parameters: [2] }, one('regular', 'x1')]),
    state(4, 'primitive', [
      { op: 'primitive', parameters: [run('add_header', header('x1'))] },
      { op: 'set', parameters: [field('v', 'x1'), hex(7)] },
    ]),
    state(5, 'union_stack', [one('union_stack', ['us', 'x']), one('union_stack', ['us', 'x'])], high('high'), [
      { type: 'union_stack_field', value: ['us', 'x', 'v'] },
    ]),
    state(6, 'last', [one('stack', 'cells'), one('stack', 'cells')], high('high'), [
      { type: 'stack_field', value: ['cells', 'v'] },
    ]),
    state(9, 'length', [one('regular', 'vb3')]),
    state(7, 'high', [setResult(10)]),
    state(8, 'low', [setResult(11)]),
  ];
}

const byte = (value: number): string => value.toString(16).padStart(2, '0');

/** All headers: three elements a stack, two members a union. */
function headers(): { readonly list: object[]; readonly id: (name: string) => number; readonly order: string[] } {
  const names: [name: string, type: string][] = [
    ['h', 'data_t'],
    ['x1', 'byte_t'],
    ['x2', 'byte_t'],
  ];
  for (const name of ['cells', 'more']) for (let i = 0; i < 3; i++) names.push([`${name}[${i}]`, 'byte_t']);
  for (const name of ['u', 'w', 'us[0]', 'us[1]', 'vs[0]', 'vs[1]'])
    names.push([`${name}.x`, 'byte_t'], [`${name}.y`, 'word_t']);
  names.push(['vb1', 'varbit_t'], ['vb2', 'varbit_t'], ['vb3', 'old_varbit_t']);
  const order = names.map(([name]) => name);
  const all: [string, string, boolean][] = [
    ['scalars', 'scalars_t', true],
    ['standard_metadata', 'standard_metadata', true],
    ...names.map(([name, type]): [string, string, boolean] => [name, type, false]),
  ];
  const list = all.map(([name, header_type, metadata], id) => ({ name, id, header_type, metadata, pi_omit: true }));
  return { list, id: (name) => all.findIndex(([other]) => other === name), order };
}

/** The program with all cases. */
export function jsonOpsProgram(): string {
  const { list, id, order } = headers();
  const unions = ['u', 'w', 'us[0]', 'us[1]', 'vs[0]', 'vs[1]'];
  const send = run('assign', field('egress_spec', 'standard_metadata'), hex(1));
  const actions = [
    { name: 'send', primitives: [send] },
    { name: 'found', primitives: [run('assign', field('r'), hex(1))] },
    { name: 'lost', primitives: [run('assign', field('r'), hex(2))] },
    ...JSON_CASES.map(({ code, primitives }) => ({ name: `case_${code}`, primitives })),
  ].map(({ name, primitives }, index) => ({ name, id: index, runtime_data: [], primitives }));
  return JSON.stringify({
    __meta__: { version: [2, 23], compiler: 'by hand' },
    header_types: [
      { name: 'scalars_t', id: 0, fields: [] },
      { name: 'standard_metadata', id: 1, fields: STANDARD_METADATA },
      {
        name: 'data_t',
        id: 2,
        fields: [
          ['op', 8, false],
          ['a', 32, false],
          ['b', 32, false],
          ['r', 32, false],
        ],
      },
      { name: 'byte_t', id: 3, fields: [['v', 8, false]] },
      { name: 'word_t', id: 4, fields: [['v', 16, false]] },
      {
        name: 'varbit_t',
        id: 5,
        fields: [
          ['size', 8, false],
          ['rest', '*'],
        ],
        max_length: 9,
      },
      {
        name: 'old_varbit_t',
        id: 6,
        fields: [
          ['size', 8, false],
          ['rest', '*'],
        ],
        max_length: 9,
        length_exp: inner('<<', { type: 'local', value: 0 }, hex(3)),
      },
    ],
    headers: list,
    header_stacks: ['cells', 'more'].map((name, i) => ({
      name,
      id: i,
      header_type: 'byte_t',
      size: 3,
      header_ids: [0, 1, 2].map((j) => id(`${name}[${j}]`)),
    })),
    header_union_types: [
      {
        name: 'either_t',
        id: 0,
        headers: [
          ['x', 'byte_t'],
          ['y', 'word_t'],
        ],
      },
    ],
    header_unions: unions.map((name, i) => ({
      name,
      id: i,
      union_type: 'either_t',
      header_ids: [id(`${name}.x`), id(`${name}.y`)],
    })),
    header_union_stacks: ['us', 'vs'].map((name, i) => ({
      name,
      id: i,
      union_type: 'either_t',
      size: 2,
      header_union_ids: [2 + 2 * i, 3 + 2 * i],
    })),
    field_lists: [],
    errors: [],
    enums: [],
    parse_vsets: [],
    meter_arrays: [],
    counter_arrays: [],
    calculations: CALCULATIONS,
    learn_lists: [],
    checksums: [],
    force_arith: [],
    extern_instances: [],
    register_arrays: [{ name: 'cells_of', id: 0, size: 4, bitwidth: 32 }],
    parsers: [{ name: 'parser', id: 0, init_state: 'start', parse_states: parserStates() }],
    deparsers: [{ name: 'deparser', id: 0, order, primitives: [] }],
    actions,
    pipelines: [
      {
        name: 'ingress',
        id: 0,
        init_table: 'sending',
        action_profiles: [],
        tables: [OLD_TABLE],
        // An action that is called without a table: the format's own way, which p4c does not use.
        action_calls: [
          { name: 'sending', id: 0, action_id: 0, next_node: 'choice_1' },
          ...JSON_CASES.map(({ code, table }, i) => ({
            name: `call_case_${code}`,
            id: 1 + i,
            action_id: 3 + i,
            next_node: table ? OLD_TABLE.name : null,
          })),
        ],
        conditionals: JSON_CASES.map(({ code }, i) => ({
          name: `choice_${code}`,
          id: i,
          expression: { type: 'expression', value: { op: '==', left: field('op'), right: hex(code) } },
          true_next: `call_case_${code}`,
          false_next: i + 1 < JSON_CASES.length ? `choice_${code + 1}` : null,
        })),
      },
      { name: 'egress', id: 1, init_table: null, tables: [], action_profiles: [], conditionals: [] },
    ],
    field_aliases: ALIASES,
  });
}

const OLD_TABLE = {
  name: 'old',
  id: 0,
  match_type: 'exact',
  type: 'simple',
  max_size: 1,
  with_counters: false,
  support_timeout: false,
  direct_meters: null,
  key: [
    { match_type: 'valid', name: 'x1', target: 'x1', mask: null },
    { match_type: 'exact', name: 'h.a', target: ['h', 'a'], mask: '0x00ff0000' },
  ],
  action_ids: [1, 2],
  actions: ['found', 'lost'],
  base_default_next: null,
  next_tables: { found: null, lost: null },
  default_entry: { action_id: 2, action_const: false, action_data: [], action_entry_const: false },
  entries: [
    {
      match_key: [
        { match_type: 'valid', key: true },
        { match_type: 'exact', key: '0x00050000' },
      ],
      action_entry: { action_id: 1, action_data: [] },
      priority: 1,
    },
  ],
};

/** The packet of a case. */
export function packetOf({ code, input }: JsonCase): Uint8Array {
  return Uint8Array.from(Buffer.from(`${byte(code)}${input.replace(/\s/g, '')}`, 'hex'));
}

/** What leaves, as the switch must give it. */
export function outputOf({ code, output }: JsonCase): string[] {
  return output === undefined ? [] : [`${byte(code)}${output.replace(/\s/g, '')}`];
}
