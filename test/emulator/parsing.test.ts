import { describe, expect, it } from 'vitest';
import { bytes, hex, switchWith } from './support/programs.js';

const target = switchWith('parsing');

/** Output of a packet: parser error, note, validity bits, then what is emitted after the report. */
function run(text: string): { error: number; note: number; valid: number; rest: string } {
  const [output] = target.receive(1, bytes(text));
  const out = output!.bytes;
  return { error: out[3]!, note: out[4]!, valid: out[5]!, rest: hex(out.subarray(6)) };
}

describe('parser', () => {
  it('extracts a stack until its last element', () => {
    expect(run('aa01 00010009 00021109 77')).toEqual({ error: 0, note: 0, valid: 3, rest: '000100090002110977' });
  });

  it('stops with StackOutOfBounds when the stack is full, and the packet goes on to ingress', () => {
    expect(run('aa01 00010009 00020009 00030009 00041109')).toMatchObject({
      error: 3,
      valid: 7,
      rest: '00010009000200090003000900041109',
    });
  });

  it('keeps what it extracted before the packet was too short', () => {
    expect(run('aa01 00010009 0002')).toMatchObject({ error: 1, valid: 1, rest: '000100090002' });
  });

  it('stops where verify fails', () => {
    expect(run('ab01 00011109')).toMatchObject({ error: 9, valid: 0, rest: '00011109' });
  });

  it('extracts a varbit field of the length that a lookahead says, and copies it with its length', () => {
    expect(run('aa02 03 a1a2a3 ff')).toMatchObject({ error: 0, rest: '03a1a2a303a1a2a3ff' });
    expect(run('aa02 00 ff')).toMatchObject({ error: 0, rest: '0000ff' });
  });

  it('refuses a varbit field that is longer than its maximum with HeaderTooShort', () => {
    expect(run('aa02 09 010203040506070809 ff')).toMatchObject({ error: 4, rest: '09010203040506070809ff' });
    expect(run('aa02 09 0102')).toMatchObject({ error: 1 });
  });

  it('fails a lookahead beyond the packet with PacketTooShort', () => {
    expect(run('aa02')).toMatchObject({ error: 1, rest: '' });
    expect(run('aa03')).toMatchObject({ error: 1, rest: '' });
  });

  it('lets one member of a union be valid at a time', () => {
    expect(run('aa03 02 05 99')).toMatchObject({ valid: 16, rest: '020599' });
    // Ingress makes the other member valid, which invalidates the one that was parsed.
    expect(run('aa03 01 00000005 99')).toMatchObject({ valid: 8, rest: '070899' });
  });

  it('skips bits with advance and keeps them out of the packet', () => {
    expect(run('aa04 010203 99')).toMatchObject({ error: 0, note: 4, rest: '99' });
    expect(run('aa04 0102')).toMatchObject({ error: 1, note: 0, rest: '0102' });
  });

  it('takes the first transition that matches: values, then masks, then value sets', () => {
    expect(run('aa1f 99')).toMatchObject({ note: 0x10 });
    expect(run('aa50 99')).toMatchObject({ note: 0 });
    const { name } = target.control.describe().valueSets[0]!;
    target.control.setValueSet(name, [0x50n, 0x10n]);
    expect(run('aa50 99')).toMatchObject({ note: 0x99 });
    expect(run('aa10 99')).toMatchObject({ note: 0x10 });
    expect(target.control.valueSet(name)).toEqual([0x50n, 0x10n]);
    target.control.setValueSet(name, []);
    expect(() => target.control.setValueSet(name, [256n])).toThrow(/does not fit/);
  });
});

describe('header stacks', () => {
  it('pop_front moves elements down and invalidates the last', () => {
    expect(run('aa01 00010001 00021109')).toMatchObject({ valid: 3, rest: '00021109' });
  });

  it('push_front moves elements up, and the new first one reads as zero once it is valid', () => {
    expect(run('aa01 00010002 00021109')).toMatchObject({ rest: 'abcde0000001000200021109' });
  });
});
