/** Every kind of entity through the client by name, at the emulator's server. */
import { expect, test } from 'vitest';
import { P4RuntimeServer } from '../../emulator/p4runtime/server.js';
import { SwitchDevice } from '../../emulator/p4runtime/switch-device.js';
import { parseP4Info } from '../../p4runtime/p4info-file.js';
import { P4RuntimeClient } from '../../controlplane/p4runtime/client.js';
import { insert, modify, remove } from '../../controlplane/p4runtime/entries.js';
import { makePipeline } from '../../controlplane/p4runtime/pipeline.js';
import type { DigestEvent } from '../../controlplane/p4runtime/stream-messages.js';
import { file } from '../emulator/p4runtime/support.js';
import { onEnd } from './site.helpers.js';

const PIPELINE = makePipeline('features', parseP4Info(file('features.p4info.txtpb').toString()), file('features.json'));

async function start(): Promise<{ device: SwitchDevice; client: P4RuntimeClient }> {
  const device = new SwitchDevice({ engine: 'interpreter' });
  const server = new P4RuntimeServer(device);
  const client = new P4RuntimeClient({ address: `127.0.0.1:${await server.listen('127.0.0.1:0')}`, deviceId: 1 });
  onEnd(async () => {
    client.close();
    await server.close();
  });
  await client.connect();
  await client.setPipeline(PIPELINE);
  return { device, client };
}

/** An Ethernet frame from a MAC address that ends with a number. */
function frame(source: number): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, source, 0x12, 0x34);
}

test('one entry, and whether it is there', async () => {
  const { client } = await start();
  const key = { table: 'l2', match: { dst: '02:00:00:00:00:01' } };
  expect(await client.readEntry(key)).toBeUndefined();
  await client.write([insert({ entry: { ...key, action: 'forward', params: { port: 3 } } })]);
  expect(await client.readEntry(key)).toMatchObject({
    table: 'Ingress_.l2',
    action: 'Ingress_.forward',
    params: { port: 3n },
    isDefault: false,
  });
  expect(await client.readEntry({ table: 'l2', match: { dst: '02:00:00:00:00:02' } })).toBeUndefined();
});

test('the default entry, set and put back', async () => {
  const { client } = await start();
  const defaultAction = async () => (await client.readDefault('routes'))?.action;
  expect(await defaultAction()).toBe('NoAction');
  await client.write([modify({ defaultAction: { table: 'routes', action: 'forward', params: { port: 2 } } })]);
  expect(await client.readDefault('routes')).toMatchObject({
    action: 'Ingress_.forward',
    params: { port: 2n },
    isDefault: true,
  });
  expect(await client.readTable('routes')).toEqual([]);
  await client.write([modify({ defaultAction: { table: 'routes' } })]);
  expect(await defaultAction()).toBe('NoAction');
});

test('clone sessions and multicast groups', async () => {
  const { client } = await start();
  const session = {
    session: 5,
    replicas: [
      { port: 1, instance: 7 },
      { port: 2, instance: 8 },
    ],
    truncateBytes: 64,
  };
  const group = { group: 9, replicas: [{ port: 3, instance: 1 }] };
  await client.write([insert({ cloneSession: session }), insert({ multicastGroup: group })]);
  expect(await client.readCloneSessions()).toEqual([session]);
  expect(await client.readMulticastGroups()).toEqual([group]);
  await client.write([
    remove({ cloneSession: { ...session, replicas: [] } }),
    remove({ multicastGroup: { ...group, replicas: [] } }),
  ]);
  expect([await client.readCloneSessions(), await client.readMulticastGroups()]).toEqual([[], []]);
});

test('counters, meters and registers', async () => {
  const { client, device } = await start();
  const rates = { cir: 1n, cburst: 2n, pir: 3n, pburst: 4n };
  await client.write([
    modify({ counter: { name: 'seen', index: 3, value: { packets: 5n, bytes: 500n } } }),
    modify({ meter: { name: 'policer', index: 1, config: rates } }),
    modify({ register: { name: 'notes', index: 2, value: 0x1234 } }),
  ]);
  expect((await client.readCounters('seen'))[3]).toEqual({ packets: 5n, bytes: 500n });
  expect(await client.readRegister('notes', 2)).toBe(0x1234n);
  expect(device.current.control.readRegister('Ingress_.notes', 2)).toBe(0x1234n);
  await expect(client.readRegister('notes', 8)).rejects.toThrow(
    'index 8 is out of range for register Ingress_.notes: 0 to 7',
  );
});

test('a digest comes once, until it is acknowledged', async () => {
  const { client, device } = await start();
  const lists: DigestEvent[] = [];
  client.on('digest', (list) => lists.push(list));
  await client.write([
    insert({ digest: { name: 'learn_t', maxListSize: 1, ackTimeoutNs: 3_600_000_000_000n } }),
    modify({ defaultAction: { table: 'learned', action: 'learn' } }),
  ]);
  for (const source of [0x21, 0x21, 0x22]) device.receive(1, frame(source));
  await expect.poll(() => lists.length).toBe(2);
  expect(lists.map(({ digest }) => digest)).toEqual(['learn_t', 'learn_t']);
  expect(
    lists.map(({ data }) => data[0]!.struct!.members.map(({ bitstring }) => Buffer.from(bitstring!).toString('hex'))),
  ).toEqual([
    ['020000000021', '01'],
    ['020000000022', '01'],
  ]);
  client.acknowledgeDigest(lists[0]!);
  // Nothing signals that the acknowledgement has arrived; until then the packet counts as already reported.
  await expect
    .poll(() => {
      device.receive(1, frame(0x21));
      return lists.length;
    })
    .toBeGreaterThan(2);
});
