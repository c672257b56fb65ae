/** Cases of numbers: primitives of P4_14, operators. */
import { field, hex, header, inner, data, run, result, a, b } from './elements.js';
import type { CaseWithoutCode } from './elements.js';

export const VALUE_CASES: readonly CaseWithoutCode[] = [
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
];
