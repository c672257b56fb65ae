/** The controller's store, or the switch, is from an earlier time than the other (stamp.ts). */
import { describe, expect, test } from 'vitest';
import type { Log } from '../../controlplane/controller/log.js';
import type { ControllerState } from '../../controlplane/controller/state.js';
import { MemoryStore } from '../../controlplane/controller/store.js';
import type { FakeWorker } from './fake-worker.helpers.js';
import { startSite, type Site } from './site.helpers.js';

function join(site: Site, job = 'train', first = 0): FakeWorker[] {
  return [0, 1].map((rank) => site.worker(rank, { job, udpPort: 40_000 + first + rank }));
}

async function running(site: Site, epoch: number): Promise<FakeWorker[]> {
  const members = join(site);
  for (const member of members) await member.resume(epoch);
  return members;
}

/** Workers of one job after the other, each a process of its own: an epoch each time. */
async function raiseTo(site: Site, to: number, before: readonly FakeWorker[] = []): Promise<FakeWorker[]> {
  let members = [...before];
  for (let epoch = before.length === 0 ? 1 : 2; epoch <= to;) {
    for (const member of members) member.kill();
    await expect.poll(async () => (await site.client.getJob('train')).state).toBe('waiting');
    members = await running(site, epoch);
    epoch = (await site.client.getJob('train')).epoch + 1;
  }
  return members;
}

/** A controller that starts on `state` while the switch of `site` runs on. */
async function startOn(
  site: Site,
  state: ControllerState,
  options: Parameters<typeof startSite>[0] = {},
): Promise<Site> {
  await site.stop();
  const store = new MemoryStore();
  store.write(state);
  return startSite({ fake: site.fake, store, ...options });
}

const epochs = (site: Site): bigint[] =>
  site.fake
    .table('fpisa.member')
    .map(({ action }) => action!.action!.params.find(({ paramId }) => paramId === 6)!.value)
    .map((bytes) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`));

describe('a store that is older than the switch', () => {
  test('starts above every epoch that the switch has seen, and says so', async () => {
    const lines: string[] = [];
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 2 });
    const first = await running(site, 1);
    const copy = site.store.read();
    await raiseTo(site, 6, first);
    const { epoch } = await site.client.getJob('train');
    const log: Log = { info: () => undefined, warn: (_, message) => lines.push(message), error: () => undefined };
    const next = await startOn(site, copy, { log });
    await next.controller.ready('s1');
    expect(next.fake.pushes).toBe(1);
    expect(epochs(next)).toEqual([]);
    const members = join(next);
    for (const member of members) expect((await member.resume(epoch + 1)).epoch).toBe(epoch + 1);
    expect(lines).toContain(
      `switch "s1" was not left as the store memory says: one of them was put back from an earlier copy, or a controller was killed while it wrote; jobs there begin a new epoch above ${epoch}`,
    );
  });

  test('whose other job had a higher epoch then', async () => {
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 2 });
    await site.client.createJob({ name: 'long', workers: 1 });
    for (let epoch = 1; epoch <= 9; epoch++) {
      const worker = site.worker(0, { job: 'long', udpPort: 41_000 });
      await worker.resume(epoch);
      worker.kill();
      await expect.poll(async () => (await site.client.getJob('long')).state).toBe('waiting');
    }
    const copy = site.store.read();
    await running(site, 1);
    const next = await startOn(site, copy);
    await next.controller.ready('s1');
    const [member] = join(next);
    expect((await member!.resume(1)).epoch).toBe(10);
  });

  test('whose job was deleted after the copy was made', async () => {
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 2 });
    const copy = site.store.read();
    await running(site, 1);
    await site.client.deleteJob('train', { force: true });
    await site.controller.ready('s1');
    expect(epochs(site)).toEqual([]);
    const next = await startOn(site, copy);
    await next.controller.ready('s1');
    const [member] = join(next);
    expect((await member!.resume(1)).epoch).toBe(2);
  });

  test('whose workers are quicker than the switch: the epoch that they hear of first does not count', async () => {
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 2 });
    const copy = site.store.read();
    await raiseTo(site, 4);
    const { epoch } = await site.client.getJob('train');
    site.fake.stop();
    const next = await startOn(site, copy);
    const members = join(next);
    expect((await members[0]!.membership(1)).epoch).toBe(1);
    await next.fake.start();
    for (const member of members) expect((await member.resume(1)).epoch).toBe(epoch + 1);
    expect(new Set(epochs(next))).toEqual(new Set([BigInt(epoch + 1)]));
  });

  test('of a switch without a stamp, by its members', async () => {
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 2 });
    const copy = site.store.read();
    await raiseTo(site, 4);
    const { epoch } = await site.client.getJob('train');
    for (const [key, { match }] of site.fake.entries)
      if (match.length === 3 && match[2]!.exact!.value.join() === '1,255') site.fake.entries.delete(key);
    const next = await startOn(site, copy);
    await next.controller.ready('s1');
    const [member] = join(next);
    expect((await member!.resume(1)).epoch).toBe(epoch + 1);
  });

  test('a copy that is put back twice is recognised twice', async () => {
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 2 });
    const copy = site.store.read();
    await running(site, 1);
    const second = await startOn(site, copy);
    await second.controller.ready('s1');
    await running(second, 2);
    const third = await startOn(second, copy);
    await third.controller.ready('s1');
    const [member] = join(third);
    expect((await member!.resume(1)).epoch).toBe(3);
  });
});

describe('a switch that is older than the store', () => {
  test('after its connection was lost: the jobs there begin a new epoch', async () => {
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 2 });
    const first = await running(site, 1);
    const old = structuredClone(site.fake.entries);
    const members = await raiseTo(site, 3, first);
    const { epoch } = await site.client.getJob('train');
    site.fake.stop();
    site.fake.entries.clear();
    for (const [key, entry] of old) site.fake.entries.set(key, entry);
    await site.fake.start();
    expect(await members[0]!.membership(epoch + 1)).toMatchObject({ reason: 'the switch restarted' });
    for (const member of members) await member.resume(epoch + 1);
  });

  test('without a lost connection: the next look finds it', async () => {
    const site = await startSite({ timing: { pollMs: 50 } });
    await site.client.createJob({ name: 'train', workers: 2 });
    const first = await running(site, 1);
    const old = structuredClone(site.fake.entries);
    const members = await raiseTo(site, 3, first);
    const { epoch } = await site.client.getJob('train');
    site.fake.entries.clear();
    for (const [key, entry] of old) site.fake.entries.set(key, entry);
    expect(await members[0]!.membership(epoch + 1)).toMatchObject({ reason: 'the switch restarted' });
    for (const member of members) await member.resume(epoch + 1);
  });

  test('a restart of the controller alone is not one: members keep their epoch until they are back', async () => {
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 2 });
    await raiseTo(site, 3);
    const before = epochs(site);
    const next = await startOn(site, site.store.read());
    await next.controller.ready('s1');
    expect(epochs(next)).toEqual(before);
  });
});
