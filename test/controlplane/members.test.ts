/** Members that are lost, that are not who they seem, and that report what cannot be. */
import { status } from '@grpc/grpc-js';
import { expect, test, describe } from 'vitest';
import { FakeWorker } from './fake-worker.helpers.js';
import { startSite, type Site } from './site.helpers.js';

async function running(
  workers: number,
  job: { elastic?: boolean; minWorkers?: number } = {},
  returnTimeoutMs = 2_000,
): Promise<{ site: Site; members: FakeWorker[] }> {
  const site = await startSite({ timing: { returnTimeoutMs } });
  await site.client.createJob({ name: 'train', workers, ...job });
  const members = Array.from({ length: workers }, (_, rank) => site.worker(rank));
  for (const member of members) await member.resume(1);
  return { site, members };
}

/** Without what is only told to whoever waits. */
const kinds = ({ received }: FakeWorker): string[] =>
  received.flatMap((message) => Object.keys(message)).filter((kind) => kind !== 'attendance');
const FOREVER_MS = 1_000_000;

describe('a job that needs all of its workers', () => {
  test.each([
    ['is killed', false],
    ['leaves', true],
  ])('a worker %s: the others are told what is complete and who is missing', async (_, left) => {
    const { site, members } = await running(3);
    members[0]!.standing = { completed: 4, received: 5 };
    members[2]!.standing = { completed: 5, received: 5 };
    if (left) members[1]!.leave();
    else members[1]!.kill();
    const ranks = [{ rank: 1, left }];
    const told = await members[0]!.missing();
    expect(told.ranks).toEqual(ranks);
    expect(told.waitMs).toBeGreaterThan(0);
    expect(told.waitMs).toBeLessThanOrEqual(2_000);
    expect((await site.client.getJob('train')).state).toBe('recovering');
    for (const member of [members[0]!, members[2]!]) {
      expect(await member.membersLost()).toEqual({ completed: 5, ranks, waitedMs: 2_000 });
      // No epoch of the two ever ran.
      expect(kinds(member)).toEqual(['welcome', 'membership', 'resume', 'missing', 'membership', 'membersLost']);
    }
    await expect.poll(async () => (await site.client.getJob('train')).state).toBe('waiting');
    await expect.poll(() => site.fake.table('fpisa.member')).toEqual([]);
    const again = [0, 1, 2].map((rank) => site.worker(rank));
    for (const member of again) expect((await member.resume(3)).completed).toBe(0);
  });

  test('the epoch stays as it is while the others wait, and the next one has all', async () => {
    const { site, members } = await running(3, {}, FOREVER_MS);
    const table = site.fake.table('fpisa.member');
    members[1]!.kill();
    await members[0]!.missing();
    await site.controller.ready('s1');
    expect(site.fake.table('fpisa.member')).toEqual(table);
    members[2]!.kill();
    await expect.poll(() => kinds(members[0]!).filter((kind) => kind === 'missing')).toHaveLength(2);
    const back = [1, 2].map((rank) => site.worker(rank));
    expect(await members[0]!.membership(2)).toMatchObject({ epoch: 2, ranks: [0, 1, 2], missing: [] });
    for (const member of [members[0]!, ...back]) await member.resume(2);
    expect((await site.client.getJob('train')).state).toBe('running');
  });

  test('a member that fails an operation while another is missing tells the others at once', async () => {
    const { members } = await running(3, {}, FOREVER_MS);
    members[1]!.kill();
    await members[0]!.missing();
    members[2]!.fail(1, 'interrupted');
    expect(await members[0]!.aborted()).toMatchObject({ operation: 1, message: 'interrupted' });
  });

  test('when everybody leaves, the job waits for its workers at once', async () => {
    const { site, members } = await running(2, {}, FOREVER_MS);
    for (const member of members) member.leave();
    await expect.poll(async () => (await site.client.getJob('train')).state).toBe('waiting');
  });
});

describe('an elastic job', () => {
  test('goes on with those who are left, and says who is not', async () => {
    const { members } = await running(3, { elastic: true });
    members[1]!.kill();
    expect(await members[0]!.membership(2)).toMatchObject({ ranks: [0, 2], missing: [{ rank: 1, left: false }] });
    await members[0]!.resume(2);
    members[2]!.leave();
    expect(await members[0]!.membership(3)).toMatchObject({
      ranks: [0],
      missing: [
        { rank: 1, left: false },
        { rank: 2, left: true },
      ],
    });
    await members[0]!.resume(3);
  });

  test('does not go on with fewer than its minimum', async () => {
    const { site, members } = await running(3, { elastic: true, minWorkers: 2 });
    expect(await site.client.getJob('train')).toMatchObject({ workers: 3, minWorkers: 2 });
    members[1]!.kill();
    await members[0]!.resume(2);
    members[2]!.kill();
    expect((await members[0]!.membersLost()).ranks.map(({ rank }) => rank)).toEqual([1, 2]);
  });

  test.each([
    [{ elastic: true, minWorkers: 4 }, 'an elastic job of 3 workers has a minimum of 1 to 3, not 4'],
    [
      { minWorkers: 2 },
      'only an elastic job can go on with 2 of its 3 workers: add --elastic, or leave out the minimum',
    ],
  ])('a minimum that cannot be: %o', async (job, message) => {
    const site = await startSite();
    await expect(site.client.createJob({ name: 'train', workers: 3, ...job })).rejects.toThrow(message);
  });
});

describe('a process', () => {
  test('at the same address as another one, whose connection still stands, is not taken for it', async () => {
    const { site, members } = await running(2, {}, FOREVER_MS);
    // Worker 0 has all results of operation 8; worker 1 had, too, and may have completed it.
    members[0]!.standing = { completed: 7, received: 8 };
    members[1]!.send({ progress: { epoch: 1, completed: 7, received: 8 } });
    const successor = site.worker(1);
    expect(await successor.resume(2)).toEqual({ epoch: 2, completed: 8, packetValues: 0 });
    expect((await members[1]!.error()).details).toBe('worker 1 connected again');
  });

  test('without an identity is refused', async () => {
    const site = await startSite();
    await site.client.createJob({ name: 'train', workers: 1 });
    const error = await site.worker(0, { process: '' }).error();
    expect(error.metadata.get('fpisa-code')).toEqual(['FPISA_SESSION_PROTOCOL']);
    expect(error.details).toBe(
      'Hello of worker 0 has no identity of its process (32 hexadecimal digits): use one version of fpisa everywhere',
    );
  });
});

describe('a report that cannot be true ends the membership of who sent it, and of nobody else', () => {
  const cases: [string, { completed: number; received: number; epoch?: number }, string][] = [
    ['an operation that cannot have been reached', { completed: 100_000_000, received: 100_000_000 }, 'contradict'],
    ['the last number there is', { completed: 2 ** 32 - 1, received: 2 ** 32 - 1 }, 'has only begun after operation 0'],
    ['more received than there is', { completed: 0, received: 5 }, 'receives only the operation after'],
    ['more completed than received', { completed: 1, received: 0 }, 'receives only the operation after'],
    ['an epoch that is to come', { completed: 0, received: 0, epoch: 77 }, 'the last epoch that was announced is'],
  ];
  test.each(cases)('%s', async (_, lie, message) => {
    const { site, members } = await running(3, { elastic: true });
    // Long enough for 10^8 to be possible, as far as time goes.
    if (message === 'contradict') members[1]!.standing = lie;
    else members[1]!.send({ progress: { epoch: 1, ...lie } });
    if (message === 'contradict') members[0]!.fail(1, 'new epoch');
    const error = await members[1]!.error();
    expect(error.metadata.get('fpisa-code')).toEqual(['FPISA_SESSION_PROTOCOL']);
    expect(error.details).toMatch(message === 'contradict' ? /contradict|has only begun/ : message);
    for (const member of [members[0]!, members[2]!])
      expect((await member.resume(message === 'contradict' ? 3 : 2)).completed).toBeLessThanOrEqual(1);
    // Its numbers are not used up.
    const again = site.worker(1);
    expect((await again.resume(3)).completed).toBeLessThanOrEqual(1);
  });

  test.each([2, 1_000_000, 2 ** 32 - 1])('failure of operation %d, when 0 are complete', async (operation) => {
    const { members } = await running(3, { elastic: true });
    members[1]!.fail(operation, 'mine');
    expect((await members[1]!.error()).details).toBe('the reports of worker 1 contradict those of the others');
    for (const member of [members[0]!, members[2]!]) expect(await member.resume(2)).toMatchObject({ completed: 0 });
    members[0]!.fail(1, 'true');
    expect(await members[2]!.resume(4)).toMatchObject({ completed: 1 });
  });
});

test('a Join call without Hello ends', async () => {
  const site = await startSite({ helloTimeoutMs: 200 });
  await site.client.createJob({ name: 'train', workers: 1 });
  const mute = new FakeWorker(site.port, undefined);
  const error = await mute.error();
  expect([error.code, error.details]).toEqual([
    status.FAILED_PRECONDITION,
    'no Hello arrived on a Join stream within 200 ms',
  ]);
  // One that did say Hello stays.
  const worker = site.worker(0);
  await worker.resume(1);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect((await site.client.getJob('train')).state).toBe('running');
});
