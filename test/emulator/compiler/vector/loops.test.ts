/** Loops that become vector code, and those that must not: both engines do the same in any case. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCompiler } from '../../../../emulator/compiler/cache.js';
import { asData, call, hexstr, operation, type Json } from '../../../../fuzz/engines/generate/json.js';
import {
  assign,
  branch,
  counts,
  loop,
  of,
  OUT,
  plus,
  program,
  read,
  REGISTERS,
  scalar,
  word,
  write,
} from './programs.js';
import { expectSame, reportOf } from './support.js';

beforeAll(loadCompiler);

const i = scalar('i');
const signed = (value: Json): Json => operation('two_comp_mod', value, hexstr(32));
const READS = [read('t0', 'r0', i), read('t5', 'r1', i), read('t2', 'r2', i)];
/** r4[i] = f(r0[i], r1[i], r2[i]) */
const mapping = (value: Json): Json[] => loop(16, [...READS, write('r4', i, value)]);
const [t0, t5, t2] = [scalar('t0'), scalar('t5'), scalar('t2')];
const small = operation('&', t2, hexstr(0x3f));
const restOf = (distance: Json): Json => operation('&', operation('-', hexstr(31), distance), hexstr(0xff));
const byteSwapped = [
  operation('&', operation('<<', t0, hexstr(24)), hexstr(0xffffffff)),
  operation('&', operation('<<', t0, hexstr(8)), hexstr(0xff0000)),
  operation('&', operation('>>', t0, hexstr(8)), hexstr(0xff00)),
  operation('&', operation('>>', t0, hexstr(24)), hexstr(0xff)),
].reduce((x, y) => operation('|', x, y));
const sum = operation('+', signed(t0), signed(t5));
const difference = operation('-', signed(t0), signed(t5));
const saturating = (e: Json): Json => operation('sat_cast', e, hexstr(32));

describe('operators', () => {
  const values: Record<string, Json> = {
    '+': word(operation('+', t0, t5)),
    '-': word(operation('-', t0, t5)),
    '*': word(operation('*', t0, t5)),
    '&': operation('&', t0, t5),
    '|': operation('|', t0, t5),
    '^': operation('^', t0, t5),
    '~': word(operation('~', null, t0)),
    'unary -': word(operation('-', null, t0)),
    'sum of 33 bits, halved': operation('>>', operation('+', t0, t5), hexstr(1)),
    'product of 64 bits, its upper half': operation('>>', operation('*', t0, t5), hexstr(32)),
    '<< by a constant': word(operation('<<', t0, hexstr(5))),
    '<< by something invariant': word(operation('<<', t0, of('c'))),
    '<< by something else in each pass': word(operation('<<', t0, small)),
    '<< by the rest to 31': word(operation('<<', t0, restOf(small))),
    '<< by the rest of up to 255 to 31': word(operation('<<', t0, restOf(operation('&', t5, hexstr(0xff))))),
    '<< by the rest of any number to 31': word(operation('<<', t0, restOf(t5))),
    '<< by the rest to 31, which is not negative': word(
      operation('<<', t0, operation('-', hexstr(31), operation('&', t2, hexstr(0x1f)))),
    ),
    '<< by the rest to 30': word(operation('<<', t0, operation('&', operation('-', hexstr(30), small), hexstr(0xff)))),
    'a right shift, rounded to nearest and even': word(
      operation(
        '+',
        operation('>>', signed(t0), small),
        asData(
          operation(
            '>',
            operation(
              '|',
              word(operation('<<', word(operation('<<', t0, hexstr(1))), restOf(small))),
              operation('&', operation('>>', signed(t0), small), hexstr(1)),
            ),
            of('a'),
          ),
        ),
      ),
    ),
    'one more where a condition holds': operation('?', word(operation('+', t0, hexstr(1))), t0, operation('>', t5, t0)),
    'one more where a condition does not hold': operation(
      '?',
      t0,
      word(operation('+', t0, hexstr(1))),
      operation('>', t5, t0),
    ),
    '<< of 64 bits': operation('>>', operation('&', operation('<<', t0, small), hexstr(0xffffffffffn)), hexstr(8)),
    '>> by a constant': operation('>>', t0, hexstr(5)),
    '>> by more than the width': operation('>>', t0, hexstr(33)),
    '>> by something invariant': operation('>>', t0, of('c')),
    '>> by something else in each pass': operation('>>', t0, small),
    '>> by up to 255': operation('>>', t0, operation('&', t5, hexstr(0xff))),
    '>> by up to 2^32': operation('>>', t0, t5),
    '>> of a negative number': word(operation('>>', signed(t0), small)),
    '>> of a negative number, by up to 2^32': word(operation('>>', signed(t0), t5)),
    '>> of a negative number, by a constant beyond its width': word(operation('>>', signed(t0), hexstr(40))),
    '>> of 40 bits': word(operation('>>', operation('*', t0, hexstr(200)), small)),
    '>> of negative 40 bits': word(operation('>>', operation('*', signed(t0), hexstr(200)), small)),
    two_comp_mod: word(operation('two_comp_mod', t0, hexstr(9))),
    usat_cast: operation('usat_cast', t0, hexstr(9)),
    'usat_cast of a sum': operation('usat_cast', operation('+', t0, t5), hexstr(32)),
    'usat_cast of a difference': operation('usat_cast', operation('-', t0, t5), hexstr(16)),
    sat_cast: word(operation('sat_cast', signed(t0), hexstr(9))),
    'sat_cast of a sum': word(saturating(sum)),
    'sat_cast of a difference': word(saturating(difference)),
    'overflow of a sum': asData(operation('!=', saturating(sum), signed(sum))),
    'overflow of a difference': asData(operation('==', saturating(difference), signed(difference))),
    'a byte swap': byteSwapped,
    '?': operation('?', t0, t5, operation('<', t2, hexstr(100))),
    '== and': asData(
      operation('and', operation('==', operation('&', t0, hexstr(1)), hexstr(0)), operation('<', t0, t5)),
    ),
    '!= or': asData(operation('or', operation('!=', operation('&', t0, hexstr(3)), hexstr(2)), operation('>', t0, t5))),
    not: asData(operation('not', null, operation('>=', t0, t5))),
    '<= of negative numbers': asData(operation('<=', signed(t0), signed(t5))),
    'sign, by a comparison': asData(operation('<', signed(t0), hexstr(0))),
    'sign, by a bit': asData(operation('!=', operation('&', t0, hexstr(0x80000000)), hexstr(0))),
    'sign, unsigned': asData(operation('>=', t0, hexstr(0x80000000))),
    '> of 64 bits': asData(operation('>', operation('*', t0, t5), operation('*', t5, t2))),
    'the counter': operation('*', i, hexstr(3)),
    'something invariant': word(operation('+', operation('*', of('b'), hexstr(3)), hexstr(1))),
  };

  it.each(Object.entries(values))('%s', async (_, value) => {
    const json = program(mapping(value));
    expect(await reportOf(json)).toEqual({ action: 'loop0', vectorised: true });
    await expectSame(json);
  });

  it.each(['/', '%'])('%s stays as it is, since it may abort the packet', async (op) => {
    const json = program(mapping(operation(op, t0, operation('&', t5, hexstr(1)))));
    expect(await reportOf(json)).toMatchObject({
      vectorised: false,
      reason: `an expression with the operator "${op}"`,
    });
    await expectSame(json);
  });

  it('more than 64 bits stay as they are', async () => {
    const json = program(mapping(word(operation('>>', operation('*', operation('*', t0, t5), t0), hexstr(40)))));
    expect(await reportOf(json)).toMatchObject({ reason: 'a number needs more than 64 bits' });
    await expectSame(json);
  });
});

describe('stores', () => {
  it.each(['t1', 't3', 't4', 't6', 't7', 't8'])('to field %s, with its width and sign', async (name) => {
    const json = program(
      loop(16, [...READS, assign(name, sum), write('r3', i, operation('&', scalar(name), hexstr((1n << 64n) - 1n)))]),
    );
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    await expectSame(json);
  });

  it('to registers of 16 and 64 bits', async () => {
    const product = operation('*', scalar('t0'), scalar('t5'));
    const json = program(loop(16, [...READS, write('r2', i, t0), write('r3', i, product)]));
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    await expectSame(json);
  });
});

describe('the number of passes', () => {
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])('%i: what four do not divide is left to the loop', async (passes) => {
    const json = program(loop(passes, [...READS, write('r4', i, word(operation('+', t0, t5)))]));
    expect((await reportOf(json)).vectorised).toBe(passes >= 4);
    await expectSame(json, 3);
  });

  it('a loop that begins later', async () => {
    const json = program(loop(11, [...READS, write('r4', i, t0)], 2));
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    await expectSame(json, 3);
  });

  it('fields hold what the last pass writes, and counters where it ends', async () => {
    const body = [...READS, write('r4', i, t0)];
    const after = [call('assign', of('a'), scalar('t5')), call('assign', of('b'), i)];
    for (const passes of [8, 9]) {
      const json = program([...loop(passes, body), ...after]);
      expect(await reportOf(json)).toMatchObject({ vectorised: true });
      await expectSame(json, 3);
    }
  });
});

describe('branches', () => {
  const isSpecial = operation('==', operation('&', t0, hexstr(7)), hexstr(0));
  const isLess = operation('<', t0, t5);

  it('become selections, also of cells that only some passes write', async () => {
    const body = [
      ...READS,
      ...branch(3, isLess, [assign('t0', t5), write('r4', i, hexstr(7))], [assign('t0', word(operation('-', t0, t5)))]),
    ];
    const json = program(loop(16, [...body, write('r1', i, t0)]));
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    await expectSame(json);
  });

  it('are jumped over when no pass takes them', async () => {
    const rare = [1, 2, 3].map((n) => assign('t0', word(operation('+', operation('^', t0, hexstr(n)), t5))));
    const json = program(loop(16, [...READS, ...branch(3, isSpecial, rare), write('r4', i, t0)]));
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    await expectSame(json);
  });

  it('nest, and rare ones with numbers of 64 bits', async () => {
    const inner = branch(
      5,
      isLess,
      [assign('t3', operation('+', scalar('t3'), t5))],
      [assign('t3', operation('*', t0, hexstr(200)))],
    );
    const body = [...READS, assign('t3', t0), ...branch(4, isSpecial, inner), write('r3', i, scalar('t3'))];
    const json = program(loop(16, body));
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    await expectSame(json);
  });

  it('on what no pass changes', async () => {
    const body = [...READS, ...branch(3, operation('==', of('c'), hexstr(3)), [assign('t0', t5)]), write('r4', i, t0)];
    const json = program(loop(16, body));
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    for (const c of [3n, 4n]) await expectSame(json, 3, { c });
  });

  it('that exclude each other share a shift', async () => {
    const body = [
      ...READS,
      ...branch(
        3,
        isLess,
        [assign('t0', operation('>>', t0, small))],
        [assign('t5', operation('>>', t5, operation('&', t0, hexstr(15))))],
      ),
    ];
    const json = program(loop(16, [...body, write('r4', i, word(operation('+', t0, t5)))]));
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    await expectSame(json);
  });
});

describe('sums over the passes', () => {
  const add = call('assign', of('sum'), word(operation('+', of('sum'), t0)));
  const mark = call('assign', of('bits'), operation('|', of('bits'), operation('&', t0, hexstr(0xf0))));

  it('are kept by lane', async () => {
    const json = program(loop(14, [...READS, add, ...branch(4, operation('<', t0, t5), [mark])]));
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    await expectSame(json);
  });

  it('but not if a pass reads them', async () => {
    const json = program(loop(14, [...READS, add, write('r4', i, of('sum'))]));
    expect(await reportOf(json)).toMatchObject({ reason: 'field h.sum goes from one pass to the next' });
    await expectSame(json);
  });

  it.each([0n, 11n, 12n, 200n])('counters, within their array or not: %i', async (c) => {
    const body = [
      ...READS,
      ...branch(3, operation('<', t0, t5), [call('count', counts, of('c'))]),
      call('count', counts, hexstr(1)),
    ];
    const json = program(loop(14, body));
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    await expectSame(json, 3, { c });
  });

  it('counters of a different index in each pass stay as they are', async () => {
    const json = program(loop(8, [...READS, call('count', counts, i)]));
    expect(await reportOf(json)).toMatchObject({ reason: 'the index of counter counts differs between passes' });
    await expectSame(json, 3);
  });
});

describe('registers', () => {
  const copy = (from: Json, to: Json, register = 'r0'): string =>
    program(loop(12, [read('t0', 'r0', from), write(register, to, word(operation('+', t0, hexstr(1))))]));

  it.each([
    ['the next cell', copy(plus('i', 1), i)],
    ['the cell before', copy(i, plus('i', 1))],
  ])('that are read at one place and written at another: %s', async (_, json) => {
    expect(await reportOf(json)).toMatchObject({
      reason: 'register r0 is accessed at more than one index, and written',
    });
    await expectSame(json, 3);
  });

  it('may be read at several places', async () => {
    const json = copy(plus('i', 1), i, 'r1');
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    await expectSame(json, 3);
  });

  it('at an invariant distance: within, at the end, beyond it, and beyond 32 bits', async () => {
    const index = word(operation('+', i, of('a')));
    const json = program(loop(12, [read('t0', 'r0', index), write('r1', i, t0), write('r4', index, hexstr(5))]));
    expect(await reportOf(json)).toMatchObject({ vectorised: true });
    for (const a of [0n, 5n, 28n, 29n, 39n, 40n, 4096n, 2n ** 32n - 5n, 2n ** 32n - 1n])
      await expectSame(json, 2, { a });
  });

  it('at an index that is in range only where a condition holds', async () => {
    const registers = REGISTERS.map((r) => (r.name === 'r4' ? { ...r, size: 5 } : r));
    const body = [...READS, ...branch(3, operation('<', i, hexstr(5)), [write('r4', i, t0)])];
    await expectSame(program(loop(16, body), registers), 3);
  });

  it.each([
    ['every second cell', word(operation('*', i, hexstr(2)))],
    ['a cell that a register names', scalar('t2')],
  ])('at an index that does not go up by one: %s', async (_, index) => {
    const json = program(loop(12, [read('t2', 'r2', i), read('t0', 'r0', index), write('r1', i, t0)]));
    expect(await reportOf(json)).toMatchObject({
      reason: 'the index of register r0 does not follow the passes one by one',
    });
    await expectSame(json, 3);
  });
});

describe('loops that stay as they are', () => {
  const check = async (json: string, reason: string): Promise<void> => {
    expect(await reportOf(json)).toEqual({ action: 'loop0', vectorised: false, reason });
    await expectSame(json, 4);
  };

  it('because a pass reads what the one before it wrote', () =>
    check(
      program(loop(12, [write('r1', i, t0), read('t0', 'r0', i)])),
      'field scalars.t0 goes from one pass to the next',
    ));

  it('because a pass may leave a field as it is, and it is read after the loop', () =>
    check(
      program([
        ...loop(12, [read('t2', 'r2', i), ...branch(1, operation('<', t2, hexstr(100)), [assign('t4', t2)])]),
        call('assign', of('a'), scalar('t4')),
      ]),
      'field scalars.t4 keeps the value of an earlier pass',
    ));

  it('because a pass may leave the loop', () =>
    check(
      program(loop(12, [...READS, call('_jump_if_zero', operation('&', t0, hexstr(7)), OUT), write('r4', i, t0)])),
      'a pass can leave the loop early',
    ));

  it('because of a primitive', () =>
    check(program(loop(12, [...READS, call('exit'), write('r4', i, t0)])), 'primitive exit'));

  it('because another loop is in the same action', () =>
    check(
      program([
        ...loop(8, [...READS, write('r4', i, t0)]),
        ...loop(8, [], 0, []).slice(0, 0),
        assign('i', hexstr(0)),
        call('_jump_if_zero', asData(operation('<', i, hexstr(8))), hexstr(14)),
        assign('i', plus('i', 1)),
        call('_jump', hexstr(10)),
      ]),
      'it is not one loop that counts up to a constant',
    ));

  it('because its counter is not known to grow', () =>
    check(
      program(
        loop(12, [...READS, ...branch(3, operation('<', t0, t5), [assign('i', plus('i', 1))]), write('r4', i, t0)]),
      ),
      'it is not one loop that counts up to a constant',
    ));
});
