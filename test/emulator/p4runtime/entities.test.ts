import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entity, Init, Replica, UpdateType } from '../../../p4runtime/index.js';
import { action, bytes, failureOf, frame, index, l2, tableId, TestBed } from './support.js';

let bed: TestBed;
beforeEach(async () => {
  bed = await TestBed.start();
  await bed.primary();
  await bed.commit();
});
afterEach(() => bed.stop());

const readOne = async (entity: Init<Entity>) => (await bed.read(entity))[0]!;
/** The code of the one part of a read that fails. */
const readRefusal = async (entity: Init<Entity>) => (await failureOf(bed.read(entity))).errors[0];
const portsOf = (dst: bigint, type = 0x1234) => bed.device.receive(2, frame(dst, 1n, type)).map(({ port }) => port);

describe('counters', () => {
  const counterId = index.counters.find('seen').id;
  const at = (i: number, data?: object): Init<Entity> => ({
    counterEntry: { counterId, index: { index: BigInt(i) }, ...(data && { data }) },
  });

  it('count packets and can be set', async () => {
    await bed.insert(l2(5n, action('note', 3, 0)));
    portsOf(5n);
    portsOf(5n);
    expect((await readOne(at(3))).counterEntry!.data).toEqual({ packetCount: 2n, byteCount: 120n });
    await bed.write('MODIFY', at(3, { packetCount: 10n, byteCount: 1n }));
    portsOf(5n);
    expect((await readOne(at(3))).counterEntry!.data).toEqual({ packetCount: 11n, byteCount: 61n });
    await bed.write('MODIFY', at(3)); // No data: nothing changes.
    expect((await readOne(at(3))).counterEntry!.data!.packetCount).toBe(11n);
  });

  it('are read and set all at once', async () => {
    await bed.write('MODIFY', { counterEntry: { counterId, data: { packetCount: 4n } } });
    const all = await bed.read({ counterEntry: { counterId } });
    expect(all.map(({ counterEntry }) => [counterEntry!.index!.index, counterEntry!.data!.packetCount])).toEqual(
      Array.from({ length: 16 }, (_, i) => [BigInt(i), 4n]),
    );
    expect((await bed.read({ counterEntry: {} })).length).toBe(16);
  });

  it('have their limits', async () => {
    for (const update of ['INSERT', 'DELETE'] as const)
      expect(await bed.refusal(update, at(0))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('MODIFY', at(16, {}))).toBe('OUT_OF_RANGE');
    expect(await bed.refusal('MODIFY', at(-1, {}))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('MODIFY', at(0, { byteCount: -1n }))).toBe('INVALID_ARGUMENT');
    expect(await readRefusal(at(16))).toBe('OUT_OF_RANGE');
    expect(await readRefusal({ counterEntry: { counterId: 1 } })).toBe('INVALID_ARGUMENT');
    expect(await readRefusal({ counterEntry: { index: {} } })).toBe('INVALID_ARGUMENT');
  });
});

describe('direct counters', () => {
  const entry = (dst: bigint) => ({ tableId: tableId('l2'), match: [{ fieldId: 1, exact: { value: bytes(dst) } }] });
  beforeEach(async () => {
    await bed.insert(l2(5n, action('forward', 1)));
    await bed.insert(l2(6n, action('forward', 1)));
  });

  it('count hits of their entry and can be set', async () => {
    portsOf(5n);
    expect((await readOne({ directCounterEntry: { tableEntry: entry(5n) } })).directCounterEntry).toMatchObject({
      tableEntry: entry(5n),
      data: { packetCount: 1n, byteCount: 60n },
    });
    await bed.write('MODIFY', { directCounterEntry: { tableEntry: entry(5n), data: { packetCount: 9n } } });
    portsOf(5n);
    expect(
      (await readOne({ directCounterEntry: { tableEntry: entry(5n) } })).directCounterEntry!.data!.packetCount,
    ).toBe(10n);
  });

  it('are read for a table or all tables', async () => {
    expect((await bed.read({ directCounterEntry: { tableEntry: { tableId: tableId('l2') } } })).length).toBe(2);
    expect((await bed.read({ directCounterEntry: { tableEntry: {} } })).length).toBe(2);
  });

  it('have their limits', async () => {
    const modify = (tableEntry: object | undefined) =>
      bed.refusal('MODIFY', { directCounterEntry: { ...(tableEntry && { tableEntry }), data: {} } });
    expect(await modify(entry(7n))).toBe('NOT_FOUND');
    expect(await modify({ tableId: tableId('acl') })).toBe('INVALID_ARGUMENT');
    expect(await modify(undefined)).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('INSERT', { directCounterEntry: { tableEntry: entry(5n) } })).toBe('INVALID_ARGUMENT');
    expect(await readRefusal({ directCounterEntry: { tableEntry: entry(7n) } })).toBe('NOT_FOUND');
  });
});

describe('meters', () => {
  const meterId = index.meters.find('policer').id;
  const config = { cir: 10n, cburst: 5n, pir: 20n, pburst: 6n, eburst: 0n };

  it('are configured and read back, one or all', async () => {
    expect((await bed.read({ meterEntry: { meterId } })).every(({ meterEntry }) => !meterEntry!.config)).toBe(true);
    await bed.write('MODIFY', { meterEntry: { meterId, index: { index: 2n }, config } });
    expect((await readOne({ meterEntry: { meterId, index: { index: 2n } } })).meterEntry!.config).toEqual(config);
    await bed.write('MODIFY', { meterEntry: { meterId, config } });
    expect((await bed.read({ meterEntry: {} })).filter(({ meterEntry }) => meterEntry!.config).length).toBe(8);
    await bed.write('MODIFY', { meterEntry: { meterId } });
    expect((await bed.read({ meterEntry: {} })).filter(({ meterEntry }) => meterEntry!.config).length).toBe(0);
  });

  it('of entries too', async () => {
    await bed.insert(l2(5n, action('metered_forward', 1)));
    const tableEntry = { tableId: tableId('l2'), match: [{ fieldId: 1, exact: { value: bytes(5) } }] };
    await bed.write('MODIFY', { directMeterEntry: { tableEntry, config } });
    expect((await readOne({ directMeterEntry: { tableEntry } })).directMeterEntry!.config).toEqual(config);
    expect((await bed.read({ directMeterEntry: { tableEntry: {} } })).length).toBe(1);
    await bed.write('MODIFY', { directMeterEntry: { tableEntry } });
    expect((await readOne({ directMeterEntry: { tableEntry } })).directMeterEntry).not.toHaveProperty('config');
    expect(await bed.refusal('DELETE', { directMeterEntry: { tableEntry } })).toBe('INVALID_ARGUMENT');
    const other = { ...tableEntry, match: [{ fieldId: 1, exact: { value: bytes(6) } }] };
    expect(await bed.refusal('MODIFY', { directMeterEntry: { tableEntry: other, config } })).toBe('NOT_FOUND');
    expect(await readRefusal({ directMeterEntry: { tableEntry: other } })).toBe('NOT_FOUND');
  });

  it.each<[string, UpdateType, object, string]>([
    ['INSERT', 'INSERT', { config }, 'INVALID_ARGUMENT'],
    ['an excess burst', 'MODIFY', { config: { ...config, eburst: 1n } }, 'INVALID_ARGUMENT'],
    ['a peak below the committed rate', 'MODIFY', { config: { ...config, pir: 9n } }, 'INVALID_ARGUMENT'],
    ['a negative rate', 'MODIFY', { config: { ...config, cir: -1n } }, 'INVALID_ARGUMENT'],
    ['an index past the end', 'MODIFY', { config, index: { index: 8n } }, 'OUT_OF_RANGE'],
    ['colors', 'MODIFY', { config, counterData: {} }, 'UNIMPLEMENTED'],
  ])('refuse %s', async (_what, update, more, code) => {
    expect(await bed.refusal(update, { meterEntry: { meterId, ...more } })).toBe(code);
  });
});

describe('registers', () => {
  const notes = index.registers.find('notes').id;
  const signed = index.registers.find('signed_notes').id;
  const at = (registerId: number, i: number, value?: Uint8Array): Init<Entity> => ({
    registerEntry: { registerId, index: { index: BigInt(i) }, ...(value && { data: { bitstring: value } }) },
  });

  it('are what the program wrote, and what it reads', async () => {
    await bed.insert(l2(5n, action('note', 3, 0xdeadbeefn)));
    portsOf(5n);
    expect((await readOne(at(notes, 3))).registerEntry!.data).toEqual({
      bitstring: Uint8Array.of(0xde, 0xad, 0xbe, 0xef),
    });
    await bed.write('MODIFY', at(notes, 4, Uint8Array.of(0, 0, 0, 0, 1)));
    expect(bed.device.control.readRegister('Ingress_.notes', 4)).toBe(1n);
  });

  it('of int<W> are signed', async () => {
    await bed.write('MODIFY', at(signed, 1, Uint8Array.of(0xff, 0x9d)));
    expect((await readOne(at(signed, 1))).registerEntry!.data).toEqual({ bitstring: Uint8Array.of(0x9d) });
    expect(bed.device.control.readRegister('Ingress_.signed_notes', 1)).toBe(0xff9dn);
  });

  it('are read and written all at once', async () => {
    await bed.write('MODIFY', { registerEntry: { registerId: notes, data: { bitstring: bytes(7) } } });
    expect(
      (await bed.read({ registerEntry: { registerId: notes } })).map(
        ({ registerEntry }) => registerEntry!.data!.bitstring,
      ),
    ).toEqual(Array.from({ length: 8 }, () => bytes(7)));
    expect((await bed.read({ registerEntry: {} })).length).toBe(12);
  });

  it('have their limits', async () => {
    expect(await bed.refusal('INSERT', at(notes, 0, bytes(1)))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('MODIFY', at(notes, 0))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('MODIFY', at(notes, 8, bytes(1)))).toBe('OUT_OF_RANGE');
    expect(await bed.refusal('MODIFY', at(notes, -1, bytes(1)))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('MODIFY', at(notes, 0, bytes(1n << 32n)))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('MODIFY', at(signed, 0, Uint8Array.of(0, 0x80, 0)))).toBe('INVALID_ARGUMENT');
  });
});

describe('multicast groups', () => {
  const group = (multicastGroupId: number, replicas: Init<Replica>[], metadata?: Uint8Array): Init<Entity> => ({
    packetReplicationEngineEntry: {
      multicastGroupEntry: { multicastGroupId, replicas, ...(metadata && { metadata }) },
    },
  });
  const flood = l2(5n, action('flood', 3));

  it('copy packets', async () => {
    await bed.insert(flood);
    expect(portsOf(5n)).toEqual([]);
    await bed.insert(
      group(3, [
        { port: bytes(1), instance: 1 },
        { port: bytes(0x101), instance: 1 },
      ]),
    );
    expect(portsOf(5n).sort()).toEqual([1, 0x101]);
    await bed.write('MODIFY', group(3, [{ port: bytes(4), instance: 0 }]));
    expect(portsOf(5n)).toEqual([4]);
    await bed.write('DELETE', group(3, []));
    expect(portsOf(5n)).toEqual([]);
  });

  it('read back as written, with their metadata and in both forms of ports', async () => {
    const replicas = [
      { port: Uint8Array.of(1, 2), instance: 1 },
      { egressPort: 5, instance: 2 },
    ];
    await bed.insert(group(3, replicas, Uint8Array.of(9)));
    await bed.insert(group(4, []));
    const expected = { multicastGroupId: 3, replicas, metadata: Uint8Array.of(9) };
    expect((await readOne(group(3, []))).packetReplicationEngineEntry!.multicastGroupEntry).toEqual(expected);
    expect((await bed.read(group(0, []))).length).toBe(2);
    expect(await readRefusal(group(8, []))).toBe('NOT_FOUND');
  });

  it.each<[string, UpdateType, Init<Entity>, string]>([
    ['id 0', 'INSERT', group(0, []), 'INVALID_ARGUMENT'],
    ['too large an id', 'INSERT', group(65536, []), 'INVALID_ARGUMENT'],
    [
      'the same replica twice',
      'INSERT',
      group(1, [
        { egressPort: 1, instance: 1 },
        { port: bytes(1), instance: 1 },
      ]),
      'INVALID_ARGUMENT',
    ],
    ['a replica without port', 'INSERT', group(1, [{ instance: 1 }]), 'INVALID_ARGUMENT'],
    ['the drop port', 'INSERT', group(1, [{ port: bytes(511) }]), 'INVALID_ARGUMENT'],
    ['a port of more than 9 bits', 'INSERT', group(1, [{ port: bytes(512) }]), 'INVALID_ARGUMENT'],
    ['too large an instance', 'INSERT', group(1, [{ egressPort: 1, instance: 65536 }]), 'INVALID_ARGUMENT'],
    ['an existing one', 'INSERT', group(2, []), 'ALREADY_EXISTS'],
    ['a missing one', 'MODIFY', group(1, []), 'NOT_FOUND'],
    ['to delete a missing one', 'DELETE', group(1, []), 'NOT_FOUND'],
    ['nothing', 'INSERT', { packetReplicationEngineEntry: {} }, 'INVALID_ARGUMENT'],
    ['no type', 'UNSPECIFIED', group(1, []), 'INVALID_ARGUMENT'],
  ])('refuse %s', async (_what, update, entity, code) => {
    await bed.insert(group(2, []));
    expect(await bed.refusal(update, entity)).toBe(code);
  });
});

describe('clone sessions', () => {
  const session = (sessionId: number, more: object = {}): Init<Entity> => ({
    packetReplicationEngineEntry: { cloneSessionEntry: { sessionId, ...more } },
  });

  it('clone, and read back as written', async () => {
    await bed.insert({ tableEntry: { tableId: tableId('acl'), priority: 1, action: action('mirror', 7) } });
    await bed.insert(session(7, { replicas: [{ port: bytes(9), instance: 1 }], packetLengthBytes: 30 }));
    expect(bed.device.receive(2, frame(1n, 1n, 9)).map(({ port, bytes: out }) => [port, out.length])).toEqual([
      [9, 30],
    ]);
    expect((await readOne(session(0))).packetReplicationEngineEntry!.cloneSessionEntry).toEqual({
      sessionId: 7,
      replicas: [{ port: bytes(9), instance: 1 }],
      classOfService: 0,
      packetLengthBytes: 30,
    });
    await bed.write('DELETE', session(7));
    expect(portsOf(1n)).toEqual([]);
    expect(await bed.read(session(0))).toEqual([]);
  });

  it('have their limits', async () => {
    expect(await bed.refusal('INSERT', session(0))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('INSERT', session(0x8000))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('INSERT', session(1, { packetLengthBytes: -1 }))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('INSERT', session(1, { classOfService: 1 }))).toBe('UNIMPLEMENTED');
    expect(await bed.refusal('MODIFY', session(1))).toBe('NOT_FOUND');
    expect(await readRefusal(session(1))).toBe('NOT_FOUND');
  });
});

describe('value sets', () => {
  const valueSetId = index.valueSets.find('special_types').id;
  const members = (...values: number[]): Init<Entity> => ({
    valueSetEntry: {
      valueSetId,
      members: values.map((value) => ({ match: [{ fieldId: 1, exact: { value: bytes(value) } }] })),
    },
  });
  const special = () => bed.device.control.readRegister('Ingress_.signed_notes', 0);

  it('steer the parser and read back', async () => {
    portsOf(1n, 0x22f3);
    expect(special()).toBe(0n);
    await bed.write('MODIFY', members(0x22f3, 0x893b));
    expect(await bed.read({ valueSetEntry: {} })).toEqual([members(0x22f3, 0x893b)]);
    portsOf(1n, 0x893b);
    expect(special()).toBe(0xffffn);
    await bed.write('MODIFY', members());
    expect(await bed.read({ valueSetEntry: { valueSetId } })).toEqual([members()]);
  });

  it('have their limits', async () => {
    expect(await bed.refusal('INSERT', members(1))).toBe('INVALID_ARGUMENT');
    expect(await bed.refusal('MODIFY', members(1, 2, 3, 4, 5))).toBe('RESOURCE_EXHAUSTED');
    expect(await bed.refusal('MODIFY', members(1, 1))).toBe('ALREADY_EXISTS');
    expect(await bed.refusal('MODIFY', members(0x10000))).toBe('INVALID_ARGUMENT');
  });
});

describe('what BMv2 lacks', () => {
  it('is unimplemented, and reads of all of it are empty', async () => {
    expect(await bed.refusal('INSERT', { externEntry: { externTypeId: 0x81 } })).toBe('UNIMPLEMENTED');
    expect(await readRefusal({ externEntry: { externTypeId: 0x81 } })).toBe('UNIMPLEMENTED');
    expect(await bed.read({ externEntry: {} })).toEqual([]);
  });
});
