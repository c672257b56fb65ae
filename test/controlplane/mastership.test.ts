/** Every way in which a controller loses the switch, and how it gets it back: on BMv2, and on the software switch. */
import { beforeEach, describe, expect, test } from 'vitest';
import { P4RuntimeServer } from '../../emulator/p4runtime/server.js';
import { SwitchDevice } from '../../emulator/p4runtime/switch-device.js';
import { P4RuntimeClient } from '../../controlplane/p4runtime/client.js';
import { MemoryStore } from '../../controlplane/controller/store.js';
import { QuerySwitch } from '../../query/switch/switch.js';
import { SwitchTakenError } from '../../query/switch/errors.js';
import { BINARY, present, startBmv2, type RealSwitch } from './bmv2.helpers.js';
import { startSite, onEnd, type Site } from './site.helpers.js';

const DEVICE = 1;
const MAX_ID = (1n << 128n) - 1n;
const SERVICE = { serviceIp: '10.0.0.254', serviceMac: '02:00:00:00:00:fe' };

const targets = [
  [`BMv2 (needs ${BINARY} on the path)`, present, startBmv2],
  ['the software switch', true, startEmulator],
] as const;

async function startEmulator(): Promise<RealSwitch> {
  const server = new P4RuntimeServer(new SwitchDevice({ engine: 'interpreter' }), { deviceId: BigInt(DEVICE) });
  const port = await server.listen('127.0.0.1:0');
  const kill = (): Promise<void> => server.close();
  onEnd(kill);
  return { address: `127.0.0.1:${port}`, kill };
}

describe.each(targets)('%s', (_, available, start) => {
  let target: RealSwitch;
  beforeEach(async () => {
    if (available) target = await start();
  });

  const controller = (options: Parameters<typeof startSite>[0] = {}): Promise<Site> =>
    startSite({ ...options, config: { address: target.address, deviceId: DEVICE, ...options.config } });
  const phase = async (site: Site): Promise<string> => (await site.client.getStatus()).switches[0]!.state;
  const isReady = (site: Site): Promise<void> => expect.poll(() => phase(site), { timeout: 120_000 }).toBe('ready');
  const isBackup = (site: Site): Promise<void> => expect.poll(() => phase(site), { timeout: 120_000 }).toBe('backup');
  const stranger = async (electionId: bigint): Promise<P4RuntimeClient> => {
    const client = new P4RuntimeClient({ address: target.address, deviceId: DEVICE, electionId });
    onEnd(() => client.close());
    expect(await client.connect({ timeoutMs: 60_000 })).toEqual({ primary: true });
    return client;
  };

  test.skipIf(!available)('a second controller is backup while the first lives, and takes over after it', async () => {
    const first = await controller();
    await isReady(first);
    const second = await controller();
    await isBackup(second);
    expect(await phase(first)).toBe('ready');
    await first.stop();
    await isReady(second);
    // Nor does the first, restarted, displace the second.
    const again = await controller({ store: first.store });
    await isBackup(again);
    expect(await phase(second)).toBe('ready');
  });

  test.skipIf(!available)('a second controller that retries, and a third, displace nobody', async () => {
    const first = await controller();
    await isReady(first);
    for (let attempt = 0; attempt < 4; attempt++) {
      const other = await controller();
      await isBackup(other);
      await other.stop();
    }
    expect(await phase(first)).toBe('ready');
  });

  test.skipIf(!available)('two that wait for the first end with one primary', async () => {
    const first = await controller();
    await isReady(first);
    const others = [await controller(), await controller()];
    for (const other of others) await isBackup(other);
    await first.stop();
    await expect
      .poll(async () => (await Promise.all(others.map(phase))).sort(), { timeout: 120_000 })
      .toEqual(['backup', 'ready']);
  });

  test.skipIf(!available)('it is back after its own connection is lost, and after a restart on its store', async () => {
    const store = new MemoryStore();
    const first = await controller({ store });
    await isReady(first);
    await first.stop();
    const second = await controller({ store });
    await isReady(second);
  });

  test.skipIf(!available)(
    'a query is refused beside it, waits for nothing, and leaves the switch to it afterwards',
    async () => {
      const query = await QuerySwitch.connect({
        ...SERVICE,
        address: target.address,
        deviceId: DEVICE,
        connectTimeoutMs: 60_000,
      });
      const site = await controller();
      await isBackup(site);
      query.close();
      await isReady(site);
      await expect(
        QuerySwitch.connect({
          ...SERVICE,
          address: target.address,
          deviceId: DEVICE,
          connectTimeoutMs: 60_000,
          departureMs: 300,
        }),
      ).rejects.toThrow(SwitchTakenError);
      expect(await phase(site)).toBe('ready');
    },
  );

  test.skipIf(!available).each([
    ['a clock', (): bigint => BigInt(Date.now()) << 40n],
    ['64 bits and more', (): bigint => (1n << 100n) + 7n],
    ['2^128 - 2', (): bigint => MAX_ID - 1n],
    ['2^128 - 1', (): bigint => MAX_ID],
  ])('one with an id of %s takes it; when that one goes, it comes back', async (_name, id) => {
    const site = await controller();
    await isReady(site);
    const thief = await stranger(id());
    await isBackup(site);
    thief.close();
    await isReady(site);
    await site.controller.ready('s1');
    // And so does whoever comes later.
    await site.stop();
    const later = await controller();
    await isReady(later);
    await later.stop();
    (
      await QuerySwitch.connect({ ...SERVICE, address: target.address, deviceId: DEVICE, connectTimeoutMs: 60_000 })
    ).close();
  });
});
