/** Cases of unions, stacks, varbit fields, P4_14's keys, and the parser's operations. */
import { field, hex, header, stack, union, unionStack, inner, data, run, result, a, b } from './elements.js';
import type { CaseWithoutCode } from './elements.js';

/** After the fixed header: members of u are at x 1 byte and y 2, those of w alike. */
export const HEADER_CASES: readonly CaseWithoutCode[] = [
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
