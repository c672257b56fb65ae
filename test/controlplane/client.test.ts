import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseP4Info } from '../../p4runtime/p4info-file.js';
import type { ClientOptions } from '../../controlplane/p4runtime/client-options.js';
import { P4RuntimeClient } from '../../controlplane/p4runtime/client.js';
import { insert, modify, remove, type EntryInput, type KeyInput } from '../../controlplane/p4runtime/entries.js';
import { EntityCodec, entryIdentity } from '../../controlplane/p4runtime/entity-codec.js';
import {
  ConnectError,
  NotConnectedError,
  NotPrimaryError,
  P4RuntimeRpcError,
  WriteError,
} from '../../controlplane/p4runtime/errors.js';
import { makePipeline } from '../../controlplane/p4runtime/pipeline.js';
import { client } from './client.helpers.js';
import type { FakeSwitch } from './fake-switch.helpers.js';
import { startSwitch } from './site.helpers.js';

/** Each match kind, an alias, names with a common suffix, packet headers. */
const PIPELINE = makePipeline(
  'kinds',
  parseP4Info(`
    tables { preamble { id: 0x02000001 name: "a.exact" alias: "exact" }
      match_fields { id: 1 name: "hdr.addr" bitwidth: 32 match_type: EXACT }
      match_fields { id: 2 name: "hdr.mac" bitwidth: 48 match_type: EXACT }
      action_refs { id: 0x01000001 } action_refs { id: 0x01000002 scope: DEFAULT_ONLY } size: 8 }
    tables { preamble { id: 0x02000002 name: "a.mixed" alias: "mixed" }
      match_fields { id: 1 name: "t" bitwidth: 16 match_type: TERNARY }
      match_fields { id: 2 name: "r" bitwidth: 8 match_type: RANGE }
      match_fields { id: 3 name: "o" bitwidth: 9 match_type: OPTIONAL }
      match_fields { id: 4 name: "l" bitwidth: 32 match_type: LPM }
      action_refs { id: 0x01000001 } size: 8 }
    tables { preamble { id: 0x02000003 name: "b.exact" alias: "b_exact" }
      match_fields { id: 1 name: "x" bitwidth: 8 match_type: EXACT } action_refs { id: 0x01000001 } size: 8 }
    actions { preamble { id: 0x01000001 name: "a.set" alias: "set" }
      params { id: 1 name: "port" bitwidth: 9 } params { id: 2 name: "mac" bitwidth: 48 } }
    actions { preamble { id: 0x01000002 name: "a.deny" alias: "deny" } }
    counters { preamble { id: 0x12000001 name: "a.hits" alias: "hits" } spec { unit: BOTH } size: 4 }
    controller_packet_metadata { preamble { id: 0x04000001 name: "packet_out" alias: "packet_out" }
      metadata { id: 1 name: "egress_port" bitwidth: 9 } metadata { id: 2 name: "pad" bitwidth: 7 } }
    controller_packet_metadata { preamble { id: 0x04000002 name: "packet_in" alias: "packet_in" }
      metadata { id: 1 name: "ingress_port" bitwidth: 9 } }`),
  new TextEncoder().encode('{}'),
);
const codec = new EntityCodec(PIPELINE.index);
const SET = { action: 'set', params: { port: 1, mac: 0 } };

async function connected(options: Partial<ClientOptions> = {}): Promise<{ fake: FakeSwitch; p4: P4RuntimeClient }> {
  const fake = await startSwitch();
  const p4 = client(fake, options);
  await p4.connect();
  await p4.setPipeline(PIPELINE);
  return { fake, p4 };
}

describe('values and keys', () => {
  const key = (match: Record<string, KeyInput>) =>
    codec.normalise({ table: 'mixed', match, priority: 1, ...SET }).match;

  test.each<[Record<string, KeyInput>, unknown]>([
    [{ t: 0x1234 }, { t: { kind: 'ternary', value: 0x1234n, mask: 0xffffn } }],
    [{ t: '0x12ff&&&0xff00' }, { t: { kind: 'ternary', value: 0x1200n, mask: 0xff00n } }],
    [{ t: { value: 5, mask: 0 } }, {}],
    [{ t: { value: 0x1234, prefixLength: 8 } }, { t: { kind: 'ternary', value: 0x1200n, mask: 0xff00n } }],
    [{ r: '5..9' }, { r: { kind: 'range', low: 5n, high: 9n } }],
    [{ r: 7 }, { r: { kind: 'range', low: 7n, high: 7n } }],
    [{ r: '0..255' }, {}],
    [{ o: 511 }, { o: { kind: 'optional', value: 511n } }],
    [{ l: '10.1.2.3/8' }, { l: { kind: 'lpm', value: 0x0a000000n, prefixLength: 8 } }],
    [{ l: '10.1.2.3' }, { l: { kind: 'lpm', value: 0x0a010203n, prefixLength: 32 } }],
    [{ l: '0.0.0.0/0' }, {}],
  ])('key %#', (match, expected) => {
    expect(key(match)).toEqual(expected);
  });

  test.each<[EntryInput, RegExp]>([
    [{ table: 'exact', match: {}, ...SET }, /an entry of a\.exact needs key hdr\.addr; keys: hdr\.addr, hdr\.mac/],
    [
      { table: 'exact', match: { adr: 1 }, ...SET },
      /There is no key named adr in table a\.exact; valid: hdr\.addr, hdr\.mac/,
    ],
    [
      { table: 'exact', match: { addr: '10.0.0.256', mac: 1 }, ...SET },
      /hdr\.addr is "10\.0\.0\.256", expected a number, 0x hex, dotted IPv4 or a MAC/,
    ],
    [
      { table: 'exact', match: { addr: 2 ** 32, mac: 1 }, ...SET },
      /hdr\.addr is 4294967296, but holds 32 bits: 0 to 4294967295/,
    ],
    [{ table: 'exact', match: { addr: -1, mac: 1 }, ...SET }, /hdr\.addr is -1, but holds 32 bits/],
    [
      { table: 'exact', match: { addr: '10.0.0.0/8', mac: 1 }, ...SET },
      /key hdr\.addr is exact, and cannot match by lpm/,
    ],
    [
      { table: 'exact', match: { addr: 1, mac: 1 }, action: 'sett' },
      /There is no action named sett in table a\.exact; valid: a\.set, a\.deny/,
    ],
    [
      { table: 'exact', match: { addr: 1, mac: 1 }, action: 'deny' },
      /action a\.deny cannot be an entry of a\.exact; valid: a\.set/,
    ],
    [
      { table: 'exact', match: { addr: 1, mac: 1 }, action: 'set', params: { port: 1 } },
      /action a\.set needs parameter mac; parameters: port, mac/,
    ],
    [
      { table: 'exact', match: { addr: 1, mac: 1 }, action: 'set', params: { port: 512, mac: 1 } },
      /port is 512, but holds 9 bits: 0 to 511/,
    ],
    [{ table: 'exact', match: { addr: 1, mac: 1 }, priority: 3, ...SET }, /an entry of a\.exact has no priority/],
    [{ table: 'mixed', match: {}, ...SET }, /an entry of a\.mixed needs a priority above 0/],
    [
      { table: 'mixed', match: { r: '9..5' }, priority: 1, ...SET },
      /range of r is 9\.\.5, whose low end is above its high end/,
    ],
    [
      { table: 'mixed', match: { l: '10.0.0.0/33' }, priority: 1, ...SET },
      /prefix length of l is 33, but the key has 32 bits/,
    ],
    [{ table: 'routes', ...SET }, /There is no table named routes; valid: a\.exact, a\.mixed, b\.exact/],
  ])('%j is refused', (entry, message) => {
    expect(() => codec.tableEntry(entry)).toThrow(message);
  });

  test('whatever is encoded is decoded to the same entry', () => {
    const entries = fc.record({
      t: fc.record({ value: fc.nat(0xffff), mask: fc.nat(0xffff) }),
      r: fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => ({ low: Math.min(a, b), high: Math.max(a, b) })),
      o: fc.nat(511),
      l: fc.record({ value: fc.nat(), prefixLength: fc.nat(32) }),
    });
    fc.assert(
      fc.property(
        entries,
        fc.subarray(['t', 'r', 'o', 'l'] as const),
        fc.bigInt({ min: 0n, max: (1n << 48n) - 1n }),
        (all, present, mac) => {
          const match = Object.fromEntries(present.map((name) => [name, all[name]]));
          const input: EntryInput = { table: 'mixed', match, priority: 7, action: 'set', params: { port: 300, mac } };
          const {
            tableId,
            match: fields,
            action,
            priority,
          } = codec.tableEntry(input) as never as Parameters<EntityCodec['decodeEntry']>[0];
          const decoded = codec.decodeEntry({
            tableId,
            match: fields,
            action: action!,
            priority,
            isDefaultAction: false,
          } as never);
          expect(decoded).toEqual(codec.normalise(input));
          expect(entryIdentity(decoded)).toBe(entryIdentity(codec.normalise(input)));
        },
      ),
    );
  });

  test('values may be MAC addresses, and bytes are canonical', () => {
    const entry = codec.tableEntry({
      table: 'exact',
      match: { addr: '0.0.1.2', mac: '00:00:00:00:01:00' },
      action: 'set',
      params: { port: 0, mac: '02:00:00:00:00:01' },
    });
    expect(entry.match!.map(({ exact }) => [...exact!.value!])).toEqual([
      [1, 2],
      [1, 0],
    ]);
    expect(entry.action!.action!.params!.map(({ value }) => [...value!])).toEqual([[0], [2, 0, 0, 0, 0, 1]]);
  });
});

describe('connection', () => {
  test('a server that is not there is said with address, attempts and reason', async () => {
    const fake = await startSwitch();
    fake.stop();
    const p4 = client(fake);
    const error = await p4.connect({ timeoutMs: 2_000 }).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(ConnectError);
    expect((error as Error).message).toMatch(
      new RegExp(
        `^no P4Runtime server answered at ${fake.address} \\(device 1\\) within 2 s: \\d+ attempts, the last: .*ECONNREFUSED`,
      ),
    );
    expect(p4.state).toBe('closed');
  });

  test('a client that is closed waits for no server any more', async () => {
    const fake = await startSwitch();
    fake.stop();
    const p4 = client(fake);
    const connecting = p4.connect({ timeoutMs: 86_400_000 });
    p4.close();
    await expect(connecting).rejects.toThrow(
      new ConnectError(`the client was closed before a P4Runtime server answered at ${fake.address}`, undefined),
    );
  });

  test('the larger election id is primary; the other one becomes it when that one goes', async () => {
    const fake = await startSwitch();
    const first = client(fake, { electionId: 5n });
    expect(await first.connect()).toEqual({ primary: true });
    const second = client(fake, { electionId: 4n });
    expect(await second.connect()).toEqual({ primary: false });
    second.usePipeline(PIPELINE);
    await expect(second.setPipeline(PIPELINE)).rejects.toBeInstanceOf(NotPrimaryError);
    await expect(second.write([insert({ multicastGroup: { group: 1, replicas: [] } })])).rejects.toThrow(
      /PERMISSION_DENIED, Not primary/,
    );
    const promoted = new Promise((resolve) => second.once('role', resolve));
    first.close();
    expect(await promoted).toEqual({ primary: true, primaryId: 4n, highestId: 4n });
    expect(second.state).toBe('primary');
  });

  test('a lost connection is made again, with a new election id', async () => {
    let id = 0n;
    const { fake, p4 } = await connected({ electionId: () => ++id });
    const gone = new Promise((resolve) => p4.once('disconnected', resolve));
    fake.stop();
    expect(await gone).toBeInstanceOf(ConnectError);
    await expect(p4.readTable('mixed')).rejects.toBeInstanceOf(NotConnectedError);
    const back = new Promise((resolve) => p4.once('connected', resolve));
    await fake.start();
    expect(await back).toMatchObject({ primary: true });
    expect(id).toBeGreaterThan(1n);
    expect(await p4.readTable('mixed')).toEqual([]);
  });
});

describe('pipeline', () => {
  test('is pushed only when the cookie differs', async () => {
    const fake = await startSwitch();
    const p4 = client(fake);
    await p4.connect();
    expect(await p4.getPipeline()).toBeUndefined();
    expect(await p4.ensurePipeline(PIPELINE)).toBe('pushed');
    expect(await p4.ensurePipeline(PIPELINE)).toBe('kept');
    expect(await p4.ensurePipeline({ ...PIPELINE, cookie: 9n })).toBe('pushed');
    expect((await p4.getPipeline())?.cookie?.cookie).toBe(9n);
    expect(fake.pushes).toBe(2);
  });

  test('takes its multicast groups with it, before another one is pushed: BMv2 would keep their copies', async () => {
    const { fake, p4 } = await connected();
    await p4.write([insert({ multicastGroup: { group: 7, replicas: [{ port: 1, instance: 1 }] } })]);
    const atPush: number[] = [];
    fake.onPush = () => void atPush.push(fake.groups.size);
    expect(await p4.ensurePipeline({ ...PIPELINE, cookie: 9n })).toBe('pushed');
    expect(atPush).toEqual([0]);
  });

  test('its P4Info can be taken from the switch', async () => {
    const { fake } = await connected();
    const other = client(fake, { electionId: 0n });
    await other.connect();
    await expect(other.readTable('mixed')).rejects.toThrow(
      /no pipeline is known for .*; call setPipeline or getPipeline first/,
    );
    await other.getPipeline();
    expect(await other.readTable('mixed')).toEqual([]);
  });
});

describe('entities', () => {
  test('insert, modify, read, delete by name', async () => {
    const { p4 } = await connected();
    const match = { addr: '10.0.0.1', mac: '02:00:00:00:00:01' };
    await p4.write([insert({ entry: { table: 'a.exact', match, ...SET } })]);
    await p4.write([modify({ entry: { table: 'a.exact', match, action: 'a.set', params: { port: 3, mac: 4 } } })]);
    expect(await p4.readTable('a.exact')).toEqual([
      {
        table: 'a.exact',
        match: {
          'hdr.addr': { kind: 'exact', value: 0x0a000001n },
          'hdr.mac': { kind: 'exact', value: 0x020000000001n },
        },
        priority: 0,
        action: 'a.set',
        params: { port: 3n, mac: 4n },
        isDefault: false,
      },
    ]);
    await p4.write([remove({ entryKey: { table: 'a.exact', match } })]);
    expect(await p4.readTable('a.exact')).toEqual([]);
  });

  test('each failed update of a batch is named, and the others are applied', async () => {
    const { p4 } = await connected();
    const entry = (x: number): EntryInput => ({ table: 'b.exact', match: { x }, ...SET });
    await p4.write([insert({ entry: entry(1) })]);
    const error = (await p4
      .write([
        insert({ entry: entry(1) }),
        insert({ entry: entry(2) }),
        remove({ multicastGroup: { group: 4, replicas: [] } }),
      ])
      .catch((each: unknown) => each)) as WriteError;
    expect(error).toBeInstanceOf(WriteError);
    expect(error.message).toBe(
      '2 of 3 updates failed: INSERT b.exact{x=1}: ALREADY_EXISTS (Match entry exists, use MODIFY if you wish to change action); ' +
        'DELETE multicast group 4: NOT_FOUND (Cannot find match entry)',
    );
    expect(error.failed.map(({ index, status: code }) => [index, code])).toEqual([
      [0, status.ALREADY_EXISTS],
      [2, status.NOT_FOUND],
    ]);
    expect(await p4.readTable('b.exact')).toHaveLength(2);
  });

  test('a batch that the server refuses as a whole', async () => {
    const { p4 } = await connected();
    const error = await p4
      .write([insert({ entry: { table: 'b.exact', match: { x: 1 }, ...SET } })], 'ROLLBACK_ON_ERROR')
      .catch((each: unknown) => each);
    expect(error).toBeInstanceOf(P4RuntimeRpcError);
    expect((error as P4RuntimeRpcError).status).toBe(status.UNIMPLEMENTED);
  });

  test('groups and counters', async () => {
    const { p4 } = await connected();
    const group = {
      group: 3,
      replicas: [
        { port: 1, instance: 1 },
        { port: 1, instance: 2 },
      ],
    };
    await p4.write([
      insert({ multicastGroup: group }),
      modify({ counter: { name: 'hits', index: 2, value: { packets: 5n, bytes: 6n } } }),
    ]);
    expect(await p4.readMulticastGroups()).toEqual([group]);
    expect(await p4.readCounterCells('hits', [2, 1])).toEqual([
      { packets: 5n, bytes: 6n },
      { packets: 0n, bytes: 0n },
    ]);
    await expect(p4.readCounterCells('hits', [4])).rejects.toThrow(
      'index 4 is out of range for counter a.hits: 0 to 3',
    );
  });

  test('packets out and in', async () => {
    const { fake, p4 } = await connected();
    fake.onPacketOut = (payload) => [payload.slice().reverse()];
    const packet = new Promise((resolve) => p4.once('packetIn', resolve));
    p4.packetOut(Uint8Array.of(1, 2, 3), { egress_port: 4 });
    expect(await packet).toEqual({ payload: Uint8Array.of(3, 2, 1), metadata: { ingress_port: 1n } });
    expect(() => p4.packetOut(Uint8Array.of(1), { port: 4 })).toThrow(
      /no metadata field named port in header packet_out; valid: egress_port, pad/,
    );
  });
});
