/** What simple_switch does where the P4 specification is silent; test/differential/ compares the same program with simple_switch itself. */
import { beforeEach, describe, expect, it } from 'vitest';
import { PacketAbortError, Switch } from '../../emulator/index.js';
import { bytes, hex, programJson, switchWith } from './support/programs.js';

let target: Switch;
beforeEach(() => {
  target = switchWith('corners');
  target.control.setMulticastGroup(5, [{ egressPort: 2, instance: 7 }]);
  target.control.setCloneSession(3, [{ egressPort: 6, instance: 0 }], 0);
});

const PAYLOAD = '0102030405060708';
/** Fourteen bytes of header: op, arg, result, two lengths, instance type, passes; then the payload. */
const run = (op: string, arg: string, payload = PAYLOAD): { port: number; text: string }[] =>
  target
    .receive(9, bytes(`${op}${arg}0000 00000000 00000000 0000 ${payload}`))
    .map((output) => ({ port: output.port, text: hex(output.bytes) }));

const result = (op: string, arg: string, payload = PAYLOAD): string => run(op, arg, payload)[0]!.text.slice(4, 8);

describe('a truncated packet', () => {
  it('leaves short', () => {
    expect(run('10', '05')).toEqual([{ port: 1, text: '1005000000' }]);
  });

  it.each([
    ['multicast', '11', 2],
    ['a clone from ingress', '12', 6],
    ['a clone from egress', '14', 6],
    ['resubmission', '13', 1],
    ['recirculation', '15', 1],
  ])('is whole in the copy made by %s', (_, op, port) => {
    const copy = run(op, '05').find((output) => output.port === port)!;
    expect(copy.text).toHaveLength(2 * 22);
    expect(copy.text.endsWith(PAYLOAD)).toBe(true);
  });

  it('is short when egress truncates the copy', () => {
    target.control.setMulticastGroup(6, [
      { egressPort: 2, instance: 7 },
      { egressPort: 3, instance: 8 },
    ]);
    expect(run('16', '04')).toEqual([
      { port: 2, text: '16040007' },
      { port: 3, text: '16040008' },
    ]);
  });
});

describe('headers', () => {
  it('are equal when both are invalid, as p4c compares validity itself', () => {
    expect(result('20', '00')).toBe('0001');
    expect(result('20', '01', '0000')).toBe('0002');
    expect(result('20', '03', '00070007')).toBe('0001');
    expect(result('20', '03', '00070008')).toBe('0002');
    expect(result('21', '00')).toBe('0002');
  });

  it('become invalid by the assignment of an invalid one', () => {
    expect(run('22', '01', '0007aa')[0]!.text.slice(28)).toBe('aa');
  });

  it('start from zero when they become valid again', () => {
    expect(run('23', '01', '0007aa')[0]!.text.slice(28)).toBe('0001aa');
  });

  it('of a stack move out at its ends', () => {
    expect(run('32', '00', '0102 83 aa')[0]!.text.slice(28)).toBe('aa');
    expect(run('31', '00', '0102 83 ee')[0]!.text.slice(28)).toBe('aa01ee');
    expect(run('34', '00', '0102 83 ee')[0]!.text.slice(28)).toBe('83ee');
  });
});

describe('a signed field', () => {
  it('holds what a register gives it without a sign', () => {
    expect(result('42', 'ff')).toBe('0002');
  });

  it('saturates and negates within its width', () => {
    expect(result('43', '7f')).toBe('007f');
    expect(result('44', '01')).toBe('ffff');
  });
});

describe('what simple_switch would not survive ends the packet alone', () => {
  const changed = (name: string, change: (program: Json) => void): Switch => {
    const program = JSON.parse(programJson(name)) as Json;
    change(program);
    const broken = new Switch();
    broken.load(program);
    return broken;
  };

  it('a packet that grows by more than 512 bytes', () => {
    const grown = changed('corners', ({ header_types: types }) => {
      for (const field of types.find(({ name }) => name === 'filler_t')!.fields) field[1] = 2056;
    });
    expect(() => grown.receive(1, bytes('2400 0000 00000000 00000000 0000'))).toThrow(PacketAbortError);
    expect(grown.receive(1, bytes('0000 0000 00000000 00000000 0000'))).toHaveLength(1);
  });

  it('a parser without an end', () => {
    const endless = changed('corners', ({ parsers }) => {
      const left = parsers[0]!.parse_states.find(({ name }) => name === 'left')!;
      left.parser_ops = [];
      for (const transition of left.transitions) transition['next_state'] = 'left';
    });
    expect(() => endless.receive(1, bytes('2001 0000 00000000 00000000 0000 0007'))).toThrow(/does not terminate/);
    expect(endless.receive(1, bytes('2000 0000 00000000 00000000 0000'))).toHaveLength(1);
  });
});

/** As much of BMv2's JSON as is changed here. */
interface Json {
  readonly header_types: readonly { readonly name: string; readonly fields: [string, number, boolean][] }[];
  readonly parsers: readonly {
    readonly parse_states: {
      readonly name: string;
      parser_ops: unknown[];
      readonly transitions: Record<string, unknown>[];
    }[];
  }[];
}
