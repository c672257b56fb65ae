import { describe, expect, test } from 'vitest';
import type { TableEntry } from '../../p4runtime/messages.js';
import type { ControllerState } from '../../controlplane/controller/state.js';
import { MemoryStore } from '../../controlplane/controller/store.js';
import { onEnd, startSite, startSwitch, type Site } from './site.helpers.js';
import { isStamp, type FakeSwitch } from './fake-switch.helpers.js';
import type { FakeWorker } from './fake-worker.helpers.js';

async function running(
  workers: number,
  timing: Parameters<typeof startSite>[0] = {},
  elastic = true,
): Promise<{ site: Site; members: FakeWorker[] }> {
  const site = await startSite(timing);
  await site.client.createJob({ name: 'train', workers, elastic });
  const members = Array.from({ length: workers }, (_, rank) => site.worker(rank));
  for (const member of members) await member.resume(1);
  return { site, members };
}

/** Everything that writes left on the switch, for comparison; the stamp's generation is random. */
function contents(fake: FakeSwitch): unknown {
  const entries = [...fake.entries].filter(([, entry]) => !isStamp(entry)).sort();
  return structuredClone({ entries, groups: [...fake.groups].sort() });
}

function updatesSince({ fake }: Site, from: number): string[] {
  return fake.updates.slice(from).map(({ type, entity }) => `${type} ${Object.keys(entity!).join()}`);
}

describe('reconcile', () => {
  test('writes nothing when the switch is right', async () => {
    const { site } = await running(3);
    const before = contents(site.fake);
    const from = site.fake.updates.length;
    await site.controller.ready('s1');
    expect(updatesSince(site, from)).toEqual([]);
    expect(contents(site.fake)).toEqual(before);
  });

  test('repairs what another hand changed, and touches nothing else', async () => {
    const { site } = await running(2);
    const before = contents(site.fake);
    const [[key, member]] = [...site.fake.entries].filter(([, { match }]) => match.length === 5) as [
      [string, TableEntry],
    ];
    const foreign = structuredClone(member);
    foreign.match[4]!.exact!.value = Uint8Array.of(30);
    site.fake.put(foreign);
    site.fake.entries.delete(key);
    const changed = structuredClone([...site.fake.entries.values()].find(({ match }) => match.length === 3)!);
    changed.action!.action!.params[2]!.value = Uint8Array.of(9);
    site.fake.put(changed);
    site.fake.groups.get(1)!.replicas.pop();
    site.fake.groups.set(77, { multicastGroupId: 77, replicas: [], metadata: new Uint8Array() });
    const from = site.fake.updates.length;
    await site.controller.ready('s1');
    expect(contents(site.fake)).toEqual(before);
    expect(updatesSince(site, from).sort()).toEqual([
      'DELETE packetReplicationEngineEntry',
      'DELETE tableEntry',
      'INSERT tableEntry',
      'MODIFY packetReplicationEngineEntry',
      'MODIFY tableEntry',
    ]);
  });

  test('a switch that fails at any update ends up the same', async () => {
    const whole = await running(3);
    const wanted = contents(whole.site.fake);
    // Break off at the nth update, whichever it is, and let the next run finish the work.
    for (let n = 1; n < 24; n += 3) {
      const fake = await startSwitch();
      let count = 0;
      fake.refuse = ({ entity }) => (entity?.counterEntry === undefined && ++count === n ? 'out of memory' : undefined);
      const { site } = await running(3, { fake });
      expect(contents(site.fake)).toEqual(wanted);
    }
  });

  test('members are the first to go and the last to come, each stage in a Write of its own', async () => {
    const { site, members } = await running(2);
    const kinds = (from: number): string[] =>
      site.fake.updates.slice(from).map(({ type, entity }) => {
        const kind =
          entity!.tableEntry === undefined ? 'group' : entity!.tableEntry.match.length === 5 ? 'member' : 'other';
        return `${type} ${kind}`;
      });
    const from = site.fake.updates.length;
    // The members' deletion fails at first: nothing else may be touched.
    let failing = true;
    site.fake.refuse = ({ type, entity }) =>
      failing && type === 'DELETE' && entity?.tableEntry?.match.length === 5 ? 'busy' : undefined;
    for (const member of members) member.kill();
    await expect.poll(() => kinds(from).length).toBeGreaterThanOrEqual(3);
    expect(new Set(kinds(from))).toEqual(new Set(['DELETE member']));
    failing = false;
    // The stamp tells of the epoch of the last one.
    await expect
      .poll(() => kinds(from).slice(-4))
      .toEqual(['DELETE group', 'DELETE other', 'DELETE other', 'MODIFY other']);
    const again = site.fake.updates.length;
    const back = [site.worker(0), site.worker(1)];
    for (const member of back) await member.resume(3);
    expect(kinds(again)).toEqual([
      ...['INSERT group', 'MODIFY other', 'INSERT other', 'INSERT other'],
      ...['INSERT member', 'INSERT member'],
    ]);
  });

  test('deleting a job takes its entries and group away', async () => {
    const { site } = await running(2);
    await expect(site.client.deleteJob('train')).rejects.toThrow(
      'job "train" has connected workers (ranks 0, 1); stop them, or force the deletion',
    );
    await site.client.deleteJob('train', { force: true });
    await site.controller.ready('s1');
    expect(site.fake.table('fpisa.member')).toEqual([]);
    // The stamp stays: the epochs of the job remain used up.
    expect(site.fake.table('fpisa.receiver')).toHaveLength(1);
    expect(site.fake.groups.size).toBe(0);
    expect(site.fake.table('fpisa.local')).toHaveLength(1);
  });

  test('routes are kept when there are any', async () => {
    const site = await startSite({
      config: {
        routes: [
          { prefix: '10.1.2.3/16', port: 2, mac: '02:00:00:00:00:22' },
          { prefix: '0.0.0.0/0', port: 1, mac: '02:00:00:00:00:11' },
        ],
      },
    });
    await site.controller.ready('s1');
    const routes = site.fake
      .table('fpisa.ipv4')
      .map(({ match }) => match.map(({ lpm }) => [...lpm!.value, lpm!.prefixLen]));
    expect(routes).toEqual([[[10, 1, 0, 0, 16]], []]);
    const from = site.fake.updates.length;
    await site.controller.ready('s1');
    expect(updatesSince(site, from)).toEqual([]);
  });
});

describe('switch', () => {
  test('that restarts gets pipeline and tables again, and every job on it a new epoch', async () => {
    const { site, members } = await running(2);
    site.fake.stop();
    site.fake.lose();
    await site.fake.start();
    expect(await members[0]!.membership(2)).toMatchObject({ epoch: 2, ranks: [0, 1], reason: 'the switch restarted' });
    for (const member of members) expect(await member.resume(2)).toMatchObject({ epoch: 2 });
    expect(site.fake.pushes).toBe(2);
    expect(site.fake.table('fpisa.member')).toHaveLength(2);
  });

  test('that was only out of reach keeps its epoch', async () => {
    const { site, members } = await running(2);
    site.fake.stop();
    await expect.poll(async () => (await site.client.getStatus()).switches[0]!.state).toBe('unreachable');
    await site.fake.start();
    await expect.poll(async () => (await site.client.getStatus()).switches[0]!.state).toBe('ready');
    expect(site.fake.pushes).toBe(1);
    expect(members[0]!.received.filter((message) => 'membership' in message)).toHaveLength(1);
  });

  test('that kept its pipeline but lost its tables raises the epoch', async () => {
    const { site, members } = await running(2);
    site.fake.stop();
    site.fake.entries.clear();
    await site.fake.start();
    expect((await members[1]!.membership(2)).reason).toBe('the switch restarted');
    await members[1]!.resume(2);
  });

  test('that is unreachable delays Resume, not Membership', async () => {
    const { site, members } = await running(3);
    site.fake.stop();
    members[2]!.kill();
    expect((await members[0]!.membership(2)).ranks).toEqual([0, 1]);
    expect(await site.client.getJob('train')).toMatchObject({ state: 'recovering', epoch: 2 });
    await site.fake.start();
    expect(await members[0]!.resume(2)).toMatchObject({ epoch: 2 });
  });

  test('that another store programmed is pushed afresh, because its registers hold foreign rounds', async () => {
    const first = await startSite();
    await first.controller.ready('s1');
    await first.stop();
    const second = await startSite({ fake: first.fake });
    await second.controller.ready('s1');
    expect(first.fake.pushes).toBe(2);
  });

  test('a second controller stays backup while the first one lives', async () => {
    const site = await startSite();
    await site.controller.ready('s1');
    const other = await startSite({ fake: site.fake });
    await expect
      .poll(async () => (await other.client.getStatus()).switches[0])
      .toMatchObject({
        state: 'backup',
        detail: expect.stringMatching(/^another controller is primary \(election id \d+\)$/) as string,
      });
    await expect(
      other.client.createJob({ name: 'a', workers: 1 }).then(() => other.client.probeJob('a')),
    ).rejects.toThrow(/switch "s1" at .* is backup: another controller/);
    expect((await site.client.getStatus()).switches[0]).toMatchObject({ state: 'ready' });
    await site.stop();
    await other.controller.ready('s1');
  });
});

describe('controller restart', () => {
  /** A controller that died: its successor finds the store as it was. */
  async function restart({ site }: { site: Site }, timing = {}): Promise<Site> {
    const state: ControllerState = site.store.read();
    const store = new MemoryStore();
    store.write(state);
    await site.stop();
    const next = await startSite({ fake: site.fake, store, timing });
    onEnd(() => next.stop());
    return next;
  }

  test('the switch keeps its tables, members come back, and the epoch is higher than any before', async () => {
    const before = await running(2);
    const table = contents(before.site.fake);
    const site = await restart(before);
    await site.controller.ready('s1');
    expect(site.fake.pushes).toBe(1);
    expect(contents(site.fake)).toEqual(table);
    expect(await site.client.getJob('train')).toMatchObject({
      state: 'recovering',
      epoch: 1,
      members: [{ connected: false }, { connected: false }],
    });
    const first = site.worker(0, { completed: 8 });
    first.standing = { completed: 8, received: 9 };
    await first.welcome();
    const second = site.worker(1, { completed: 9 });
    second.standing = { completed: 9, received: 9 };
    expect(await first.membership(2)).toMatchObject({ epoch: 2, ranks: [0, 1], reason: 'the controller restarted' });
    expect(await first.resume(2)).toEqual({ epoch: 2, completed: 9, packetValues: 0 });
    expect(await second.resume(2)).toEqual({ epoch: 2, completed: 9, packetValues: 0 });
  });

  test('members that do not come back in time are dropped', async () => {
    const before = await running(3);
    const site = await restart(before, { returnTimeoutMs: 3_000 });
    const back = [site.worker(0), site.worker(2)];
    expect(await back[0]!.membership(2)).toMatchObject({
      epoch: 2,
      ranks: [0, 2],
      reason: 'the controller restarted, and not all members returned',
    });
    for (const member of back) await member.resume(2);
  });

  test('when none comes back the job waits', async () => {
    const before = await running(2);
    const site = await restart(before, { returnTimeoutMs: 20 });
    await expect.poll(async () => (await site.client.getJob('train')).state).toBe('waiting');
    await site.controller.ready('s1');
    expect(site.fake.table('fpisa.member')).toEqual([]);
  });

  test('a process at the address of a member that has ended is not taken for it', async () => {
    const before = await running(2, {}, false);
    const site = await restart(before);
    // All results of operation 8 are here but that of the commit; the other worker had that, and delivered the sum.
    const first = site.worker(0, { process: before.members[0]!.process });
    first.standing = { completed: 7, received: 8 };
    const second = site.worker(1);
    expect(await second.resume(2)).toEqual({ epoch: 2, completed: 8, packetValues: 0 });
    expect(await first.resume(2)).toEqual({ epoch: 2, completed: 8, packetValues: 0 });
  });

  test('an elastic job goes on without members that do not come back, one that needs all does not', async () => {
    const before = await running(2, {}, false);
    const site = await restart(before, { returnTimeoutMs: 2_000 });
    const back = site.worker(0, { process: before.members[0]!.process });
    back.standing = { completed: 4, received: 5 };
    expect(await back.membersLost()).toEqual({ completed: 5, ranks: [{ rank: 1, left: false }], waitedMs: 2_000 });
    expect(back.received.some((message) => 'resume' in message)).toBe(false);
  });

  test('a failed operation stays used up when the controller dies before Resume', async () => {
    const before = await running(2);
    before.members[1]!.standing = undefined;
    before.members[0]!.fail(1, 'shapes differ');
    await before.members[1]!.aborted();
    const site = await restart(before);
    const members = before.members.map(({ process }, rank) => site.worker(rank, { process }));
    // A worker that has given an operation up does not use its number again.
    members[0]!.standing = { completed: 1, received: 1 };
    for (const member of members) expect(await member.resume(2)).toMatchObject({ completed: 1 });
  });

  test('jobs keep number, slots and profile, and new ones get others', async () => {
    const before = await running(2);
    const job = await before.site.client.getJob('train');
    const site = await restart(before);
    expect(await site.client.getJob('train')).toMatchObject({
      number: job.number,
      slotBase: job.slotBase,
      slots: job.slots,
      profile: job.profile,
    });
    expect(await site.client.createJob({ name: 'other', workers: 1 })).toMatchObject({
      number: 1,
      multicastGroup: 2,
      slotBase: 64,
    });
  });
});

describe('a store that cannot be written', () => {
  class FullStore extends MemoryStore {
    full = false;
    override write(state: ControllerState): void {
      if (this.full) throw new Error('ENOSPC: no space left on device');
      super.write(state);
    }
  }

  test('stops the controller before anybody hears of what is not stored', async () => {
    const store = new FullStore();
    const failures: Error[] = [];
    const { site, members } = await running(2, { store, onFailure: (error) => failures.push(error) });
    store.full = true;
    members[1]!.kill();
    expect((await members[0]!.error()).details).toBe('the controller stopped; workers reconnect to its successor');
    expect(failures.map(({ message }) => message)).toEqual([
      'the store memory cannot be written: ENOSPC: no space left on device',
    ]);
    expect(members[0]!.received.filter((message) => 'membership' in message)).toHaveLength(1);
    expect(site.store.read().jobs['train']!.epoch).toBe(1);
  });

  test('is said to who asked for the change', async () => {
    const store = new FullStore();
    const site = await startSite({ store, onFailure: () => undefined });
    await site.controller.ready('s1');
    store.full = true;
    await expect(site.client.createJob({ name: 'a', workers: 1 })).rejects.toThrow(
      'the store memory cannot be written: ENOSPC',
    );
  });
});
