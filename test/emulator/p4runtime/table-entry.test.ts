import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entity, FieldMatch, Init, TableEntry } from '../../../p4runtime/index.js';
import { action, bytes, failureOf, frame, index, l2, tableId, TestBed } from './support.js';

let bed: TestBed;
beforeEach(async () => {
  bed = await TestBed.start();
  await bed.primary();
  await bed.commit();
});
afterEach(() => bed.stop());

const entity = (table: string, match: Init<FieldMatch>[], more: Init<TableEntry>): Init<Entity> => ({
  tableEntry: { tableId: tableId(table), match, ...more },
});
const acl = (match: Init<FieldMatch>[], priority: number, does = action('forward', 1)): Init<Entity> =>
  entity('acl', match, { priority, action: does });
const readTable = async (table: string, more: Init<TableEntry> = {}): Promise<TableEntry[]> =>
  (await bed.read({ tableEntry: { tableId: tableId(table), ...more } })).map(({ tableEntry }) => tableEntry!);
const portsOf = (dst: bigint, src = 1n, type = 0x1234, from = 2): number[] =>
  bed.device.receive(from, frame(dst, src, type)).map(({ port }) => port);

const src = (value: bigint, mask: bigint): Init<FieldMatch> => ({
  fieldId: 1,
  ternary: { value: bytes(value), mask: bytes(mask) },
});
const type = (value: number): Init<FieldMatch> => ({ fieldId: 2, optional: { value: bytes(value) } });
const port = (low: number, high: number): Init<FieldMatch> => ({
  fieldId: 3,
  range: { low: bytes(low), high: bytes(high) },
});
const prefix = (value: bigint, prefixLen: number): Init<FieldMatch> => ({
  fieldId: 1,
  lpm: { value: bytes(value), prefixLen },
});

describe('INSERT, MODIFY and DELETE', () => {
  it('work on packets', async () => {
    expect(portsOf(5n)).toEqual([]);
    await bed.insert(l2(5n, action('forward', 3)));
    expect(portsOf(5n)).toEqual([3]);
    await bed.write('MODIFY', l2(5n, action('forward', 4)));
    expect(portsOf(5n)).toEqual([4]);
    await bed.write('DELETE', {
      tableEntry: { tableId: tableId('l2'), match: [{ fieldId: 1, exact: { value: bytes(5) } }] },
    });
    expect(portsOf(5n)).toEqual([]);
  });

  it('refuse what exists, is absent or does not fit', async () => {
    await bed.insert(l2(5n, action('forward', 3)));
    expect(await bed.refusal('INSERT', l2(5n, action('forward', 4)))).toBe('ALREADY_EXISTS');
    expect(portsOf(5n)).toEqual([3]);
    expect(await bed.refusal('MODIFY', l2(6n, action('forward', 4)))).toBe('NOT_FOUND');
    expect(await bed.refusal('DELETE', l2(6n, action('forward', 4)))).toBe('NOT_FOUND');
    for (const dst of [1n, 2n, 3n]) await bed.insert(l2(dst, action('forward', 1)));
    expect(await bed.refusal('INSERT', l2(4n, action('forward', 1)))).toBe('RESOURCE_EXHAUSTED');
    expect(await bed.refusal('UNSPECIFIED', l2(5n, action('forward', 1)))).toBe('INVALID_ARGUMENT');
  });

  it('MODIFY without an action keeps it and takes new metadata', async () => {
    await bed.insert(l2(5n, action('forward', 3), { metadata: Uint8Array.of(1), controllerMetadata: 4n }));
    await bed.write('MODIFY', l2(5n, undefined as never, { metadata: Uint8Array.of(2) }));
    const [entry] = await readTable('l2');
    expect(entry).toMatchObject({ metadata: Uint8Array.of(2), controllerMetadata: 0n });
    expect(portsOf(5n)).toEqual([3]);
  });

  it('DELETE looks at the key only', async () => {
    await bed.insert(l2(5n, action('forward', 3)));
    await bed.write('DELETE', l2(5n, { action: { actionId: 99 } }, { idleTimeoutNs: -5n }));
    expect(await readTable('l2')).toEqual([]);
  });
});

describe('match kinds', () => {
  it('read back as written, in canonical form', async () => {
    const forms: [string, Init<FieldMatch>[], Init<FieldMatch>[], number][] = [
      [
        'l2',
        [{ fieldId: 1, exact: { value: Uint8Array.of(0, 0, 7) } }],
        [{ fieldId: 1, exact: { value: bytes(7) } }],
        0,
      ],
      ['routes', [prefix(0x0a0000000000n, 8)], [prefix(0x0a0000000000n, 8)], 0],
      ['routes', [], [], 0],
      ['acl', [port(1, 3), type(0x800), src(0x100n, 0xff00n)], [src(0x100n, 0xff00n), type(0x800), port(1, 3)], 5],
      ['acl', [], [], 6],
    ];
    for (const [table, given, canonical, priority] of forms) {
      await bed.insert(entity(table, given, { priority, action: action('forward', 1) }));
      const found = await readTable(table, { match: given, priority });
      expect(found.map(({ match }) => match)).toContainEqual(canonical);
      expect(found.every((each) => each.priority === priority)).toBe(true);
    }
  });

  it('match packets', async () => {
    await bed.insert(entity('routes', [prefix(0x0a0000000000n, 8)], { action: action('forward', 1) }));
    await bed.insert(entity('routes', [prefix(0x0a0b00000000n, 16)], { action: action('forward', 2) }));
    expect(portsOf(0x0a0b00000001n)).toEqual([2]);
    expect(portsOf(0x0a0c00000001n)).toEqual([1]);
    expect(portsOf(0x0b0c00000001n)).toEqual([]);
    await bed.insert(acl([src(0x55n, 0xffn), type(0x0800), port(7, 9)], 10, action('forward', 5)));
    expect(portsOf(1n, 0xaa55n, 0x0800, 8)).toEqual([5]);
    expect(portsOf(1n, 0xaa54n, 0x0800, 8)).toEqual([]);
    expect(portsOf(1n, 0xaa55n, 0x0802, 8)).toEqual([]);
    expect(portsOf(1n, 0xaa55n, 0x0800, 10)).toEqual([]);
  });

  it('prefer the larger priority', async () => {
    await bed.insert(acl([src(0x5n, 0xfn)], 10, action('forward', 1)));
    await bed.insert(acl([src(0x55n, 0xffn)], 20, action('forward', 2)));
    await bed.insert(acl([], 2 ** 31 - 1, action('forward', 3)));
    expect(portsOf(1n, 0x55n)).toEqual([3]);
    await bed.write('DELETE', acl([], 2 ** 31 - 1));
    expect(portsOf(1n, 0x55n)).toEqual([2]);
    await bed.write('DELETE', acl([src(0x55n, 0xffn)], 20));
    expect(portsOf(1n, 0x55n)).toEqual([1]);
  });

  it.each<[string, string, Init<FieldMatch>[], number]>([
    ['no exact key', 'l2', [], 0],
    ['an unknown field', 'l2', [{ fieldId: 2, exact: { value: bytes(1) } }], 0],
    [
      'a field twice',
      'l2',
      [
        { fieldId: 1, exact: { value: bytes(1) } },
        { fieldId: 1, exact: { value: bytes(1) } },
      ],
      0,
    ],
    ['the wrong kind', 'l2', [prefix(0n, 8)], 0],
    ['a field without value', 'l2', [{ fieldId: 1 }], 0],
    ['an empty bytestring', 'l2', [{ fieldId: 1, exact: { value: new Uint8Array(0) } }], 0],
    ['too wide a value', 'l2', [{ fieldId: 1, exact: { value: bytes(1n << 48n) } }], 0],
    ['an architecture-specific match', 'l2', [{ fieldId: 1, other: { typeUrl: 'x', value: bytes(1) } }], 0],
    ['a prefix of length 0', 'routes', [prefix(0n, 0)], 0],
    ['too long a prefix', 'routes', [prefix(0n, 49)], 0],
    ['ones behind the prefix', 'routes', [prefix(0x0a0000000001n, 8)], 0],
    ['a priority without need', 'routes', [prefix(0x0a0000000000n, 8)], 1],
    ['no priority where needed', 'acl', [type(1)], 0],
    ['a negative priority', 'acl', [type(1)], -1],
    ['an empty mask', 'acl', [src(0n, 0n)], 1],
    ['ones outside the mask', 'acl', [src(3n, 1n)], 1],
    ['a reversed range', 'acl', [port(3, 2)], 1],
    ['the full range', 'acl', [port(0, 511)], 1],
    ['too wide a range', 'acl', [port(0, 512)], 1],
    ['too wide an optional', 'acl', [type(0x10000)], 1],
  ])('refuse %s', async (_what, table, match, priority) => {
    expect(await bed.refusal('INSERT', entity(table, match, { priority, action: action('forward', 1) }))).toBe(
      'INVALID_ARGUMENT',
    );
    expect(await readTable(table)).toEqual([]);
  });
});

describe('actions', () => {
  const params = (...values: [number, Uint8Array][]) => ({
    action: {
      actionId: index.actions.find('forward').id,
      params: values.map(([paramId, value]) => ({ paramId, value })),
    },
  });

  it.each([
    ['no action', undefined],
    ['an action of another table', action('mirror', 1)],
    ['an unknown action', { action: { actionId: 0x01ffffff } }],
    ['no parameter', params()],
    ['an extra parameter', params([1, bytes(1)], [2, bytes(1)])],
    ['a parameter twice', params([1, bytes(1)], [1, bytes(1)])],
    ['an empty value', params([1, new Uint8Array(0)])],
    ['too wide a value', params([1, bytes(512)])],
    ['a member of a profile', { actionProfileMemberId: 1 }],
    ['a one-shot', { actionProfileActionSet: {} }],
  ])('that are refused: %s', async (_what, does) => {
    expect(await bed.refusal('INSERT', l2(1n, does as never))).toBe('INVALID_ARGUMENT');
  });

  it('of the wrong scope are denied', async () => {
    expect(await bed.refusal('INSERT', l2(1n, action('NoAction')))).toBe('PERMISSION_DENIED');
    const asDefault = entity('routes', [], { isDefaultAction: true, action: action('drop') });
    expect(await bed.refusal('MODIFY', asDefault)).toBe('PERMISSION_DENIED');
  });

  it('are explained', async () => {
    const { messages } = await failureOf(bed.insert(l2(1n, action('mirror', 1))));
    expect(messages[0]).toContain('There is no action with id');
    expect(messages[0]).toContain('Ingress_.forward');
  });
});

describe('the default entry', () => {
  const byDefault = (table: string, more: Init<TableEntry> = {}): Init<Entity> =>
    entity(table, [], { isDefaultAction: true, ...more });

  it('can be modified, read and reset', async () => {
    const [initial] = await readTable('routes', { isDefaultAction: true });
    expect(initial).toMatchObject({ isDefaultAction: true, match: [], action: action('NoAction') });
    await bed.write('MODIFY', byDefault('routes', { action: action('forward', 6), metadata: Uint8Array.of(3) }));
    expect(portsOf(1n)).toEqual([6]);
    expect((await readTable('routes', { isDefaultAction: true }))[0]).toMatchObject({
      action: action('forward', 6),
      metadata: Uint8Array.of(3),
    });
    await bed.write('MODIFY', byDefault('routes'));
    expect(await readTable('routes', { isDefaultAction: true })).toEqual([initial]);
    expect(portsOf(1n)).toEqual([]);
  });

  it('of a table without key works too, and the table has no other entry', async () => {
    await bed.write('MODIFY', byDefault('always', { action: action('note', 5, 6) }));
    portsOf(1n);
    expect(bed.device.control.readRegister('Ingress_.notes', 5)).toBe(6n);
    expect(await bed.refusal('INSERT', entity('always', [], { action: action('note', 5, 6) }))).toBe(
      'INVALID_ARGUMENT',
    );
  });

  it.each<[string, 'INSERT' | 'MODIFY' | 'DELETE', string, Init<TableEntry>, string]>([
    ['an INSERT', 'INSERT', 'routes', { action: action('forward', 1) }, 'INVALID_ARGUMENT'],
    ['a DELETE', 'DELETE', 'routes', {}, 'INVALID_ARGUMENT'],
    ['match fields', 'MODIFY', 'routes', { match: [prefix(0x0a0000000000n, 8)] }, 'INVALID_ARGUMENT'],
    ['a priority', 'MODIFY', 'acl', { priority: 1 }, 'INVALID_ARGUMENT'],
    ['an idle timeout', 'MODIFY', 'l2', { idleTimeoutNs: 1n }, 'INVALID_ARGUMENT'],
    ['a constant', 'MODIFY', 'acl', { action: action('forward', 1) }, 'PERMISSION_DENIED'],
    ['an indirect table', 'MODIFY', 'indirect', { action: action('forward', 1) }, 'PERMISSION_DENIED'],
  ])('refuses %s', async (_what, update, table, more, code) => {
    expect(await bed.refusal(update, byDefault(table, more))).toBe(code);
  });
});

describe('constant entries', () => {
  const first: Init<FieldMatch>[] = [{ fieldId: 1, ternary: { value: bytes(0x88b5), mask: bytes(0xffff) } }];

  it('are read with priorities that fall from their number, and match in their order', async () => {
    const found = await readTable('fixed');
    expect(found.map((entry) => [entry.priority, entry.isConst])).toEqual([
      [3, true],
      [2, true],
      [1, true],
    ]);
    expect(found[0]).toMatchObject({ match: first, action: action('note', 1, 11) });
    portsOf(1n, 1n, 0x88b5);
    expect([1, 2, 3].map((i) => bed.device.control.readRegister('Ingress_.notes', i))).toEqual([11n, 0n, 0n]);
    expect((await readTable('fixed', { match: first, priority: 3 })).length).toBe(1);
  });

  it('cannot be changed', async () => {
    const does = { priority: 3, action: action('note', 1, 11) };
    expect(await bed.refusal('INSERT', entity('fixed', first, { ...does, priority: 9 }))).toBe('PERMISSION_DENIED');
    expect(await bed.refusal('MODIFY', entity('fixed', first, does))).toBe('PERMISSION_DENIED');
    expect(await bed.refusal('DELETE', entity('fixed', first, { priority: 3 }))).toBe('PERMISSION_DENIED');
    expect((await readTable('fixed')).length).toBe(3);
    await bed.write('MODIFY', entity('fixed', first, { priority: 3 })); // Nothing to change, so nothing is denied.
    expect(await bed.refusal('MODIFY', entity('fixed', first, { priority: 2 }))).toBe('NOT_FOUND');
  });

  it('of a client are refused', async () => {
    expect(await bed.refusal('INSERT', l2(1n, action('forward', 1), { isConst: true }))).toBe('INVALID_ARGUMENT');
  });
});

describe('direct resources within entries', () => {
  const config = { cir: 1000n, cburst: 100n, pir: 2000n, pburst: 200n, eburst: 0n };
  const read = async () => (await readTable('l2', { counterData: {} as never, meterConfig: {} as never }))[0]!;

  it('are read only if asked for', async () => {
    await bed.insert(
      l2(5n, action('metered_forward', 1), { counterData: { packetCount: 3n, byteCount: 4n }, meterConfig: config }),
    );
    const [plain] = await readTable('l2');
    expect(plain).not.toHaveProperty('counterData');
    expect(plain).not.toHaveProperty('meterConfig');
    expect(await read()).toMatchObject({ counterData: { packetCount: 3n, byteCount: 4n }, meterConfig: config });
    portsOf(5n);
    expect((await read()).counterData).toEqual({ packetCount: 4n, byteCount: 64n });
  });

  it('stay (counter) or are reset (meter) by a MODIFY without them', async () => {
    await bed.insert(l2(5n, action('metered_forward', 1), { counterData: { packetCount: 3n }, meterConfig: config }));
    await bed.write('MODIFY', l2(5n, action('metered_forward', 2)));
    const entry = await read();
    expect(entry.counterData).toEqual({ packetCount: 3n, byteCount: 0n });
    expect(entry).not.toHaveProperty('meterConfig');
    await bed.write('MODIFY', l2(5n, action('metered_forward', 2), { counterData: { packetCount: 0n } }));
    expect((await read()).counterData).toEqual({ packetCount: 0n, byteCount: 0n });
  });

  it('that the table lacks are refused', async () => {
    const route = (more: Init<TableEntry>) =>
      entity('routes', [prefix(0x0a0000000000n, 8)], { action: action('forward', 1), ...more });
    expect(await bed.refusal('INSERT', route({ counterData: { packetCount: 1n } }))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('INSERT', route({ meterConfig: config }))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('INSERT', route({ idleTimeoutNs: 1n }))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('INSERT', l2(1n, action('forward', 1), { timeSinceLastHit: {} }))).toBe(
      'INVALID_ARGUMENT',
    );
    expect(await bed.refusal('INSERT', l2(1n, action('forward', 1), { meterCounterData: {} }))).toBe('UNIMPLEMENTED');
    expect(await bed.refusal('INSERT', l2(1n, action('forward', 1), { counterData: { packetCount: -1n } }))).toBe(
      'INVALID_ARGUMENT',
    );
    expect(await readTable('l2')).toEqual([]);
  });
});

describe('reads', () => {
  beforeEach(async () => {
    await bed.insert(l2(1n, action('forward', 1), { metadata: Uint8Array.of(7), controllerMetadata: 3n }));
    await bed.insert(l2(2n, action('drop'), { metadata: Uint8Array.of(8) }));
    await bed.insert(acl([type(1)], 10));
    await bed.insert(acl([type(2)], 20));
    await bed.insert(acl([type(1)], 20));
  });
  const count = async (more: Init<TableEntry>) => (await bed.read({ tableEntry: more })).length;

  it('select all tables, one, or fewer by each field', async () => {
    expect(await count({})).toBe(5 + 3); // 3 are the program's own.
    expect(await count({ tableId: tableId('l2') })).toBe(2);
    expect(await count({ tableId: tableId('acl'), priority: 20 })).toBe(2);
    expect(await count({ tableId: tableId('acl'), match: [type(1)] })).toBe(2);
    expect(await count({ tableId: tableId('acl'), match: [type(1)], priority: 20 })).toBe(1);
    expect(await count({ tableId: tableId('acl'), match: [type(9)] })).toBe(0);
    expect(
      await count({ tableId: tableId('l2'), action: { action: { actionId: index.actions.find('Ingress_.drop').id } } }),
    ).toBe(1);
    expect(await count({ tableId: tableId('l2'), metadata: Uint8Array.of(7) })).toBe(1);
    expect(await count({ tableId: tableId('l2'), controllerMetadata: 3n })).toBe(1);
  });

  it('refuse what they cannot select by, and answer the rest first', async () => {
    const failure = await bed
      .read(
        { tableEntry: { tableId: tableId('l2') } },
        { tableEntry: { tableId: 5 } },
        {},
        { tableEntry: { priority: 1 } },
        { tableEntry: { tableId: tableId('acl') } },
      )
      .then(
        () => undefined,
        (error: { found: Entity[] }) => error,
      );
    expect(failure!.found.length).toBe(5);
    const { code, errors } = await failureOf(Promise.reject(failure));
    expect(code).toBe('UNKNOWN');
    expect(errors).toEqual(['OK', 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'INVALID_ARGUMENT', 'OK']);
  });

  it('give many entries in several messages', async () => {
    const updates = Array.from({ length: 600 }, (_, i): ['INSERT', Init<Entity>] => [
      'INSERT',
      entity('routes', [prefix(BigInt(i + 1) << 16n, 32)], { action: action('forward', 1) }),
    ]);
    await bed.writeAll(updates);
    expect(await count({ tableId: tableId('routes') })).toBe(600);
  });
});
