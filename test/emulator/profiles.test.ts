import { describe, expect, it } from 'vitest';
import { NO_CALL, type MatchKey } from '../../emulator/index.js';
import { switchWith } from './support/programs.js';

const key = (value: number): MatchKey[] => [{ kind: 'exact', value: BigInt(value) }];
const give = (value: number) => ({ action: 'ingress_.give', args: [BigInt(value)] });

describe('action profile', () => {
  it('runs the member that an entry refers to', () => {
    const target = switchWith('profiles');
    const { control } = target;
    control.insertMember('ingress_.shared', 7, give(0x11));
    control.insertEntry('ingress_.by_member', {
      keys: key(1),
      priority: 0,
      call: NO_CALL,
      reference: { kind: 'member', id: 7 },
    });
    const run = () => target.receive(1, Uint8Array.of(1, 1, 0, 0, 0))[0]!.bytes[4];
    expect(run()).toBe(0x11);
    control.modifyMember('ingress_.shared', 7, give(0x12));
    expect(run()).toBe(0x12);
    expect(() => control.deleteMember('ingress_.shared', 7)).toThrow(
      expect.objectContaining({ code: 'FAILED_PRECONDITION' }),
    );
    control.deleteEntry('ingress_.by_member', key(1), 0);
    control.deleteMember('ingress_.shared', 7);
    expect(control.members('ingress_.shared').size).toBe(0);
  });

  it('refuses references to nothing, direct actions, groups without a selector, and more members than fit', () => {
    const { control } = switchWith('profiles');
    const insert = (entry: object) => () =>
      control.insertEntry('ingress_.by_member', { keys: key(1), priority: 0, call: NO_CALL, ...entry });
    expect(insert({ reference: { kind: 'member', id: 9 } })).toThrow(/no member 9/);
    expect(insert({ call: give(1) })).toThrow(/must refer to a member or group/);
    expect(() => control.setGroup('ingress_.shared', 1, [])).toThrow(/no selector/);
    for (let i = 0; i < 4; i++) control.insertMember('ingress_.shared', i, give(i));
    expect(() => control.insertMember('ingress_.shared', 4, give(4))).toThrow(
      expect.objectContaining({ code: 'RESOURCE_EXHAUSTED' }),
    );
  });
});

describe('action selector', () => {
  it('spreads flows over the members of a group by hash and weight', () => {
    const target = switchWith('profiles');
    const { control } = target;
    [10, 20, 30].forEach((id, i) => control.insertMember('ingress_.spread', id, give(i + 1)));
    control.setGroup('ingress_.spread', 5, [
      { member: 30, weight: 1 },
      { member: 10, weight: 2 },
      { member: 20, weight: 1 },
    ]);
    control.insertEntry('ingress_.by_group', {
      keys: key(1),
      priority: 0,
      call: NO_CALL,
      reference: { kind: 'group', id: 5 },
    });
    // The hash is the flow itself, so it walks through the members in the order in which they were made; copies for weights come last.
    const results = [0, 1, 2, 3, 4].map((flow) => target.receive(1, Uint8Array.of(2, 1, 0, flow, 0))[0]!.bytes[4]);
    expect(results).toEqual([1, 2, 3, 1, 1]);
    expect(() => control.deleteMember('ingress_.spread', 10)).toThrow(/is in group 5/);
    control.setGroup('ingress_.spread', 5, []);
    expect(target.receive(1, Uint8Array.of(2, 1, 0, 0, 0))[0]!.bytes[4]).toBe(0);
  });
});
