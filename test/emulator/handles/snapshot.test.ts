import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SnapshotMismatchError, Switch, type Snapshot } from '../../../emulator/index.js';
import { bytes, hex, programJson, programNames, switchWith } from '../support/programs.js';

const ENGINES = ['interpreter', 'compiled'] as const;

async function made(name: string, engine: (typeof ENGINES)[number], clock = 0): Promise<Switch> {
  const target = switchWith(name, { engine, clock });
  await target.ready();
  return target;
}

/** What packets see, and what the control plane reads. */
function externs(target: Switch): string {
  const requests = [
    '01 00000001 00000005',
    '02 00000000 00000003',
    '03 00000001 00000000',
    '04 00000000 00000000',
    '05 00000001 00000000',
    '07 00000000 00000000',
    '0c 00000000 00000000',
  ];
  const outputs = requests.map((request) =>
    target
      .receive(3, bytes(request))
      .map((output) => `${output.port} ${hex(output.bytes)}`)
      .join(),
  );
  return [
    ...outputs,
    target.register('cells').readAll().join(),
    JSON.stringify(target.counter('counted').read(1), (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v)),
  ].join('\n');
}

describe.each(ENGINES)('snapshots, engine %s', (engine) => {
  it('bring back registers, counters, meters, random numbers and the time', async () => {
    const target = await made('externs', engine, 1_000);
    target.meter('rated').set(0, [
      { perSecond: 1000, burst: 2 },
      { perSecond: 2000, burst: 5 },
    ]);
    const entry = target.table('metered').insert({ index: 1 }, 'read_color');
    entry.setMeter([
      { perSecond: 0, burst: 10 },
      { perSecond: 0, burst: 20 },
    ]);
    externs(target);
    const snapshot = target.snapshot();
    const after = externs(target);
    target.setTime(5_000_000);
    externs(target);
    entry.delete();
    target.restore(snapshot);
    expect(target.time).toBe(1_000);
    expect(externs(target)).toBe(after);
    // Restoring used nothing up.
    target.restore(snapshot);
    expect(externs(target)).toBe(after);
  });

  it('bring back entries with their order, counters and default actions', async () => {
    const target = await made('tables', engine);
    const send = (text: string): string =>
      target
        .receive(1, bytes(text))
        .map((output) => hex(output.bytes))
        .join();
    const look = (): string =>
      [
        '01 0001 00000002 00 00',
        '02 0000 0a000001 00 00',
        '02 0000 0b000001 00 00',
        '03 0101 00000001 00 00',
        '04 0032 00000001 00 00',
        '06 0123 00000000 00 00',
      ]
        .map(send)
        .join();
    const entry = target.table('exact_').insert({ a: 1, b: 2 }, 'count_and_give', { value: 1 });
    target.table('prefix').insert({ b: '10.0.0.0/8' }, 'give', { value: 2 });
    target.table('masked').insert({ a: '0x0100 &&& 0xff00', b: 1 }, 'give', { value: 3 }, { priority: 5 }).delete();
    target.table('masked').insert({ a: '0x0001 &&& 0x00ff', b: 1 }, 'give', { value: 4 }, { priority: 5 });
    target.table('ranged').insert({ a: '40..60' }, 'give', { value: 5 }, { priority: 5 });
    target.table('prefix').setDefault('give', { value: 6 });
    const before = look();
    const snapshot = target.snapshot();
    for (const name of ['exact_', 'prefix', 'masked', 'ranged']) target.table(name).clear();
    // It takes the handle of an entry that the snapshot has, and would win over it.
    target.table('masked').insert({ a: '*', b: 1 }, 'give', { value: 9 }, { priority: 5 });
    target.table('prefix').resetDefault();
    expect(look()).not.toBe(before);
    target.restore(snapshot);
    expect(entry.counter().packets).toBe(1n);
    expect(look()).toBe(before);
    expect(entry.counter().packets).toBe(2n);
    target.table('masked').insert({ a: '*', b: 1 }, 'give', { value: 9 }, { priority: 5 });
    expect(look()).toBe(before);
  });

  it('bring back groups, sessions and value sets', async () => {
    const target = await made('copies', engine);
    target.control.setMulticastGroup(5, [{ egressPort: 2, instance: 7 }]);
    target.control.setCloneSession(3, [{ egressPort: 6, instance: 0 }], 4);
    const snapshot = target.snapshot();
    target.control.deleteMulticastGroup(5);
    target.control.setMulticastGroup(6, []);
    target.control.deleteCloneSession(3);
    target.restore(snapshot);
    expect([...target.control.multicastGroups()]).toEqual([[5, [{ egressPort: 2, instance: 7 }]]]);
    expect([...target.control.cloneSessions()]).toEqual([
      [3, { replicas: [{ egressPort: 6, instance: 0 }], truncateBytes: 4 }],
    ]);
    const parsing = await made('parsing', engine);
    const { name } = parsing.control.describe().valueSets[0]!;
    parsing.valueSet(name).set([1, 2]);
    const sets = parsing.snapshot();
    parsing.valueSet(name).set([]);
    parsing.restore(sets);
    expect(parsing.valueSet(name).values()).toEqual([1n, 2n]);
  });

  it('bring back members and groups of action profiles, and what refers to them', async () => {
    const target = await made('profiles', engine);
    const { actionProfiles, tables } = target.control.describe();
    const selector = actionProfiles.find((profile) => profile.selector)!;
    const table = tables.find(({ actionProfile }) => actionProfile === selector.name)!;
    const action = table.actions.find(({ params }) => params.length > 0)!;
    const match = Object.fromEntries(table.keys.map(({ name }) => [name, 1]));
    const member = (id: number): void =>
      target
        .actionProfile(selector.name)
        .member(id, action.name, Object.fromEntries(action.params.map(({ name }) => [name, id])));
    member(2);
    member(1);
    target.actionProfile(selector.name).group(7, [1, { member: 2, weight: 2 }]);
    const entry = target.table(table.name).insert(match, { group: 7 });
    const snapshot = target.snapshot();
    const all = (): unknown => [
      [...target.control.members(selector.name)],
      [...target.control.groups(selector.name)],
      target.control.entries(table.name),
    ];
    const before = all();
    entry.delete();
    target.actionProfile(selector.name).deleteGroup(7);
    target.actionProfile(selector.name).deleteMember(1);
    target.restore(snapshot);
    expect(all()).toEqual(before);
  });

  it('fit every switch that runs the same program, from another engine too, and no other', async () => {
    const other = engine === 'compiled' ? 'interpreter' : 'compiled';
    const [first, second] = [await made('externs', engine, 700), await made('externs', other, 9_000)];
    externs(first);
    const snapshot: Snapshot = structuredClone(first.snapshot());
    second.restore(snapshot);
    expect(second.time).toBe(700);
    expect(externs(second)).toBe(externs(first));
    for (const name of programNames().filter((each) => each !== 'externs')) {
      const stranger = await made(name, engine);
      const before = stranger.snapshot();
      expect(() => stranger.restore(snapshot), name).toThrow(SnapshotMismatchError);
      expect(stranger.snapshot()).toEqual(before);
    }
  });
});

describe('the program of a snapshot', () => {
  it('is the same wherever its source stood', () => {
    const json = JSON.parse(programJson('tables')) as Record<string, unknown>;
    const moved = new Switch({ clock: 0 });
    moved.load({ ...json, program: '/elsewhere/tables.p4' });
    moved.restore(switchWith('tables', { clock: 0 }).snapshot());
  });

  it.each([
    ['"0x06"', '"0x07"'],
    ['"op":"assign"', '"op":"modify_field"'],
    ['"bitwidth":8', '"bitwidth":16'],
    ['"max_size":1024', '"max_size":1023'],
  ])('is another one with %s changed to %s', (from, to) => {
    const text = programJson('tables');
    const changed = new Switch();
    expect(text.includes(from)).toBe(true);
    changed.load(text.replace(from, to));
    expect(() => changed.restore(switchWith('tables').snapshot())).toThrow(/the snapshot was taken of another program/);
  });
});

describe('the clock', () => {
  it('runs, stands when it is set, goes on after a restore as it was', () => {
    const target = switchWith('tables');
    const running = target.snapshot();
    target.setTime(50_000_000);
    expect([target.time, target.time]).toEqual([50_000_000, 50_000_000]);
    expect(() => target.setTime(49_999_999)).toThrow(
      /the time can only advance from 50000000 microseconds, not to 49999999/,
    );
    expect(() => target.setTime(Number.NaN)).toThrow(/not to NaN/);
    const standing = target.snapshot();
    target.restore(running);
    expect(target.time).toBeLessThan(50_000_000);
    expect(target.time).toBeGreaterThanOrEqual(running.clock.time);
    target.restore(standing);
    expect(target.time).toBe(50_000_000);
  });

  it('of a caller is left to the caller', () => {
    let now = 5;
    const target = switchWith('tables', { clock: () => now });
    const snapshot = target.snapshot();
    now = 9;
    target.restore(snapshot);
    expect(target.time).toBe(9);
    expect(() => target.setTime(10)).toThrow(expect.objectContaining({ code: 'FAILED_PRECONDITION' }));
  });
});

describe('hashes that remember', () => {
  it('round robin goes on where it was', async () => {
    const { createHash } = await import('../../../emulator/externs/hash.js');
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 2 })),
        fc.array(fc.uint8Array({ maxLength: 2 })),
        fc.constantFrom('round_robin', 'round_robin_consistent'),
        (first, second, name) => {
          const hash = createHash(name);
          first.forEach((each) => hash(each));
          const saved = hash.memory!.save();
          const results = second.map((each) => hash(each));
          hash.memory!.restore(saved);
          expect(second.map((each) => hash(each))).toEqual(results);
        },
      ),
    );
    expect(createHash('crc16').memory).toBeUndefined();
  });
});
