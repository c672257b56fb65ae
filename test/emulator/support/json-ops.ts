/**
 * A program written in BMv2's JSON itself, for what the format has and p4c does not write for v1model, or only in
 * combinations: primitives of P4_14, operators that p4c turns into others, unions and union stacks by index.
 * The first byte of a packet chooses the case. What must come out is by the format's text and simple_switch's source;
 * test/differential/json-ops.test.ts asks simple_switch itself.
 */

import { createHash, HASH_ALGORITHMS } from '../../../emulator/externs/hash.js';

export interface JsonCase {
  readonly name: string;
  /** First byte of the packet. */
  readonly code: number;
  readonly primitives: readonly object[];
  /** State that the parser goes to; none: the fixed header is all. */
  readonly state?: string;
  /** Behind the first byte: a, b, r of four bytes each, and what follows; hexadecimal. */
  readonly input: string;
  /** Behind the primitives the table of P4_14 is applied: it sets r to 1 if x1 is valid and a is 0x__05____, else to 2. */
  readonly table?: true;
  /** simple_switch takes the member for a field (P4Objects.cpp, build_expression), and its process ends. */
  readonly endsBmv2?: true;
  /** What leaves, from the second byte on; undefined: nothing does. */
  readonly output: string | undefined;
}

const field = (name: string, header = 'h'): object => ({ type: 'field', value: [header, name] });
const hex = (value: number): object => ({ type: 'hexstr', value: `0x${value.toString(16)}` });
const header = (name: string): object => ({ type: 'header', value: name });
const stack = (name: string): object => ({ type: 'header_stack', value: name });
const union = (name: string): object => ({ type: 'header_union', value: name });
const unionStack = (name: string): object => ({ type: 'header_union_stack', value: name });
const inner = (op: string, left: object | null, right: object | number | null, cond?: object): object => ({
  type: 'expression',
  value: { op, left, right, ...(cond === undefined ? {} : { cond }) },
});
const expression = (...args: Parameters<typeof inner>): object => ({ type: 'expression', value: inner(...args) });
const data = (condition: object): object => inner('b2d', null, condition);
const run = (op: string, ...parameters: object[]): object => ({ op, parameters });
const result = (value: object): object => run('assign', field('r'), { type: 'expression', value });

const [a, b] = [field('a'), field('b')];

/** Behind the fixed header: members of u are at x 1 byte and y 2, those of w alike. */
const CASES: readonly Omit<JsonCase, 'code'>[] = [
  // Primitives of P4_14.
  {
    name: 'modify_field',
    primitives: [run('modify_field', field('r'), a)],
    input: '00000007 00000000 00000000',
    output: '00000007 00000000 00000007',
  },
  {
    name: 'add_to_field',
    primitives: [run('add_to_field', field('r'), a)],
    input: 'fffffffe 00000000 00000005',
    output: 'fffffffe 00000000 00000003',
  },
  {
    name: 'subtract_from_field',
    primitives: [run('subtract_from_field', field('r'), a)],
    input: '00000007 00000000 00000005',
    output: '00000007 00000000 fffffffe',
  },
  {
    name: 'add',
    primitives: [run('add', field('r'), a, b)],
    input: 'ffffffff 00000003 00000000',
    output: 'ffffffff 00000003 00000002',
  },
  {
    name: 'subtract',
    primitives: [run('subtract', field('r'), a, b)],
    input: '00000001 00000003 00000000',
    output: '00000001 00000003 fffffffe',
  },
  {
    name: 'bit_and',
    primitives: [run('bit_and', field('r'), a, b)],
    input: '00ff00ff 0f0f0f0f 00000000',
    output: '00ff00ff 0f0f0f0f 000f000f',
  },
  {
    name: 'bit_or',
    primitives: [run('bit_or', field('r'), a, b)],
    input: '00ff00ff 0f0f0f0f 00000000',
    output: '00ff00ff 0f0f0f0f 0fff0fff',
  },
  {
    name: 'bit_xor',
    primitives: [run('bit_xor', field('r'), a, b)],
    input: '00ff00ff 0f0f0f0f 00000000',
    output: '00ff00ff 0f0f0f0f 0ff00ff0',
  },
  {
    name: 'shift_left',
    primitives: [run('shift_left', field('r'), a, b)],
    input: '81000001 00000004 00000000',
    output: '81000001 00000004 10000010',
  },
  {
    name: 'shift_right',
    primitives: [run('shift_right', field('r'), a, b)],
    input: '81000001 00000004 00000000',
    output: '81000001 00000004 08100000',
  },
  {
    name: 'no_op',
    primitives: [run('no_op')],
    input: '00000001 00000002 00000003',
    output: '00000001 00000002 00000003',
  },
  { name: 'drop', primitives: [run('drop')], input: '00000001 00000002 00000003', output: undefined },
  {
    name: 'assume',
    primitives: [run('assume', { type: 'expression', value: data(inner('<', a, b)) }), result(a)],
    input: '00000001 00000002 00000003',
    output: '00000001 00000002 00000001',
  },
  {
    name: 'copy_header',
    primitives: [
      run('add_header', header('x1')),
      run('assign', field('v', 'x1'), a),
      run('copy_header', header('x2'), header('x1')),
    ],
    input: '00000009 00000000 00000000',
    output: '00000009 00000000 00000000 09 09',
  },
  {
    name: 'copy_header of an invalid one',
    primitives: [run('add_header', header('x2')), run('copy_header', header('x2'), header('x1'))],
    input: '00000009 00000000 00000000',
    output: '00000009 00000000 00000000',
  },
  {
    name: 'add_header_fast keeps the bits',
    primitives: [
      run('add_header', header('x1')),
      run('assign', field('v', 'x1'), a),
      run('remove_header', header('x1')),
      run('add_header_fast', header('x1')),
    ],
    input: '00000009 00000000 00000000',
    output: '00000009 00000000 00000000 09',
  },
  {
    name: 'add_header clears the bits',
    primitives: [
      run('add_header', header('x1')),
      run('assign', field('v', 'x1'), a),
      run('remove_header', header('x1')),
      run('add_header', header('x1')),
    ],
    input: '00000009 00000000 00000000',
    output: '00000009 00000000 00000000 00',
  },

  // Operators.
  {
    name: '/',
    primitives: [result(inner('/', a, b))],
    input: '00000011 00000005 00000000',
    output: '00000011 00000005 00000003',
  },
  {
    name: '%',
    primitives: [result(inner('%', a, b))],
    input: '00000011 00000005 00000000',
    output: '00000011 00000005 00000002',
  },
  {
    name: '/, shifted out to the left',
    primitives: [result(inner('<<', inner('/', a, b), hex(32)))],
    input: '00000011 00000005 00000007',
    output: '00000011 00000005 00000000',
  },
  {
    name: '/, in an amount that shifts all out',
    primitives: [result(inner('>>', a, inner('+', inner('/', a, b), hex(32))))],
    input: '00000011 00000005 00000007',
    output: '00000011 00000005 00000000',
  },
  {
    name: '<= of equals',
    primitives: [result(data(inner('<=', a, b)))],
    input: '00000005 00000005 00000000',
    output: '00000005 00000005 00000001',
  },
  {
    name: '<= of a larger one',
    primitives: [result(data(inner('<=', a, b)))],
    input: '00000006 00000005 00000000',
    output: '00000006 00000005 00000000',
  },
  {
    name: '>= of equals',
    primitives: [result(data(inner('>=', a, b)))],
    input: '00000005 00000005 00000000',
    output: '00000005 00000005 00000001',
  },
  {
    name: '>= of a smaller one',
    primitives: [result(data(inner('>=', a, b)))],
    input: '00000004 00000005 00000000',
    output: '00000004 00000005 00000000',
  },
  {
    name: '? true',
    primitives: [result(inner('?', a, b, inner('>', a, b)))],
    input: '00000009 00000005 00000000',
    output: '00000009 00000005 00000009',
  },
  {
    name: '? false',
    primitives: [result(inner('?', a, b, inner('>', a, b)))],
    input: '00000004 00000005 00000000',
    output: '00000004 00000005 00000005',
  },
  {
    name: 'intermediate results do not wrap',
    primitives: [result(inner('>>', inner('+', a, b), hex(1)))],
    input: 'ffffffff ffffffff 00000000',
    output: 'ffffffff ffffffff ffffffff',
  },
  {
    name: 'and, or, not',
    primitives: [
      result(
        data(
          inner(
            'and',
            inner('or', inner('<', a, b), { type: 'bool', value: false }),
            inner('not', null, inner('==', a, b)),
          ),
        ),
      ),
    ],
    input: '00000004 00000005 00000000',
    output: '00000004 00000005 00000001',
  },
  {
    name: '== of truth values',
    primitives: [result(data(inner('==', inner('<', a, b), { type: 'bool', value: true })))],
    input: '00000004 00000005 00000000',
    output: '00000004 00000005 00000001',
  },
  {
    name: 'valid',
    primitives: [
      run('add_header', header('x1')),
      result(inner('+', data(inner('valid', null, header('x1'))), data(inner('valid', null, header('x2'))))),
    ],
    input: '00000000 00000000 00000000',
    output: '00000000 00000000 00000001 00',
  },
  {
    name: '== of headers',
    primitives: [
      run('add_header', header('x1')),
      run('add_header', header('x2')),
      result(data(inner('==', header('x1'), header('x2')))),
    ],
    input: '00000000 00000000 00000000',
    output: '00000000 00000000 00000001 00 00',
  },
  {
    name: '== of invalid headers',
    primitives: [result(data(inner('==', header('x1'), header('x2'))))],
    input: '00000000 00000000 00000000',
    output: '00000000 00000000 00000000',
  },
  {
    name: 'register, in an expression',
    primitives: [
      run('register_write', { type: 'register_array', value: 'cells_of' }, hex(2), a),
      result(inner('+', { type: 'register', value: ['cells_of', hex(2)] }, b)),
    ],
    input: '00000007 00000003 00000000',
    output: '00000007 00000003 0000000a',
  },

  // Unions.
  {
    name: 'valid_union',
    primitives: [
      run('add_header', header('u.y')),
      result(
        inner(
          '+',
          data(inner('valid_union', null, union('u'))),
          inner('<<', data(inner('valid_union', null, union('w'))), hex(4)),
        ),
      ),
    ],
    input: '00000000 00000000 00000000',
    output: '00000000 00000000 00000001 0000',
  },
  {
    name: 'a member that becomes valid makes the other invalid',
    primitives: [run('add_header', header('u.y')), run('add_header', header('u.x'))],
    input: '00000000 00000000 00000000',
    output: '00000000 00000000 00000000 00',
  },
  {
    name: 'assign_union',
    primitives: [
      run('add_header', header('w.y')),
      run('assign', field('v', 'w.y'), a),
      run('add_header', header('u.x')),
      run('assign_union', union('u'), union('w')),
    ],
    input: '0000abcd 00000000 00000000',
    output: '0000abcd 00000000 00000000 abcd abcd',
  },
  {
    name: '== of unions',
    primitives: [
      run('add_header', header('w.y')),
      run('add_header', header('u.y')),
      result(data(inner('==', union('u'), union('w')))),
    ],
    input: '00000000 00000000 00000000',
    output: '00000000 00000000 00000001 0000 0000',
  },
  {
    name: '== of unions with different members',
    primitives: [
      run('add_header', header('w.y')),
      run('add_header', header('u.x')),
      result(data(inner('==', union('u'), union('w')))),
    ],
    input: '00000000 00000000 00000000',
    output: '00000000 00000000 00000000 00 0000',
  },
  {
    name: 'access_union_header',
    endsBmv2: true,
    primitives: [
      run('add_header', header('u.y')),
      run('assign', field('v', 'u.y'), a),
      result(inner('access_field', inner('access_union_header', union('u'), 1), 0)),
    ],
    input: '0000abcd 00000000 00000000',
    output: '0000abcd 00000000 0000abcd abcd',
  },
  {
    name: 'dereference_union_stack',
    primitives: [
      run('add_header', header('us[1].y')),
      result(data(inner('valid_union', null, inner('dereference_union_stack', unionStack('us'), b)))),
    ],
    input: '00000000 00000001 00000000',
    output: '00000000 00000001 00000001 0000',
  },
  {
    name: 'dereference_union_stack, another element',
    primitives: [
      run('add_header', header('us[1].y')),
      result(data(inner('valid_union', null, inner('dereference_union_stack', unionStack('us'), b)))),
    ],
    input: '00000000 00000000 00000000',
    output: '00000000 00000000 00000000 0000',
  },
  {
    name: 'assign_union_stack',
    primitives: [
      run('add_header', header('vs[0].x')),
      run('assign', field('v', 'vs[0].x'), a),
      run('add_header', header('us[1].x')),
      run('assign_union_stack', unionStack('us'), unionStack('vs')),
    ],
    input: '00000055 00000000 00000000',
    output: '00000055 00000000 00000000 55 55',
  },

  // Stacks.
  {
    name: 'assign_header_stack',
    primitives: [
      run('add_header', header('more[1]')),
      run('assign', field('v', 'more[1]'), a),
      run('add_header', header('cells[0]')),
      run('assign_header_stack', stack('cells'), stack('more')),
    ],
    input: '00000055 00000000 00000000',
    output: '00000055 00000000 00000000 55 55',
  },
  {
    name: 'dereference_header_stack',
    primitives: [
      run('add_header', header('cells[2]')),
      run('assign', field('v', 'cells[2]'), a),
      result(inner('access_field', inner('dereference_header_stack', stack('cells'), b), 0)),
    ],
    input: '00000055 00000002 00000000',
    output: '00000055 00000002 00000055 55',
  },
  {
    name: 'last_stack_index and size_stack',
    state: 'three',
    primitives: [
      result(
        inner(
          '+',
          inner('last_stack_index', null, stack('cells')),
          inner('<<', inner('size_stack', null, stack('cells')), hex(8)),
        ),
      ),
    ],
    input: '00000000 00000000 00000000 010203',
    output: '00000000 00000000 00000302 010203',
  },
  {
    name: 'stack_field is the last element',
    state: 'three',
    primitives: [result({ type: 'stack_field', value: ['cells', 'v'] })],
    input: '00000000 00000000 00000000 010203',
    output: '00000000 00000000 00000003 010203',
  },

  // Fields of variable length.
  {
    name: 'assign_VL',
    state: 'varbit',
    primitives: [
      run('add_header', header('vb2')),
      run('assign', field('size', 'vb2'), field('size', 'vb1')),
      run('assign_VL', field('rest', 'vb2'), field('rest', 'vb1')),
    ],
    input: '00000000 00000000 00000000 02aabb',
    output: '00000000 00000000 00000000 02aabb 02aabb',
  },

  {
    name: 'length_exp',
    state: 'length',
    primitives: [],
    input: '00000000 00000000 00000000 03aabbcc dd',
    output: '00000000 00000000 00000000 03aabbcc dd',
  },

  // Keys of P4_14 tables.
  {
    name: 'valid and mask, in a key',
    table: true,
    primitives: [run('add_header', header('x1'))],
    input: 'ff05ffff 00000000 00000000',
    output: 'ff05ffff 00000000 00000001 00',
  },
  {
    name: 'valid and mask, another value',
    table: true,
    primitives: [run('add_header', header('x1'))],
    input: 'ff06ffff 00000000 00000000',
    output: 'ff06ffff 00000000 00000002 00',
  },
  {
    name: 'valid and mask, another header',
    table: true,
    primitives: [run('add_header', header('x2'))],
    input: 'ff05ffff 00000000 00000000',
    output: 'ff05ffff 00000000 00000002 00',
  },

  // Parser operations.
  {
    name: 'shift',
    state: 'shift',
    primitives: [],
    input: '00000000 00000000 00000000 eeff05',
    output: '00000000 00000000 00000000 05',
  },
  {
    name: 'primitive, in a parser',
    state: 'primitive',
    primitives: [],
    input: '00000000 00000000 00000000',
    output: '00000000 00000000 00000000 07',
  },
  {
    name: 'union_stack, to be extracted to',
    state: 'union_stack',
    primitives: [],
    input: '00000000 00000000 00000000 01 80 99',
    output: '00000000 00000000 0000000a 01 80 99',
  },
  {
    name: 'union_stack_field, that leads elsewhere',
    state: 'union_stack',
    primitives: [],
    input: '00000000 00000000 00000000 01 02 99',
    output: '00000000 00000000 0000000b 01 02 99',
  },
  {
    name: 'stack_field, in a key',
    state: 'last',
    primitives: [],
    input: '00000000 00000000 00000000 01 80 99',
    output: '00000000 00000000 0000000a 01 80 99',
  },
];

/** Of every algorithm over a, b and two constant bytes: the result of our own implementation, which is compared with simple_switch's. */
const HASHES: readonly Omit<JsonCase, 'code'>[] = HASH_ALGORITHMS.map((algorithm) => {
  const input = '31323334 f5f6f7f8';
  const hash = createHash(algorithm)(Uint8Array.from(Buffer.from(`${input.replace(' ', '')}a5c3`, 'hex')));
  return {
    name: `hash ${algorithm}`,
    primitives: [
      run(
        'modify_field_with_hash_based_offset',
        field('r'),
        hex(0),
        { type: 'calculation', value: `by_${algorithm}` },
        hex(2 ** 32),
      ),
    ],
    input: `${input} 00000000`,
    output: `${input} ${BigInt.asUintN(32, hash).toString(16).padStart(8, '0')}`,
  };
});

/** The Internet checksum over a header that is valid, one that is not, and the payload. */
const INPUTS: readonly Omit<JsonCase, 'code'>[] = [
  {
    name: 'hash of headers and payload',
    primitives: [
      run('add_header', header('x1')),
      run('assign', field('v', 'x1'), hex(0x12)),
      run(
        'modify_field_with_hash_based_offset',
        field('r'),
        hex(0),
        { type: 'calculation', value: 'of_headers' },
        hex(2 ** 32),
      ),
    ],
    input: '00000000 00000000 00000000 34 5678',
    output: `00000000 00000000 0000${(~(0x1234 + 0x5678) & 0xffff).toString(16)} 12 34 5678`,
  },
];

/** One for each algorithm, and one over what is no field. */
const CALCULATIONS = [
  ...HASH_ALGORITHMS.map((algorithm) => ({
    name: `by_${algorithm}`,
    algo: algorithm,
    input: [field('a'), field('b'), { type: 'hexstr', value: '0xa5c3', bitwidth: 16 }],
  })),
  {
    name: 'of_headers',
    algo: 'csum16',
    input: [
      { type: 'header', value: 'x1' },
      { type: 'header', value: 'x2' },
      { type: 'payload', value: null },
    ],
  },
].map((calculation, id) => ({ ...calculation, id }));

export const JSON_CASES: readonly JsonCase[] = [...CASES, ...HASHES, ...INPUTS].map((each, i) => ({
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

const STANDARD_METADATA = [
  ['ingress_port', 9, false],
  ['egress_spec', 9, false],
  ['egress_port', 9, false],
  ['instance_type', 32, false],
  ['packet_length', 32, false],
  ['enq_timestamp', 32, false],
  ['enq_qdepth', 19, false],
  ['deq_timedelta', 32, false],
  ['deq_qdepth', 19, false],
  ['ingress_global_timestamp', 48, false],
  ['egress_global_timestamp', 48, false],
  ['mcast_grp', 16, false],
  ['egress_rid', 16, false],
  ['checksum_error', 1, false],
  ['parser_error', 32, false],
  ['priority', 3, false],
  ['_padding', 3, false],
];

const ALIASES = [
  ...['enq_timestamp', 'enq_qdepth', 'deq_timedelta', 'deq_qdepth'].map((name) => [
    `queueing_metadata.${name}`,
    ['standard_metadata', name],
  ]),
  ...['ingress_global_timestamp', 'egress_global_timestamp', 'mcast_grp', 'egress_rid', 'priority'].map((name) => [
    `intrinsic_metadata.${name}`,
    ['standard_metadata', name],
  ]),
];

/** The packet of a case. */
export function packetOf({ code, input }: JsonCase): Uint8Array {
  return Uint8Array.from(Buffer.from(`${byte(code)}${input.replace(/\s/g, '')}`, 'hex'));
}

/** What leaves, as the switch must give it. */
export function outputOf({ code, output }: JsonCase): string[] {
  return output === undefined ? [] : [`${byte(code)}${output.replace(/\s/g, '')}`];
}
