import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PacketOut } from '../../../p4runtime/index.js';
import { packPacketOut, unpackPacketIn } from '../../../emulator/p4runtime/packet-io.js';
import { action, bytes, CPU_PORT, frame, index, l2, tableId, TestBed, type Stream } from './support.js';

let bed: TestBed;
let primary: Stream;
beforeEach(async () => {
  bed = await TestBed.start();
  primary = await bed.primary();
});
afterEach(() => bed.stop());

const packetOut = (port: number, payload: Uint8Array, pad = 0) => ({
  packet: {
    payload,
    metadata: [
      { metadataId: 1, value: bytes(port) },
      { metadataId: 2, value: bytes(pad) },
    ],
  },
});
const error = async (stream: Stream = primary) => (await stream.next()).error!;

describe('packet-out', () => {
  it('leaves through the port of its metadata, without the header', async () => {
    await bed.commit();
    const left = new Promise((resolve) => bed.device.onOutput(resolve));
    const payload = frame(1n, 2n, 0x1234);
    primary.send(packetOut(0x1fd, payload));
    expect(await left).toEqual({ port: 0x1fd, bytes: payload });
  });

  it.each([
    ['no metadata', [], 'The packet-out lacks metadata 1 (egress_port).'],
    ['too little', [{ metadataId: 1, value: bytes(1) }], 'The packet-out lacks metadata 2 (pad).'],
    [
      'a value twice',
      [
        { metadataId: 1, value: bytes(1) },
        { metadataId: 1, value: bytes(1) },
      ],
      'metadata 1 twice',
    ],
    [
      'too wide a value',
      [
        { metadataId: 1, value: bytes(512) },
        { metadataId: 2, value: bytes(0) },
      ],
      'does not fit bit<9>',
    ],
    [
      'an empty value',
      [
        { metadataId: 1, value: new Uint8Array(0) },
        { metadataId: 2, value: bytes(0) },
      ],
      'empty bytestring',
    ],
    [
      'an unknown field',
      [
        { metadataId: 1, value: bytes(1) },
        { metadataId: 2, value: bytes(0) },
        { metadataId: 3, value: bytes(0) },
      ],
      'There is no metadata field with id 3',
    ],
  ])('with %s is dropped and answered with an error', async (_what, metadata, message) => {
    await bed.commit();
    const packet = { payload: frame(1n, 2n, 3), metadata };
    primary.send({ packet });
    const answer = await error();
    expect(answer.canonicalCode).toBe(3);
    expect(answer.message).toContain(message);
    expect(answer.packetOut!.packetOut).toEqual(packet);
  });

  it('of a backup, of a stranger or before a pipeline is refused', async () => {
    primary.send(packetOut(1, frame(1n, 2n, 3)));
    expect(await error()).toMatchObject({ canonicalCode: 3, message: 'No forwarding pipeline is running yet.' });
    const stranger = bed.stream();
    stranger.send(packetOut(1, frame(1n, 2n, 3)));
    expect((await error(stranger)).canonicalCode).toBe(7);
    stranger.arbitrate(0n);
    await stranger.verdict();
    stranger.send(packetOut(1, frame(1n, 2n, 3)));
    expect((await error(stranger)).canonicalCode).toBe(7);
  });

  it('is not ended by a message that nobody knows', async () => {
    primary.send({ other: { typeUrl: 'x', value: bytes(1) } });
    expect(await error()).toMatchObject({ canonicalCode: 3, other: { other: { typeUrl: 'x' } } });
    primary.send({});
    expect((await error()).canonicalCode).toBe(3);
    primary.send({ digestAck: { digestId: 1, listId: 1n } });
    expect((await error()).digestListAck).toEqual({ digestListAck: { digestId: 1, listId: 1n } });
    expect(primary.ended).toBeUndefined();
  });
});

describe('packet-in', () => {
  it('goes to the primary alone, with its metadata in canonical form', async () => {
    await bed.commit();
    await bed.insert(l2(5n, action('to_cpu')));
    const backup = bed.stream();
    backup.arbitrate(0n);
    await backup.verdict();
    const payload = frame(5n, 2n, 0x1234);
    expect(bed.device.receive(0x101, payload)).toEqual([]);
    expect((await primary.next()).packet).toEqual({
      payload,
      metadata: [
        { metadataId: 1, value: Uint8Array.of(1, 1) },
        { metadataId: 2, value: Uint8Array.of(0) },
      ],
    });
    expect(backup.waiting).toBe(0);
  });

  it('comes from a clone session too', async () => {
    await bed.commit();
    await bed.insert({
      packetReplicationEngineEntry: {
        cloneSessionEntry: { sessionId: 7, replicas: [{ port: bytes(CPU_PORT), instance: 1 }], packetLengthBytes: 20 },
      },
    });
    await bed.insert({ tableEntry: { tableId: tableId('acl'), priority: 1, action: action('mirror', 7) } });
    const payload = frame(5n, 2n, 0x1234);
    bed.device.receive(3, payload);
    // BMv2 cuts what leaves, and the two bytes of the packet_in header are part of that.
    expect((await primary.next()).packet!.payload).toEqual(payload.subarray(0, 18));
  });

  it('keeps its order and outlives a change of primary', async () => {
    await bed.commit();
    await bed.insert(l2(5n, action('to_cpu')));
    for (let i = 1; i <= 5; i++) bed.device.receive(i, frame(5n, 2n, 0x1234));
    for (let i = 1; i <= 5; i++) expect((await primary.next()).packet!.metadata[0]!.value).toEqual(bytes(i));
    const next = bed.stream();
    next.arbitrate(2n);
    await next.verdict();
    bed.device.receive(6, frame(5n, 2n, 0x1234));
    expect((await next.next()).packet!.metadata[0]!.value).toEqual(bytes(6));
  });
});

describe('headers', () => {
  const out = index.packetHeaders.find('packet_out');
  const into = index.packetHeaders.find('packet_in');

  it('hold the fields in order, for any values and payload', () => {
    fc.assert(
      fc.property(fc.nat(511), fc.nat(127), fc.uint8Array({ maxLength: 80 }), (first, second, payload) => {
        const packet: PacketOut = { ...packetOut(first, payload, second).packet };
        const packed = packPacketOut(out, packet);
        expect((packed[0]! << 8) | packed[1]!).toBe((first << 7) | second);
        expect(packed.subarray(2)).toEqual(payload);
        const back = unpackPacketIn(into, packed)!;
        expect(back.metadata).toEqual(packet.metadata);
        expect(back.payload).toEqual(payload);
      }),
    );
  });

  it('that are missing in the program mean no metadata', () => {
    const payload = bytes(77);
    expect(packPacketOut(undefined, { payload, metadata: [] })).toEqual(payload);
    expect(() => packPacketOut(undefined, packetOut(1, payload).packet)).toThrow('has no packet_out header');
    expect(unpackPacketIn(undefined, payload)).toEqual({ payload, metadata: [] });
  });

  it('that a packet is too short for make no packet-in', () => {
    expect(unpackPacketIn(into, Uint8Array.of(1))).toBeUndefined();
  });
});
