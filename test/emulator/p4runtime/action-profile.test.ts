import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entity, Init, TableAction, UpdateType } from '../../../p4runtime/index.js';
import { action, bytes, failureOf, frame, index, tableId, TestBed } from './support.js';

let bed: TestBed;
beforeEach(async () => {
  bed = await TestBed.start();
  await bed.primary();
  await bed.commit();
});
afterEach(() => bed.stop());

const profile = index.actionProfiles.find('profile').id;
const selector = index.actionProfiles.find('selector').id;
const member = (
  memberId: number,
  does: Init<TableAction> = action('forward', memberId),
  actionProfileId = selector,
): Init<Entity> => ({
  actionProfileMember: { actionProfileId, memberId, action: does.action },
});
const group = (groupId: number, members: Record<number, number>, maxSize = 8): Init<Entity> => ({
  actionProfileGroup: {
    actionProfileId: selector,
    groupId,
    maxSize,
    members: Object.entries(members).map(([memberId, weight]) => ({ memberId: Number(memberId), weight })),
  },
});
const entry = (table: string, type: number, does: Init<TableAction>): Init<Entity> => ({
  tableEntry: { tableId: tableId(table), match: [{ fieldId: 1, exact: { value: bytes(type) } }], action: does },
});
const portsOf = (type: number, src = 1n) => bed.device.receive(2, frame(99n, src, type)).map(({ port }) => port);
const portsOverSources = (type: number) =>
  new Set(Array.from({ length: 64 }, (_, i) => portsOf(type, BigInt(i * 7919))[0]));

describe('members', () => {
  it('run through entries that point at them, and change for all of these', async () => {
    await bed.insert(member(1, action('forward', 5), profile));
    await bed.insert(entry('indirect', 0x10, { actionProfileMemberId: 1 }));
    expect(portsOf(0x10)).toEqual([5]);
    await bed.write('MODIFY', member(1, action('forward', 6), profile));
    expect(portsOf(0x10)).toEqual([6]);
    const [found] = await bed.read({ tableEntry: { tableId: tableId('indirect') } });
    expect(found!.tableEntry!.action).toEqual({ actionProfileMemberId: 1 });
  });

  it('are read one, all of a profile, or all', async () => {
    await bed.writeAll([
      ['INSERT', member(1)],
      ['INSERT', member(2)],
      ['INSERT', member(1, action('drop'), profile)],
    ]);
    expect((await bed.read({ actionProfileMember: {} })).length).toBe(3);
    expect((await bed.read({ actionProfileMember: { actionProfileId: selector } })).length).toBe(2);
    const [one] = await bed.read({ actionProfileMember: { actionProfileId: selector, memberId: 2 } });
    expect(one).toEqual(member(2));
  });

  it.each<[string, UpdateType, Init<Entity>, string]>([
    ['id 0', 'INSERT', member(0), 'INVALID_ARGUMENT'],
    ['one that exists', 'INSERT', member(1), 'ALREADY_EXISTS'],
    ['a change of a missing one', 'MODIFY', member(9), 'NOT_FOUND'],
    ['to delete a missing one', 'DELETE', member(9), 'NOT_FOUND'],
    ['no action', 'INSERT', { actionProfileMember: { actionProfileId: selector, memberId: 9 } }, 'INVALID_ARGUMENT'],
    ['an action of other tables', 'INSERT', member(9, action('learn')), 'INVALID_ARGUMENT'],
    ['to delete one in a group', 'DELETE', member(1), 'FAILED_PRECONDITION'],
    ['to delete one in an entry', 'DELETE', member(2), 'FAILED_PRECONDITION'],
    ['an unknown profile', 'INSERT', member(9, action('drop'), 7), 'INVALID_ARGUMENT'],
  ])('refuse %s', async (_what, update, entity, code) => {
    await bed.writeAll([
      ['INSERT', member(1)],
      ['INSERT', member(2)],
      ['INSERT', group(1, { 1: 1 })],
    ]);
    await bed.insert(entry('balanced', 7, { actionProfileMemberId: 2 }));
    expect(await bed.refusal(update, entity)).toBe(code);
  });

  it('are as many as the profile holds', async () => {
    for (let i = 1; i <= 16; i++) await bed.insert(member(i));
    expect(await bed.refusal('INSERT', member(17))).toBe('RESOURCE_EXHAUSTED');
  });
});

describe('groups', () => {
  beforeEach(() =>
    bed.writeAll([
      ['INSERT', member(1)],
      ['INSERT', member(2)],
      ['INSERT', member(3)],
    ]),
  );

  it('spread packets over their members', async () => {
    await bed.insert(group(1, { 1: 1, 2: 2 }));
    await bed.insert(entry('balanced', 0x20, { actionProfileGroupId: 1 }));
    expect(portsOverSources(0x20)).toEqual(new Set([1, 2]));
    await bed.write('MODIFY', group(1, { 3: 1 }));
    expect(portsOverSources(0x20)).toEqual(new Set([3]));
  });

  it('read back as written, with watched ports', async () => {
    const written: Init<Entity> = {
      actionProfileGroup: {
        actionProfileId: selector,
        groupId: 4,
        maxSize: 5,
        members: [
          { memberId: 2, weight: 3, watchPort: bytes(7) },
          { memberId: 1, weight: 1, watch: 6 },
        ],
      },
    };
    await bed.insert(written);
    expect(await bed.read({ actionProfileGroup: { actionProfileId: selector, groupId: 4 } })).toEqual([written]);
    expect((await bed.read({ actionProfileGroup: {} })).length).toBe(1);
  });

  it.each<[string, UpdateType, Init<Entity>, string]>([
    ['id 0', 'INSERT', group(0, {}), 'INVALID_ARGUMENT'],
    ['one that exists', 'INSERT', group(1, {}), 'ALREADY_EXISTS'],
    ['a missing one', 'MODIFY', group(9, {}), 'NOT_FOUND'],
    ['a missing member', 'INSERT', group(9, { 8: 1 }), 'NOT_FOUND'],
    ['weight 0', 'INSERT', group(9, { 1: 0 }), 'INVALID_ARGUMENT'],
    ['max_size 0 where it is limited', 'INSERT', group(9, {}, 0), 'INVALID_ARGUMENT'],
    ['a max_size over the limit', 'INSERT', group(9, {}, 9), 'INVALID_ARGUMENT'],
    ['weights over max_size', 'INSERT', group(9, { 1: 2, 2: 2 }, 3), 'RESOURCE_EXHAUSTED'],
    ['another max_size', 'MODIFY', group(1, {}, 7), 'INVALID_ARGUMENT'],
    ['to delete one in an entry', 'DELETE', group(1, {}), 'FAILED_PRECONDITION'],
    [
      'a group of a profile without selector',
      'INSERT',
      { actionProfileGroup: { actionProfileId: profile, groupId: 1 } },
      'INVALID_ARGUMENT',
    ],
    [
      'a member twice',
      'INSERT',
      {
        actionProfileGroup: {
          actionProfileId: selector,
          groupId: 9,
          maxSize: 8,
          members: [
            { memberId: 1, weight: 1 },
            { memberId: 1, weight: 1 },
          ],
        },
      },
      'INVALID_ARGUMENT',
    ],
  ])('refuse %s', async (_what, update, entity, code) => {
    await bed.insert(group(1, { 1: 1 }));
    await bed.insert(entry('balanced', 7, { actionProfileGroupId: 1 }));
    expect(await bed.refusal(update, entity)).toBe(code);
  });
});

describe('the size of a selector', () => {
  beforeEach(() => bed.insert(member(1)));

  // 16, of all groups together, in weights.
  it('is that of all its groups', async () => {
    for (const id of [1, 2]) await bed.insert(group(id, { 1: 8 }));
    expect(await bed.refusal('INSERT', group(3, { 1: 1 }))).toBe('RESOURCE_EXHAUSTED');
    await bed.write('MODIFY', group(1, { 1: 7 }));
    await bed.insert(group(3, { 1: 1 }));
  });

  it('refuses a weight that no memory could hold', async () => {
    expect(await bed.refusal('INSERT', group(1, { 1: 2 ** 31 - 1 }))).toBe('RESOURCE_EXHAUSTED');
    expect(() => bed.device.control.setGroup('Ingress_.selector', 1, [{ member: 1, weight: 2 ** 31 - 1 }])).toThrow(
      /at most 65536/,
    );
  });
});

describe('ids from 2^31', () => {
  it.each([2 ** 31, 2 ** 32 - 1])('are as good as others: %i', async (id) => {
    await bed.insert(member(id, action('forward', 5)));
    await bed.insert(group(id, { [id]: 1 }));
    await bed.insert(entry('balanced', 0x20, { actionProfileGroupId: id }));
    expect(portsOverSources(0x20)).toEqual(new Set([5]));
    const [found] = await bed.read({ actionProfileGroup: { actionProfileId: selector, groupId: id } });
    expect(found!.actionProfileGroup).toMatchObject({ groupId: id, members: [{ memberId: id }] });
    expect((await bed.read({ actionProfileMember: {} })).length).toBe(1);
  });
});

describe('watch ports', () => {
  beforeEach(() => bed.insert(member(1)));

  it('are read back canonical', async () => {
    const written = (watchPort: Uint8Array): Init<Entity> => ({
      actionProfileGroup: {
        actionProfileId: selector,
        groupId: 4,
        maxSize: 5,
        members: [{ memberId: 1, weight: 1, watchPort }],
      },
    });
    await bed.insert(written(Uint8Array.of(0, 0, 0, 7)));
    expect(await bed.read({ actionProfileGroup: {} })).toEqual([written(bytes(7))]);
  });

  it.each([511, 512, 2 ** 31])('refuse %i, which is no port', async (port) => {
    const members = [{ memberId: 1, weight: 1, watchPort: bytes(port) }];
    expect(
      await bed.refusal('INSERT', {
        actionProfileGroup: { actionProfileId: selector, groupId: 1, maxSize: 8, members },
      }),
    ).toBe('INVALID_ARGUMENT');
  });
});

describe('entries of indirect tables', () => {
  it('have NoAction as their constant default', async () => {
    for (const table of ['indirect', 'balanced']) {
      const [found] = await bed.read({ tableEntry: { tableId: tableId(table), isDefaultAction: true } });
      expect(found!.tableEntry).toMatchObject({ isDefaultAction: true, isConst: true, action: action('NoAction') });
    }
  });

  it.each<[string, string, Init<TableAction>, string]>([
    ['an action of their own', 'indirect', action('forward', 1), 'INVALID_ARGUMENT'],
    ['a missing member', 'indirect', { actionProfileMemberId: 5 }, 'NOT_FOUND'],
    ['a group without selector', 'indirect', { actionProfileGroupId: 5 }, 'INVALID_ARGUMENT'],
    ['a missing group', 'balanced', { actionProfileGroupId: 5 }, 'NOT_FOUND'],
    ['a one-shot without selector', 'indirect', { actionProfileActionSet: {} }, 'INVALID_ARGUMENT'],
  ])('refuse %s', async (_what, table, does, code) => {
    expect(await bed.refusal('INSERT', entry(table, 1, does))).toBe(code);
  });
});

describe('one-shots', () => {
  const oneShot = (...weights: [number, number][]): Init<TableAction> => ({
    actionProfileActionSet: {
      actionProfileActions: weights.map(([port, weight]) => ({ action: action('forward', port).action, weight })),
    },
  });

  it('spread packets, read back as written and show no members or groups', async () => {
    // The same action twice must not become one.
    const does = oneShot([4, 1], [5, 2], [4, 1]);
    await bed.insert(entry('balanced', 0x30, does));
    expect(portsOverSources(0x30)).toEqual(new Set([4, 5]));
    const [found] = await bed.read({ tableEntry: { tableId: tableId('balanced') } });
    expect(found!.tableEntry!.action).toEqual(does);
    expect(await bed.read({ actionProfileMember: {} }, { actionProfileGroup: {} })).toEqual([]);
  });

  it('read back with canonical bytestrings, however they were written', async () => {
    const padded = (value: Uint8Array): Init<TableAction> => {
      const forward = action('forward', 4).action;
      return {
        actionProfileActionSet: {
          actionProfileActions: [{ action: { ...forward, params: [{ paramId: 1, value }] }, weight: 1 }],
        },
      };
    };
    await bed.insert(entry('balanced', 0x30, padded(Uint8Array.of(0, 0, 4))));
    const [found] = await bed.read({ tableEntry: { tableId: tableId('balanced') } });
    expect(found!.tableEntry!.action).toEqual(padded(Uint8Array.of(4)));
  });

  it('are replaced and deleted with all that implements them', async () => {
    for (let round = 0; round < 20; round++) {
      await bed.insert(entry('balanced', 0x30, oneShot([4, 4])));
      await bed.write('MODIFY', entry('balanced', 0x30, oneShot([5, 1], [6, 1])));
      expect(portsOverSources(0x30)).toEqual(new Set([5, 6]));
      await bed.write('DELETE', entry('balanced', 0x30, {}));
    }
    expect(bed.device.control.members('Ingress_.selector').size).toBe(0);
    expect(bed.device.control.groups('Ingress_.selector').size).toBe(0);
  });

  it('say ALREADY_EXISTS even where they would not fit', async () => {
    for (const type of [0x30, 0x31]) await bed.insert(entry('balanced', type, oneShot([4, 8])));
    expect(await bed.refusal('INSERT', entry('balanced', 0x30, oneShot([5, 1])))).toBe('ALREADY_EXISTS');
    expect(await bed.refusal('INSERT', entry('balanced', 0x32, oneShot([5, 1])))).toBe('RESOURCE_EXHAUSTED');
  });

  it('may take the room of the one that they replace', async () => {
    for (const type of [0x30, 0x31])
      await bed.insert(
        entry('balanced', type, oneShot(...Array.from({ length: 8 }, (_, i): [number, number] => [i, 1]))),
      );
    await bed.write(
      'MODIFY',
      entry('balanced', 0x30, oneShot(...Array.from({ length: 8 }, (): [number, number] => [6, 1]))),
    );
    expect(portsOf(0x30)).toEqual([6]);
  });

  it('spread as before when a batch that replaced them is rolled back', async () => {
    await bed.insert(entry('balanced', 0x30, oneShot([4, 1], [5, 2], [6, 1])));
    const spread = (): number[] =>
      Array.from({ length: 64 }, (_, i) => bed.device.receive(0, frame(9n, BigInt(i), 0x30))[0]!.port);
    const before = spread();
    await failureOf(
      bed.writeAll(
        [
          ['MODIFY', entry('balanced', 0x30, oneShot([7, 1]))],
          ['INSERT', {}],
        ],
        'ROLLBACK_ON_ERROR',
      ),
    );
    expect(spread()).toEqual(before);
  });

  it('stay when a MODIFY has no action', async () => {
    await bed.insert(entry('balanced', 0x30, oneShot([4, 1])));
    await bed.write('MODIFY', {
      tableEntry: { ...entry('balanced', 0x30, {}).tableEntry, action: undefined, metadata: bytes(1) },
    });
    expect(portsOf(0x30)).toEqual([4]);
    const [found] = await bed.read({ tableEntry: { tableId: tableId('balanced') } });
    expect(found!.tableEntry!.action).toEqual(oneShot([4, 1]));
  });

  it('do not mix with members and groups', async () => {
    await bed.insert(entry('balanced', 0x30, oneShot([4, 1])));
    expect(await bed.refusal('INSERT', member(1))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('INSERT', group(1, {}))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('INSERT', entry('balanced', 0x31, { actionProfileGroupId: 2 ** 31 }))).toBe(
      'INVALID_ARGUMENT',
    );
    await bed.write('DELETE', entry('balanced', 0x30, {}));
    await bed.insert(member(1));
    expect(await bed.refusal('INSERT', entry('balanced', 0x30, oneShot([4, 1])))).toBe('INVALID_ARGUMENT');
  });

  it.each([
    ['weight 0', oneShot([4, 0])],
    ['weights over the limit', oneShot([4, 5], [5, 4])],
    ['an action that is missing', { actionProfileActionSet: { actionProfileActions: [{ weight: 1 }] } }],
    [
      'an unknown action',
      { actionProfileActionSet: { actionProfileActions: [{ weight: 1, action: { actionId: 5 } }] } },
    ],
  ])('refuse %s and leave nothing behind', async (_what, does) => {
    expect((await failureOf(bed.insert(entry('balanced', 1, does)))).errors).toEqual(['INVALID_ARGUMENT']);
    expect(bed.device.control.members('Ingress_.selector').size).toBe(0);
  });
});
