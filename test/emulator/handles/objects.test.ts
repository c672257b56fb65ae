import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { P4InfoMismatchError, renderTrace, Switch } from '../../../emulator/index.js';
import { bytes, hex, programJson, switchWith } from '../support/programs.js';

let target: Switch;
beforeEach(() => {
  target = switchWith('tables');
});

const send = (text: string): string =>
  target
    .receive(1, bytes(text))
    .map((output) => hex(output.bytes))
    .join();

describe('tables by name', () => {
  it('insert entries of every match kind', () => {
    target.table('exact_').insert({ 'h.key.a': 1, b: '0.0.0.2' }, 'count_and_give', { value: 5 });
    target.table('ingress_.prefix').insert({ b: '10.0.0.0/8' }, 'give', { value: 6 });
    target.table('masked').insert({ a: '0x0100 &&& 0xff00', b: 1 }, 'give', { value: 7 }, { priority: 20 });
    target.table('masked').insert({ b: 1 }, 'ingress_.give', { value: 8 }, { priority: 30 });
    target.table('ranged').insert({ a: '10..20' }, 'give', { value: 9 }, { priority: 1 });
    expect(send('01 0001 00000002 00 00')).toBe('010001000000020501');
    expect(send('02 0000 0a000001 00 00')).toMatch(/^0200000a00000106/);
    expect(send('03 0155 00000001 00 00')).toMatch(/07..$/);
    expect(send('03 0255 00000001 00 00')).toMatch(/08..$/);
    expect(
      [9, 10, 20, 21].map((a) => send(`04 00${a.toString(16).padStart(2, '0')} 00000000 00 00`).slice(14, 16)),
    ).toEqual(['00', '09', '09', '00']);
  });

  it('modify, delete, clear, default actions', () => {
    const table = target.table('prefix');
    const entry = table.insert({ b: '10.0.0.0/8' }, 'give', { value: 1 });
    table.modify({ b: '10.0.0.0/8' }, 'give', { value: 2 });
    expect(send('02 0000 0a000001 00 00')).toMatch(/02..$/);
    entry.delete();
    table.setDefault('give', { value: 3 });
    expect(send('02 0000 0a000001 00 00')).toMatch(/03..$/);
    table.resetDefault();
    table.insert({}, 'give', { value: 4 });
    expect(table.entries()).toHaveLength(1);
    table.clear();
    expect([table.entries(), table.description.entryCount]).toEqual([[], 0]);
    expect(() => table.delete({ b: '10.0.0.0/8' })).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });

  it('read and write the counter of an entry', () => {
    const entry = target.table('exact_').insert({ a: 1, b: 2 }, 'count_and_give', { value: 5 });
    send('01 0001 00000002 00 00');
    expect(entry.counter()).toEqual({ packets: 1n, bytes: 9n });
    expect(target.table('exact_').entry({ a: 1, b: 2 }).counter().packets).toBe(1n);
    entry.setCounter({ packets: 0n, bytes: 0n });
    expect(entry.counter().packets).toBe(0n);
  });

  it('tell what there is when something is not', () => {
    expect(() => target.table('nothing')).toThrow(/there is no table "nothing" \(valid: .*ingress_\.exact_/);
    expect(() => target.table('xact_')).toThrow(/there is no table "xact_"/);
    expect(() => target.table('prefix').insert({ c: 1 }, 'give', { value: 1 })).toThrow(
      /there is no key "c" in table ingress_\.prefix \(valid: h\.key\.b\)/,
    );
    expect(() => target.table('prefix').insert({ b: 1 }, 'count_and_give', {})).toThrow(
      /there is no action "count_and_give" in table ingress_\.prefix \(valid: ingress_\.give, NoAction\)/,
    );
    expect(() => target.table('prefix').insert({ b: 1 }, 'give')).toThrow(
      /action ingress_\.give needs parameter value \(its parameters: value: 8 bit\(s\)\)/,
    );
    expect(() => target.table('prefix').insert({ b: 1 }, 'give', { worth: 1 })).toThrow(
      /there is no parameter "worth" in action ingress_\.give \(valid: value\)/,
    );
    expect(() => target.table('prefix').insert({ b: 1 }, 'give', { value: 256 })).toThrow(
      /256 does not fit the 8 bit\(s\) of parameter value of action ingress_\.give/,
    );
    expect(() => target.table('exact_').insert({ b: 1 }, 'count_and_give', { value: 1 })).toThrow(
      /key h\.key\.a of table ingress_\.exact_ is exact: it takes a value, not nothing/,
    );
    expect(() => target.table('exact_').insert({ a: 1, 'key.a': 1, b: 1 }, 'count_and_give', { value: 1 })).toThrow(
      /given twice/,
    );
    expect(() => new Switch().table('x')).toThrow(expect.objectContaining({ code: 'EMULATOR_NO_PROGRAM' }));
  });
});

describe('other objects by name', () => {
  it('registers', () => {
    target = switchWith('externs');
    const cells = target.register('cells');
    cells.write(1, '0.0.0.7');
    target.receive(3, bytes('01 00000002 00000009'));
    expect(cells.readAll()).toEqual([0n, 7n, 9n, 0n]);
    cells.fill(-1);
    expect(cells.read(3)).toBe(0xffffffffn);
    expect(() => cells.write(0, 1n << 32n)).toThrow(/does not fit the 32 bit/);
    expect(() => target.register('cell')).toThrow(/there is no register "cell" \(valid: ingress_\.cells/);
  });

  it('counters, meters', () => {
    target = switchWith('externs', { clock: 0 });
    target.receive(3, bytes('03 00000001 00000000'));
    expect(target.counter('counted').read(1)).toEqual({ packets: 1n, bytes: 9n });
    target.counter('counted').write(1, { packets: 5n, bytes: 0n });
    expect(target.counter('counted').read(1).packets).toBe(5n);
    target.meter('rated').set(0, [
      { perSecond: 1000, burst: 1 },
      { perSecond: 2000, burst: 2 },
    ]);
    const color = (): string => hex(target.receive(3, bytes('04 00000000 00000000'))[0]!.bytes).slice(0, 8);
    expect([color(), color()]).toEqual(['00000000', '00000001']);
    target.setTime(10_000);
    expect(color()).toBe('00000000');
    expect(target.meter('rated').read(0)).toHaveLength(2);
  });

  it('action profiles and selectors', () => {
    target = switchWith('profiles');
    const { actionProfiles, tables } = target.control.describe();
    const selector = actionProfiles.find((profile) => profile.selector)!;
    const table = tables.find(({ actionProfile }) => actionProfile === selector.name)!;
    const action = table.actions.find(({ params }) => params.length > 0)!;
    const args = Object.fromEntries(action.params.map(({ name }) => [name, 1]));
    const profile = target.actionProfile(selector.name);
    profile.member(1, action.name, args);
    profile.member(1, action.name, args);
    profile.member(2, action.name, args);
    profile.group(7, [1, { member: 2, weight: 3 }]);
    const match = Object.fromEntries(table.keys.map(({ name }) => [name, 1]));
    const entry = target.table(table.name).insert(match, { group: 7 });
    expect(target.table(table.name).entries()[0]).toMatchObject({ reference: { kind: 'group', id: 7 } });
    target.table(table.name).modify(match, { member: 2 });
    expect(() => profile.deleteMember(2)).toThrow(/in group 7/);
    entry.delete();
    profile.deleteGroup(7);
    profile.deleteMember(2);
    expect([...target.control.members(selector.name).keys()]).toEqual([1]);
  });

  it('value sets', () => {
    target = switchWith('parsing');
    const { name } = target.control.describe().valueSets[0]!;
    target.valueSet(name).set([0x50, '0x10']);
    expect(target.valueSet(name).values()).toEqual([0x50n, 0x10n]);
  });
});

describe('P4Info', () => {
  const folder = new URL('../p4runtime/fixtures/', import.meta.url);

  it('is optional, adds its aliases, and must be of the program', () => {
    const p4info = readFileSync(new URL('features.p4info.txtpb', folder), 'utf8');
    const plain = new Switch();
    plain.load(readFileSync(new URL('features.json', folder), 'utf8'), p4info);
    expect(plain.control.describe().tables.length).toBeGreaterThan(0);
    expect(() => target.load(programJson('tables'), p4info)).toThrow(P4InfoMismatchError);
    expect(target.program!.tables.map(({ name }) => name)).toContain('ingress_.prefix');
  });
});

describe('traces', () => {
  it('of a packet that is given up are in its error', () => {
    target = switchWith('externs');
    try {
      target.trace(1, bytes('09 00000000 0000dead'));
    } catch (error) {
      const { trace } = error as { trace: Parameters<typeof renderTrace>[0] };
      expect(renderTrace(trace)).toMatch(/^packet of 9 bytes received on port 1\n[\s\S]*nothing left the switch$/);
      return;
    }
    throw new Error('the packet was not given up');
  });
});
