/** The controller against real switches: BMv2 where it is installed, and the emulator. */
import { describe, expect, test } from 'vitest';
import { P4RuntimeServer } from '../../emulator/p4runtime/server.js';
import { SwitchDevice } from '../../emulator/p4runtime/switch-device.js';
import { Opcode } from '../../protocol/constants.js';
import { HEADER_BYTES, messageBytes, readHeader, writeHeader } from '../../protocol/message.js';
import { loadBuild } from '../../controlplane/artifacts.js';
import { P4RuntimeClient } from '../../controlplane/p4runtime/client.js';
import { insert } from '../../controlplane/p4runtime/entries.js';
import { P4RuntimeRpcError, WriteError } from '../../controlplane/p4runtime/errors.js';
import { BINARY, present, startBmv2, type RealSwitch } from './bmv2.helpers.js';
import { onEnd, startSite, switchConfig } from './site.helpers.js';
import { Controller } from '../../controlplane/controller/controller.js';
import { MemoryStore } from '../../controlplane/controller/store.js';

async function startEmulator(grpcPort = 0, device = new SwitchDevice()): Promise<RealSwitch> {
  const server = new P4RuntimeServer(device);
  const port = await server.listen(`127.0.0.1:${grpcPort}`);
  const kill = (): Promise<void> => server.close();
  onEnd(kill);
  return { address: `127.0.0.1:${port}`, kill };
}

const targets: [string, boolean, (grpcPort?: number) => Promise<RealSwitch>][] = [
  [`BMv2 (needs ${BINARY} on the path)`, present, startBmv2],
  ['emulator', true, startEmulator],
];

describe.each(targets)('%s', (_, available, start) => {
  test.skipIf(!available)(
    'a job runs through start, death of a member, and restart of the switch',
    { timeout: 300_000 },
    async () => {
      const target = await start();
      const site = await startSite({ config: { address: target.address }, timing: { probeReplyTimeoutMs: 2_000 } });
      await site.client.createJob({ name: 'train', workers: 3, slots: 40, elastic: true });
      const members = [0, 1, 2].map((rank) => site.worker(rank));
      for (const member of members) expect(await member.resume(1)).toMatchObject({ epoch: 1 });

      const reader = new P4RuntimeClient({ address: target.address, deviceId: 1, electionId: 0n });
      onEnd(() => reader.close());
      await reader.connect({ timeoutMs: 20_000 });
      await reader.getPipeline();
      const ranks = async (): Promise<unknown[]> => {
        const entries = await reader.readTable('fpisa.member');
        return entries.map(({ match, params }) => [match['worker'], params['epoch'], params['all']]).sort();
      };
      // In an order of BMv2's own.
      const groups = async (): Promise<unknown[]> =>
        (await reader.readMulticastGroups()).map(({ group, replicas }) => ({
          group,
          replicas: [...replicas].sort((a, b) => a.port - b.port),
        }));
      const row = (rank: bigint, epoch: bigint, all: bigint): unknown[] => [{ kind: 'exact', value: rank }, epoch, all];
      expect(await ranks()).toEqual([row(0n, 1n, 7n), row(1n, 1n, 7n), row(2n, 1n, 7n)]);
      expect(await groups()).toEqual([{ group: 1, replicas: [1, 2, 3].map((port) => ({ port, instance: port })) }]);
      // One of them is the stamp.
      expect(await reader.readTable('fpisa.receiver')).toHaveLength(4);

      const slots = await site.client.probeJob('train');
      expect(slots).toHaveLength(40);
      expect(slots[39]).toEqual({
        slot: 39,
        sets: [0, 1].map(() => ({
          epoch: 0,
          chunk: 0,
          operation: 0,
          bitmap: 0,
          contributions: 0,
          missing: [],
          missingSwitches: [],
        })),
      });
      expect((await site.client.getStatus()).switches[0]).toMatchObject({
        state: 'ready',
        pipeline: 'fpisa-n16',
        drops: {},
      });
      expect((await site.client.getJob('train')).events).toMatchObject({ CONTRIBUTION: 0, RESULT: 0 });

      members[1]!.kill();
      expect(await members[0]!.resume(2)).toMatchObject({ epoch: 2 });
      expect(await ranks()).toEqual([row(0n, 2n, 5n), row(2n, 2n, 5n)]);
      expect(await groups()).toEqual([{ group: 1, replicas: [1, 3].map((port) => ({ port, instance: port })) }]);

      reader.close();
      await target.kill();
      await start(Number(target.address.split(':')[1]));
      expect(await members[0]!.membership(3)).toMatchObject({
        epoch: 3,
        ranks: [0, 2],
        reason: 'the switch restarted',
      });
      for (const member of [members[0]!, members[2]!]) expect(await member.resume(3)).toMatchObject({ epoch: 3 });
    },
  );

  test.skipIf(!available)(
    'a tree of two switches takes its tables, and a restart of the leaf raises the epoch',
    { timeout: 300_000 },
    async () => {
      const [spine, leaf] = [await start(), await start()];
      const config = switchConfig(leaf.address, {
        name: 'leaf',
        serviceIp: '10.0.1.254',
        serviceMac: '02:00:00:00:01:fe',
        parent: { switch: 's1', port: 9, parentPort: 8 },
      });
      const site = await startSite({
        config: { address: spine.address },
        more: [config],
        timing: { probeReplyTimeoutMs: 2_000 },
      });
      await site.client.createJob({ name: 'train', workers: 3, slots: 4 });
      const members = ['leaf', 's1', 'leaf'].map((switchName, rank) => site.worker(rank, { switchName }));
      for (const member of members) await member.resume(1);

      const contents = async (address: string): Promise<unknown> => {
        const reader = new P4RuntimeClient({ address, deviceId: 1, electionId: 0n });
        await reader.connect({ timeoutMs: 20_000 });
        await reader.getPipeline();
        const numbers = (await reader.readTable('fpisa.member')).map(({ match, params }) =>
          [(match['worker'] as { value: bigint }).value, params['bitmap'], params['all'], params['epoch']].map(Number),
        );
        const ways = (await Promise.all(['fpisa.parent', 'fpisa.from_parent'].map((table) => reader.readTable(table))))
          .flat()
          .map(({ params }) => Object.values(params).map(Number));
        const replicas = (await reader.readMulticastGroups()).flatMap((group) =>
          group.replicas.map(({ port, instance }) => [port, instance]),
        );
        reader.close();
        const sorted = (rows: number[][]): number[][] => rows.sort((a, b) => a[0]! - b[0]!);
        return { members: sorted(numbers), ways, replicas: sorted(replicas) };
      };
      const expected = (epoch: number): unknown[] => [
        {
          members: [
            [1, 2, 3, epoch],
            [0x8001, 1, 3, epoch],
          ],
          ways: [],
          replicas: [
            [1, 2],
            [8, 0x8002],
          ],
        },
        {
          members: [
            [0, 1, 5, epoch],
            [2, 4, 5, epoch],
          ],
          ways: [
            [9, 0x0200000000fe, 0x0a0000fe, 0x8001],
            [1, epoch],
          ],
          replicas: [
            [1, 1],
            [2, 3],
          ],
        },
      ];
      expect(await Promise.all([contents(spine.address), contents(leaf.address)])).toEqual(expected(1));
      expect(await site.client.probeJob('train')).toHaveLength(4);

      await leaf.kill();
      await start(Number(leaf.address.split(':')[1]));
      expect(await members[1]!.membership(2)).toMatchObject({
        epoch: 2,
        ranks: [0, 1, 2],
        bits: [0, 1, 0],
        reason: 'switch "leaf" restarted',
      });
      for (const member of members) await member.resume(2);
      expect(await Promise.all([contents(spine.address), contents(leaf.address)])).toEqual(expected(2));
    },
  );

  test.skipIf(!available)('errors of single updates are unpacked', { timeout: 300_000 }, async () => {
    const target = await start();
    const controller = new Controller({ store: new MemoryStore(), switches: [switchConfig(target.address)] });
    controller.start();
    await controller.ready('s1');
    controller.stop();
    const client = new P4RuntimeClient({ address: target.address, deviceId: 1, electionId: 1n << 64n });
    onEnd(() => client.close());
    await client.connect({ timeoutMs: 20_000 });
    await client.getPipeline();
    const local = { table: 'local', match: { dst_addr: '10.0.0.254' }, action: 'serve' };
    const error = await client
      .write([insert({ entry: local }), insert({ entry: { ...local, match: { dst_addr: '10.0.0.1' } } })])
      .catch((each: unknown) => each);
    expect(error).toBeInstanceOf(WriteError);
    expect((error as Error).message).toMatch(
      /^1 of 2 updates failed: INSERT local\{dst_addr=10\.0\.0\.254\}: ALREADY_EXISTS/,
    );
    expect(await client.readTable('local')).toHaveLength(2);
  });
});

test.skipIf(!present)('BMv2 serves no registers, and says so', { timeout: 300_000 }, async () => {
  const { address } = await startBmv2();
  const client = new P4RuntimeClient({ address, deviceId: 1, reconnectMs: { first: 20, most: 50 } });
  onEnd(() => client.close());
  await client.connect({ timeoutMs: 20_000 });
  await client.setPipeline(loadBuild(16, 1));
  const refused = await client.readRegister('slot_epochs', 0).catch((each: unknown) => each);
  expect(refused).toBeInstanceOf(P4RuntimeRpcError);
  expect((refused as Error).message).toMatch(/UNIMPLEMENTED, Register reads are not supported yet/);
  expect(await client.apiVersion()).toBe('1.3.0');
});

describe('packets through the emulator', () => {
  const N = 16;
  const SERVICE = 0x0a0000fe;

  function contribution(rank: number, job: number, fields: { epoch: number; slot: number; chunk: number }): Uint8Array {
    const udpLength = 8 + messageBytes(N);
    const frame = new Uint8Array(34 + udpLength);
    const view = new DataView(frame.buffer);
    view.setUint16(12, 0x0800);
    view.setUint8(14, 0x45);
    view.setUint16(16, 20 + udpLength);
    view.setUint8(22, 64);
    view.setUint8(23, 17);
    view.setUint32(26, 0x7f000001);
    view.setUint32(30, SERVICE);
    let sum = 0;
    for (let i = 14; i < 34; i += 2) sum += view.getUint16(i);
    view.setUint16(24, ~((sum & 0xffff) + (sum >>> 16)));
    view.setUint16(34, 40_000 + rank);
    view.setUint16(36, 0xf15a);
    view.setUint16(38, udpLength);
    writeHeader(new DataView(frame.buffer, 42), {
      opcode: Opcode.CONTRIBUTE,
      flags: 0,
      job,
      worker: rank,
      operation: 1,
      signature: 5,
      count: N,
      set: 0,
      ...fields,
    });
    for (let i = 0; i < N; i++) view.setFloat32(42 + HEADER_BYTES + 4 * i, rank + i, true);
    return frame;
  }

  test('a job adds up, its probe names who is missing, and a worker of the epoch before is kept out', async () => {
    const device = new SwitchDevice();
    const { address } = await startEmulator(0, device);
    const site = await startSite({ config: { address } });
    await site.client.createJob({ name: 'first', workers: 1, slots: 7 });
    await site.client.createJob({ name: 'train', workers: 3, slots: 4, elastic: true });
    const members = [0, 1, 2].map((rank) => site.worker(rank));
    for (const member of members) await member.resume(1);
    const welcomes = await Promise.all(members.map((member) => member.welcome()));
    const send = (rank: number, epoch: number, chunk = 2) =>
      device.receive(
        welcomes[rank]!.switchPort,
        contribution(rank, welcomes[rank]!.job.number, { epoch, slot: 2, chunk }),
      );

    expect([send(0, 1), send(2, 1)]).toEqual([[], []]);
    const [, , report] = await site.client.probeJob('train');
    expect(report!.sets[0]).toEqual({
      epoch: 1,
      chunk: 2,
      operation: 1,
      bitmap: 5,
      contributions: 2,
      missing: [1],
      missingSwitches: [],
    });

    const results = send(1, 1);
    expect(results.map(({ port }) => port).sort()).toEqual(welcomes.map(({ switchPort }) => switchPort).sort());
    for (const { bytes } of results) {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      const header = readHeader(new DataView(bytes.buffer, bytes.byteOffset + 42));
      expect(header).toMatchObject({ opcode: Opcode.RESULT, chunk: 2 });
      expect([view.getUint32(30), view.getUint16(36)]).toEqual([0x7f000001, 40_000 + header.worker]);
      expect(view.getFloat32(42 + HEADER_BYTES + 4, true)).toBe(0 + 1 + 2 + 3);
    }
    expect((await site.client.getJob('train')).events).toMatchObject({ CONTRIBUTION: 3, RESULT: 1 });

    members[1]!.kill();
    await members[0]!.resume(2);
    expect(send(0, 1, 6)).toEqual([]);
    expect(send(1, 2, 0)).toEqual([]);
    expect((await site.client.getStatus()).switches[0]!.drops).toEqual({ WRONG_EPOCH: 1, NOT_MEMBER: 1 });
    expect([send(0, 2, 0).length, send(2, 2, 0).length]).toEqual([0, 2]);
  });
});
