import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeBatch } from '../../../emulator/p4runtime/batch.js';
import { ForwardingPipeline } from '../../../emulator/p4runtime/pipeline.js';
import { SwitchDevice } from '../../../emulator/p4runtime/switch-device.js';
import {
  codec,
  type Atomicity,
  type Entity,
  type Init,
  type Update,
  type UpdateType,
} from '../../../p4runtime/index.js';
import { action, bytes, failureOf, index, l2, program, tableId, TestBed } from './support.js';

const updates = codec<Update>('p4.v1.Update');

let bed: TestBed;
beforeEach(async () => {
  bed = await TestBed.start();
  await bed.primary();
  await bed.commit();
  await bed.insert(
    l2(1n, action('forward', 1), { counterData: { packetCount: 5n, byteCount: 50n }, metadata: Uint8Array.of(1) }),
  );
});
afterEach(() => bed.stop());

const count = async () => (await bed.read({ tableEntry: { tableId: tableId('l2') } })).length;

describe('CONTINUE_ON_ERROR', () => {
  it('does all that can be done and has an error for each update', async () => {
    const failure = await failureOf(
      bed.writeAll([
        ['INSERT', l2(2n, action('forward', 1))],
        ['INSERT', l2(1n, action('forward', 1))],
        ['DELETE', l2(9n, action('forward', 1))],
        ['INSERT', {}],
        ['INSERT', l2(3n, action('forward', 1))],
      ]),
    );
    expect(failure.code).toBe('UNKNOWN');
    expect(failure.errors).toEqual(['OK', 'ALREADY_EXISTS', 'NOT_FOUND', 'INVALID_ARGUMENT', 'OK']);
    expect(failure.messages[0]).toBe('');
    expect(failure.message).toBe('3 of 5 updates failed.');
    expect(await count()).toBe(3);
  });

  it('says in its text why the only update that failed did', async () => {
    const failure = await failureOf(
      bed.writeAll([
        ['INSERT', l2(2n, action('forward', 1))],
        ['INSERT', l2(1n, action('forward', 1))],
      ]),
    );
    expect(failure.message).toMatch(/^1 of 2 updates failed\. Update 2: ALREADY_EXISTS: Table .*l2 has an entry/);
  });

  it('leaves nothing of an update that fails half-way', async () => {
    const meterConfig = { cir: 5n, pir: 1n };
    expect(await bed.refusal('INSERT', l2(2n, action('forward', 1), { meterConfig }))).toBe('INVALID_ARGUMENT');
    expect(await count()).toBe(1);
  });

  it('sees the changes of earlier updates of the batch', async () => {
    await bed.writeAll([
      ['DELETE', l2(1n, action('forward', 1))],
      ['INSERT', l2(1n, action('forward', 2))],
      ['MODIFY', l2(1n, action('forward', 3))],
    ]);
    const [entry] = await bed.read({ tableEntry: { tableId: tableId('l2') } });
    expect(entry!.tableEntry!.action).toEqual(action('forward', 3));
  });
});

describe('an atomicity that is not known', () => {
  it('is refused, and nothing is done', async () => {
    const failure = await failureOf(bed.writeAll([['INSERT', l2(2n, action('forward', 1))]], 7 as never));
    expect([failure.code, failure.message]).toEqual(['INVALID_ARGUMENT', 'The atomicity 7 is not known.']);
    expect(await count()).toBe(1);
  });
});

const profile = index.actionProfiles.find('selector').id;
const oneShot = {
  actionProfileActionSet: { actionProfileActions: [{ action: action('forward', 1).action, weight: 1 }] },
};
const balanced = (value: number, does: object = oneShot): Init<Entity> => ({
  tableEntry: { tableId: tableId('balanced'), match: [{ fieldId: 1, exact: { value: bytes(value) } }], action: does },
});

/** One update of each kind; all of them succeed after what `before` wrote. */
const everyKind: [UpdateType, Init<Entity>][] = [
  ['INSERT', l2(2n, action('forward', 1), { counterData: { packetCount: 1n } })],
  ['MODIFY', l2(1n, action('forward', 7), { metadata: Uint8Array.of(2), counterData: { packetCount: 9n } })],
  ['DELETE', l2(1n, action('forward', 1))],
  ['MODIFY', { tableEntry: { tableId: tableId('routes'), isDefaultAction: true, action: action('forward', 8) } }],
  ['INSERT', { packetReplicationEngineEntry: { multicastGroupEntry: { multicastGroupId: 1 } } }],
  ['MODIFY', { packetReplicationEngineEntry: { multicastGroupEntry: { multicastGroupId: 2 } } }],
  ['DELETE', { packetReplicationEngineEntry: { multicastGroupEntry: { multicastGroupId: 2 } } }],
  ['INSERT', { packetReplicationEngineEntry: { cloneSessionEntry: { sessionId: 1 } } }],
  ['MODIFY', { counterEntry: { counterId: index.counters.find('seen').id, data: { packetCount: 7n } } }],
  ['MODIFY', { meterEntry: { meterId: index.meters.find('policer').id, config: { cir: 1n, pir: 1n } } }],
  ['MODIFY', { registerEntry: { registerId: index.registers.find('signed_notes').id, data: { bitstring: bytes(9) } } }],
  ['MODIFY', { valueSetEntry: { valueSetId: index.valueSets.find('special_types').id } }],
  ['INSERT', { digestEntry: { digestId: index.digests.find('learn_t').id, config: { maxListSize: 3 } } }],
  ['DELETE', balanced(1)],
  ['INSERT', balanced(2)],
];

describe('packets of another thread', () => {
  const insideOf = (atomicity: Atomicity): string[] => {
    const seen: string[] = [];
    const { control } = new SwitchDevice().prepare(program());
    const watched = Object.assign(Object.create(control) as typeof control, {
      insertEntry: (...args: Parameters<typeof control.insertEntry>) => {
        seen.push('insert');
        control.insertEntry(...args);
      },
    });
    const pipeline = new ForwardingPipeline(
      { p4info: index.message, p4DeviceConfig: program() },
      {
        control: watched,
        betweenPackets: (task) => {
          seen.push('begin');
          task();
          seen.push('end');
        },
      },
    );
    const update = (dst: bigint): Update =>
      updates.decode(updates.encode({ type: 'INSERT', entity: l2(dst, action('forward', 1)) }));
    writeBatch(pipeline, [update(1n), update(2n)], atomicity);
    return seen;
  };

  it('see a batch that is done as a whole as one change', () => {
    for (const atomicity of ['ROLLBACK_ON_ERROR', 'DATAPLANE_ATOMIC'] as const)
      expect(insideOf(atomicity)).toEqual(['begin', 'insert', 'insert', 'end']);
  });

  it('are not held up by a large batch of any other kind', () => {
    expect(insideOf('CONTINUE_ON_ERROR')).toEqual(['insert', 'insert']);
  });
});

describe.each(['ROLLBACK_ON_ERROR', 'DATAPLANE_ATOMIC'] as const)('%s', (atomicity) => {
  const everything = () =>
    bed.read(
      { tableEntry: { counterData: {}, meterConfig: {} } },
      { tableEntry: { isDefaultAction: true } },
      { packetReplicationEngineEntry: { multicastGroupEntry: {} } },
      { packetReplicationEngineEntry: { cloneSessionEntry: {} } },
      { counterEntry: {} },
      { meterEntry: {} },
      { registerEntry: {} },
      { valueSetEntry: {} },
      { digestEntry: {} },
    );
  beforeEach(() =>
    bed.writeAll([
      [
        'INSERT',
        {
          packetReplicationEngineEntry: {
            multicastGroupEntry: { multicastGroupId: 2, replicas: [{ egressPort: 4, instance: 5 }] },
          },
        },
      ],
      [
        'MODIFY',
        {
          valueSetEntry: {
            valueSetId: index.valueSets.find('special_types').id,
            members: [{ match: [{ fieldId: 1, exact: { value: bytes(8) } }] }],
          },
        },
      ],
      ['INSERT', balanced(1)],
    ]),
  );

  it('does all if all can be done', async () => {
    await bed.writeAll(everyKind, atomicity);
    const found = await bed.read({ tableEntry: { tableId: tableId('l2') } });
    expect(found.map(({ tableEntry }) => tableEntry!.match[0]!.exact!.value)).toEqual([bytes(2)]);
  });

  it('does nothing if one update fails, whatever the others are', async () => {
    const before = await everything();
    const failure = await failureOf(bed.writeAll([...everyKind, ['INSERT', l2(2n, action('forward', 1))]], atomicity));
    expect(failure.code).toBe('UNKNOWN');
    expect(failure.errors).toEqual([...everyKind.map(() => 'ABORTED'), 'ALREADY_EXISTS']);
    expect(await everything()).toEqual(before);
    await bed.writeAll(everyKind, atomicity); // Nothing that cannot be seen is left behind either.
  });

  it('gives a deleted entry its counter and meter back', async () => {
    const config = { cir: 10n, cburst: 5n, pir: 20n, pburst: 6n, eburst: 0n };
    const counterData = { packetCount: 6n, byteCount: 60n };
    await bed.insert(l2(2n, action('metered_forward', 1), { counterData, meterConfig: config }));
    await failureOf(
      bed.writeAll(
        [
          ['DELETE', l2(2n, action('forward', 1))],
          ['INSERT', {}],
        ],
        atomicity,
      ),
    );
    const found = await bed.read({ tableEntry: { tableId: tableId('l2'), counterData: {}, meterConfig: {} } });
    expect(found.map(({ tableEntry }) => tableEntry!)).toContainEqual(
      expect.objectContaining({ counterData, meterConfig: config }),
    );
  });

  it('does not try what comes after the update that fails', async () => {
    const failure = await failureOf(
      bed.writeAll(
        [
          ['DELETE', l2(9n, action('forward', 1))],
          ['INSERT', l2(2n, action('forward', 1))],
        ],
        atomicity,
      ),
    );
    expect(failure.errors).toEqual(['NOT_FOUND', 'ABORTED']);
    expect(failure.message).toMatch(/^Update 1 of 2 failed, so none was applied: NOT_FOUND: Table /);
    expect(await count()).toBe(1);
  });

  it('takes back members and groups', async () => {
    await bed.write('DELETE', balanced(1));
    const member = (memberId: number): Init<Entity> => ({
      actionProfileMember: { actionProfileId: profile, memberId, action: action('forward', memberId).action },
    });
    const group = (members: { memberId: number; weight: number }[]): Init<Entity> => ({
      actionProfileGroup: { actionProfileId: profile, groupId: 1, maxSize: 8, members },
    });
    await bed.writeAll([
      ['INSERT', member(1)],
      ['INSERT', member(2)],
      ['INSERT', group([{ memberId: 1, weight: 1 }])],
    ]);
    const all = () => bed.read({ actionProfileMember: {} }, { actionProfileGroup: {} });
    const before = await all();
    const failure = await failureOf(
      bed.writeAll(
        [
          ['DELETE', member(2)],
          ['INSERT', member(3)],
          ['MODIFY', { actionProfileMember: { actionProfileId: profile, memberId: 1, action: action('drop').action } }],
          ['MODIFY', group([{ memberId: 3, weight: 2 }])],
          ['DELETE', group([])],
          ['INSERT', {}],
        ],
        atomicity,
      ),
    );
    expect(failure.errors.at(-1)).toBe('INVALID_ARGUMENT');
    expect(await all()).toEqual(before);
  });
});
