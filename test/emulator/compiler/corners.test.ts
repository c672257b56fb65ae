/** Cases for which the compiler has special code and that p4c seldom writes; the interpreter gives the expected results. */
import { beforeAll, describe, expect, it } from 'vitest';
import { PacketAbortError, Switch } from '../../../emulator/index.js';
import { loadCompiler } from '../../../emulator/compiler/cache.js';
import { jsonOpsProgram } from '../support/json-ops/program.js';
import { bytes, hex, programJson } from '../support/programs.js';

interface Json {
  header_types: { name: string; fields: [string, number, boolean][] }[];
  register_arrays: { bitwidth: number }[];
  parsers: { parse_states: { name: string; parser_ops: object[] }[] }[];
  pipelines: { init_table: string | null; conditionals: object[] }[];
}

beforeAll(loadCompiler);

async function both(program: Json): Promise<[interpreted: Switch, compiled: Switch]> {
  const targets = [new Switch({ engine: 'interpreter' }), new Switch({ engine: 'compiled' })] as [Switch, Switch];
  for (const target of targets) target.load(JSON.stringify(program));
  await targets[1].ready();
  return targets;
}

const json = (text: string): Json => JSON.parse(text) as Json;

it('a condition that decides nothing is evaluated', async () => {
  const program = json(jsonOpsProgram());
  const quotient = {
    type: 'expression',
    value: { op: '/', left: { type: 'field', value: ['h', 'a'] }, right: { type: 'field', value: ['h', 'b'] } },
  };
  const expression = {
    type: 'expression',
    value: { op: '>', left: quotient, right: { type: 'hexstr', value: '0x1' } },
  };
  program.pipelines[1]!.conditionals.push({ name: 'idle', id: 1_000, expression, true_next: null, false_next: null });
  program.pipelines[1]!.init_table = 'idle';
  for (const target of await both(program)) {
    expect(target.receive(1, bytes('ff 00000001 00000001 00000000'))).toHaveLength(1);
    expect(() => target.receive(1, bytes('ff 00000001 00000000 00000000'))).toThrow(PacketAbortError);
  }
});

describe('advance', () => {
  // Whole bytes or not; within the packet or not; beyond what a double, and what a word can hold.
  const amounts = [
    0n,
    8n,
    9n,
    16n,
    32n,
    40n,
    48n,
    1n << 40n,
    (1n << 40n) + 1n,
    (1n << 41n) + 8n,
    (1n << 60n) + 1n,
    (1n << 63n) + 8n,
    (1n << 64n) - 1n,
    (1n << 64n) - 8n,
  ];

  it.each([64, 128])('by a negative number fails, whatever its bits: %i', async (width) => {
    const program = json(jsonOpsProgram());
    program.register_arrays[0]!.bitwidth = width;
    const amount = { type: 'register', value: ['cells_of', { type: 'hexstr', value: '0x0' }] };
    const start = program.parsers[0]!.parse_states.find(({ name }) => name === 'start')!;
    start.parser_ops.push({
      op: 'advance',
      parameters: [{ type: 'expression', value: { op: '-', left: { type: 'hexstr', value: '0x8' }, right: amount } }],
    });
    for (const target of await both(program)) {
      for (const [less, skipped] of [
        [0n, 1],
        [8n, 0],
        [16n, 0],
        [88n, 0],
        [1n << 50n, 0],
        [(1n << 64n) - 8n, 0],
      ] as const) {
        target.control.writeRegister('cells_of', 0, less);
        const [output] = target.receive(1, bytes('ff 00000001 00000002 00000003 11 22'));
        expect(hex(output!.bytes), String(less)).toBe(`ff000000010000000200000003${'1122'.slice(2 * skipped)}`);
      }
    }
  });

  it.each([64, 128])('by a number of %i bits', async (width) => {
    const program = json(jsonOpsProgram());
    program.register_arrays[0]!.bitwidth = width;
    const amount = { type: 'register', value: ['cells_of', { type: 'hexstr', value: '0x0' }] };
    const start = program.parsers[0]!.parse_states.find(({ name }) => name === 'start')!;
    start.parser_ops.push({
      op: 'advance',
      parameters: [{ type: 'expression', value: { op: '+', left: amount, right: { type: 'hexstr', value: '0x0' } } }],
    });
    const targets = await both(program);
    for (const each of [...amounts, ...(width > 64 ? [1n << 64n, (1n << 64n) + 8n, (1n << 100n) + 1n] : [])]) {
      const [interpreted, compiled] = targets.map((target) => {
        target.control.writeRegister('cells_of', 0, each);
        return target
          .receive(1, bytes('ff 00000001 00000002 00000003 11 22 33 44 55'))
          .map((output) => hex(output.bytes));
      });
      expect(compiled, String(each)).toEqual(interpreted);
      const skipped = each % 8n === 0n && each <= 40n ? Number(each) / 8 : 0;
      expect(interpreted, String(each)).toEqual([`ff000000010000000200000003${'1122334455'.slice(2 * skipped)}`]);
    }
  });
});

describe('a verified checksum', () => {
  /** Checksum errors are in the last byte that leaves. */
  const failed = (target: Switch, outer: string): boolean =>
    hex(target.receive(1, bytes(`${outer} 0000 0000 00 00`))[0]!.bytes).endsWith('01');

  async function withChecksum(width: number, signed: boolean): Promise<Switch[]> {
    const program = json(programJson('checksums'));
    program.header_types.find(({ name }) => name === 'outer_t')!.fields[1] = ['checksum', width, signed];
    return both(program);
  }

  it('in a signed field: a negative number is none', async () => {
    for (const target of await withChecksum(16, true)) {
      expect(failed(target, '0001 fffe 00000000')).toBe(true);
      expect(failed(target, 'fffe 0001 00000000')).toBe(false);
      expect(failed(target, 'fffe 0002 00000000')).toBe(true);
    }
  });

  it.each([
    [80, false],
    [80, true],
    [64, true],
    [128, false],
  ] as const)('in a field of %i bits, signed: %s', async (width, signed) => {
    const field = (value: bigint): string =>
      BigInt.asUintN(width, value)
        .toString(16)
        .padStart(width / 4, '0');
    for (const target of await withChecksum(width, signed)) {
      expect(failed(target, `0001 ${field(0xfffen)} 00000000`)).toBe(false);
      expect(failed(target, `0001 ${field(0xffffn)} 00000000`)).toBe(true);
      expect(failed(target, `0001 ${field(0xfffen | (1n << BigInt(width - 1)))} 00000000`)).toBe(true);
    }
  });
});
