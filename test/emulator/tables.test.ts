import { beforeEach, describe, expect, it } from 'vitest';
import type { Control, MatchKey, Switch } from '../../emulator/index.js';
import { bytes, switchWith } from './support/programs.js';

const exact = (value: number): MatchKey => ({ kind: 'exact', value: BigInt(value) });
const lpm = (value: number, prefixLength: number): MatchKey => ({ kind: 'lpm', value: BigInt(value), prefixLength });
const ternary = (value: number, mask: number): MatchKey => ({
  kind: 'ternary',
  value: BigInt(value),
  mask: BigInt(mask),
});
const range = (low: number, high: number): MatchKey => ({ kind: 'range', low: BigInt(low), high: BigInt(high) });

let target: Switch;
let control: Control;
beforeEach(() => {
  target = switchWith('tables');
  control = target.control;
});

function insert(table: string, keys: MatchKey[], value: number, priority = 0, action = 'give'): void {
  control.insertEntry(`ingress_.${table}`, {
    keys,
    priority,
    call: { action: `ingress_.${action}`, args: [BigInt(value)] },
  });
}

/** Result and path bytes, or undefined if the packet was dropped. */
function run(which: number, a: number, b: number): [number, number] | undefined {
  const packet = new Uint8Array(9);
  const view = new DataView(packet.buffer);
  view.setUint8(0, which);
  view.setUint16(1, a);
  view.setUint32(3, b);
  const [output] = target.receive(1, packet);
  return output === undefined ? undefined : [output.bytes[7]!, output.bytes[8]!];
}

describe('match kinds', () => {
  it('exact: hit, miss, default action', () => {
    insert('exact_', [exact(1), exact(2)], 5, 0, 'count_and_give');
    expect(run(1, 1, 2)).toEqual([5, 1]);
    expect(run(1, 2, 1)).toBeUndefined();
    expect(target.statistics.droppedInIngress).toBe(1);
  });

  it('lpm: the longest prefix wins, whatever the order of insertion', () => {
    insert('prefix', [lpm(0x0a010000, 16)], 2);
    insert('prefix', [lpm(0, 0)], 3);
    insert('prefix', [lpm(0x0a000000, 8)], 1);
    insert('prefix', [lpm(0x0a010203, 32)], 4);
    expect([0x0a010203, 0x0a010204, 0x0a020304, 0x0b000000].map((b) => run(2, 0, b)![0])).toEqual([4, 2, 1, 3]);
    control.deleteEntry('ingress_.prefix', [lpm(0x0a010000, 16)], 0);
    control.deleteEntry('ingress_.prefix', [lpm(0, 0)], 0);
    expect([0x0a010204, 0x0b000000].map((b) => run(2, 0, b)![0])).toEqual([1, 0xee]);
  });

  it('ternary: the smaller priority number wins, then the entry that came first', () => {
    insert('masked', [ternary(0x0100, 0xff00), exact(1)], 1, 20);
    insert('masked', [ternary(0x0001, 0x00ff), exact(1)], 2, 10);
    insert('masked', [ternary(0, 0), exact(1)], 3, 30);
    insert('masked', [ternary(0x0002, 0x00ff), exact(1)], 4, 30);
    expect(run(3, 0x0101, 1)).toEqual([2, 3]);
    expect(run(3, 0x0105, 1)).toEqual([1, 3]);
    expect(run(3, 0x0902, 1)).toEqual([3, 3]);
    expect(run(3, 0x0101, 2)).toEqual([0, 4]);
    control.deleteEntry('ingress_.masked', [ternary(0, 0), exact(1)], 30);
    expect(run(3, 0x0902, 1)).toEqual([4, 3]);
  });

  it('range: both ends belong to it, and priority ranks', () => {
    insert('ranged', [range(0, 100), ternary(0, 0)], 1, 5);
    insert('ranged', [range(50, 200), ternary(1, 0xff)], 2, 3);
    expect([0, 50, 100, 101, 200, 201].map((a) => run(4, a, 1)![0])).toEqual([1, 2, 2, 2, 2, 0]);
    expect(run(4, 50, 2)![0]).toBe(1);
  });

  it('optional: a value or anything', () => {
    insert('maybe', [ternary(5, 0xffff)], 7, 1);
    insert('maybe', [ternary(0, 0)], 8, 2);
    expect([5, 6].map((a) => run(5, a, 0)![0])).toEqual([7, 8]);
  });

  it('const entries rank in the order of the source and cannot be changed', () => {
    expect([0x0123, 0x0999].map((a) => run(6, a, 0)![0])).toEqual([1, 3]);
    expect(() => insert('fixed', [ternary(1, 1)], 9, 1)).toThrow(
      expect.objectContaining({ code: 'PERMISSION_DENIED' }),
    );
    expect(() => control.setDefaultAction('ingress_.fixed', { action: 'ingress_.give', args: [1n] })).toThrow(
      /is const/,
    );
    expect(control.entries('ingress_.fixed')).toHaveLength(3);
  });
});

describe('control of tables', () => {
  it('tells entries apart by their keys and, where it ranks, their priority', () => {
    insert('masked', [ternary(0x0100, 0xff00), exact(1)], 1, 20);
    insert('masked', [ternary(0x0100, 0xff00), exact(1)], 2, 10);
    expect(() => insert('masked', [ternary(0x01aa, 0xff00), exact(1)], 3, 10)).toThrow(
      expect.objectContaining({ code: 'ALREADY_EXISTS' }),
    );
    expect(run(3, 0x0177, 1)![0]).toBe(2);
  });

  it('modifies an entry in place', () => {
    insert('prefix', [lpm(0x0a000000, 8)], 1);
    control.modifyEntry('ingress_.prefix', {
      keys: [lpm(0x0a000000, 8)],
      priority: 0,
      call: { action: 'NoAction', args: [] },
    });
    expect(run(2, 0, 0x0a000001)![0]).toBe(0);
    expect(() =>
      control.modifyEntry('ingress_.prefix', {
        keys: [lpm(0x0b000000, 8)],
        priority: 0,
        call: { action: 'NoAction', args: [] },
      }),
    ).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });

  it('sets a default action and gives the program back its own', () => {
    control.setDefaultAction('ingress_.prefix', { action: 'ingress_.give', args: [0x42n] });
    expect(run(2, 0, 1)![0]).toBe(0x42);
    control.setDefaultAction('ingress_.prefix', undefined);
    expect(run(2, 0, 1)![0]).toBe(0xee);
  });

  it('refuses more entries than the table holds', () => {
    for (let i = 0; i < 4; i++) insert('exact_', [exact(i), exact(0)], i, 0, 'count_and_give');
    expect(() => insert('exact_', [exact(9), exact(0)], 9, 0, 'count_and_give')).toThrow(
      expect.objectContaining({ code: 'RESOURCE_EXHAUSTED' }),
    );
  });

  it('counts hits and their bytes in the direct counter of the entry', () => {
    insert('exact_', [exact(1), exact(2)], 5, 0, 'count_and_give');
    run(1, 1, 2);
    run(1, 1, 2);
    run(1, 7, 7);
    expect(control.readDirectCounter('ingress_.exact_', [exact(1), exact(2)], 0)).toEqual({ packets: 2n, bytes: 18n });
    control.writeDirectCounter('ingress_.exact_', [exact(1), exact(2)], 0, { packets: 0n, bytes: 0n });
    expect(control.readDirectCounter('ingress_.exact_', [exact(1), exact(2)], 0)).toEqual({ packets: 0n, bytes: 0n });
  });

  it('names the valid choices in its errors', () => {
    expect(() => control.entries('nothing')).toThrow(/no table "nothing" \(valid: .*ingress_\.exact_/);
    expect(() => insert('prefix', [lpm(0, 0)], 1, 0, 'count_and_give')).toThrow(/ingress_\.give, NoAction/);
    expect(() => insert('prefix', [exact(1)], 1)).toThrow(/key h.key.b of table ingress_.prefix is lpm, not exact/);
    expect(() => insert('prefix', [lpm(0, 33)], 1)).toThrow(/0 to 32 bits/);
    expect(() => insert('prefix', [lpm(0, 0)], 256)).toThrow(
      /argument value of action ingress_.give does not fit 8 bit/,
    );
  });

  it('a new program starts without the entries of the old one', () => {
    insert('prefix', [lpm(0, 0)], 3);
    target.load(target.program!);
    expect(control.entries('ingress_.prefix')).toEqual([]);
  });

  it('refuses to run before a program is loaded', async () => {
    const { Switch } = await import('../../emulator/index.js');
    expect(() => new Switch().receive(1, bytes('00'))).toThrow(
      expect.objectContaining({ code: 'EMULATOR_NO_PROGRAM' }),
    );
  });
});
