/** What workers announce, and who is told what while a job waits for them. */
import { describe, expect, test } from 'vitest';
import type { AnnouncementMessage } from '../../controlplane/messages.js';
import { submission } from '../../protocol/submission.js';
import type { FakeWorker } from './fake-worker.helpers.js';
import { startSite, type Site } from './site.helpers.js';

function announcement(tensors: Record<string, number[]>, source: string, format = 'fp32'): AnnouncementMessage {
  const list = Object.entries(tensors).map(([name, shape]) => ({ name, shape }));
  return { submission: submission('sum', format, list), source };
}

function attendance(worker: FakeWorker, until: (attendance: { expected: readonly number[]; note: string }) => boolean) {
  return worker.until((all) =>
    all.flatMap((message) => ('attendance' in message ? [message.attendance] : [])).find(until),
  );
}

async function waiting(workers: number): Promise<Site> {
  const site = await startSite();
  await site.client.createJob({ name: 'train', workers });
  return site;
}

describe('a job that waits for workers', () => {
  test('tells those who are here whom it waits for, as they come and go', async () => {
    const site = await waiting(4);
    const first = site.worker(0);
    expect(await attendance(first, () => true)).toEqual({ ranks: [0], expected: [1, 2, 3], note: '' });
    const second = site.worker(2);
    expect(await attendance(first, ({ expected }) => expected.length === 2)).toEqual({
      ranks: [0, 2],
      expected: [1, 3],
      note: '',
    });
    expect(await attendance(second, () => true)).toMatchObject({ expected: [1, 3] });
    first.received.length = 0;
    second.kill();
    expect(await attendance(first, () => true)).toMatchObject({ ranks: [0], expected: [1, 2, 3] });
  });

  test('refuses tensors that do not fit those of the others, tells them, and takes the rank when they do', async () => {
    const site = await waiting(2);
    const first = site.worker(0, { announcements: [announcement({ bias: [3] }, 'a.npy')] });
    await first.welcome();
    const wrong = site.worker(1, { announcements: [announcement({ bias: [4] }, 'b.npy')] });
    const text = 'tensor "bias" has shape [4] at rank 1 (b.npy) and [3] at rank 0 (a.npy)';
    const refusal = await wrong.error();
    expect(refusal.details).toBe(text);
    expect(refusal.metadata.get('fpisa-code')).toEqual(['FPISA_TENSORS_DIFFER']);
    expect(await attendance(first, ({ note }) => note !== '')).toEqual({
      ranks: [0],
      expected: [1],
      note: `rank 1 was refused: ${text}`,
    });
    const right = site.worker(1, { announcements: [announcement({ bias: [3] }, 'c.npy')] });
    await right.resume(1);
    await first.resume(1);
  });

  test('refuses elements of another format than the job has, even of the first worker', async () => {
    const site = await waiting(2);
    const worker = site.worker(0, { announcements: [announcement({ w: [3] }, 'w.npy', 'int32')] });
    expect((await worker.error()).details).toBe('rank 0 (w.npy) has tensor "w" of int32, but job "train" is of fp32');
  });

  test('refuses another number of operations, and names the operation that differs', async () => {
    const site = await waiting(2);
    const [a, b] = [announcement({ a: [3] }, ''), announcement({ b: [3] }, '')];
    await site.worker(0, { announcements: [a, b] }).welcome();
    expect((await site.worker(1, { announcements: [a] }).error()).details).toBe(
      'rank 1 will reduce 1 operation, rank 0 2 operations',
    );
    expect((await site.worker(1, { announcements: [a, a] }).error()).details).toBe(
      'in operation 2, rank 1 has tensor "a", rank 0 has none of that name',
    );
    await site.worker(1).resume(1);
  });

  test('does not compare once it runs: the operations of those who are there may be over', async () => {
    const site = await waiting(2);
    const announcements = [announcement({ bias: [3] }, '')];
    const first = site.worker(0, { announcements });
    const second = site.worker(1, { announcements });
    await second.resume(1);
    second.kill();
    await first.missing();
    await site.worker(1, { announcements: [announcement({ bias: [4] }, '')] }).welcome();
  });
});

test('of an operation whose tensors differ, the other side is passed on to all others, once', async () => {
  const site = await waiting(3);
  const members = [0, 1, 2].map((rank) => site.worker(rank));
  for (const member of members) await member.resume(1);
  const { submission: own } = announcement({ a: [1] }, '');
  const { submission: other } = announcement({ b: [1] }, '');
  members[1]!.send({
    failed: { operation: 1, code: 'FPISA_SHAPE_MISMATCH', message: '', shape: '', submission: own! },
  });
  await members[0]!.aborted();
  members[0]!.send({ submitted: { operation: 1, submission: other! } });
  members[0]!.send({ submitted: { operation: 1, submission: other! } });
  for (const rank of [1, 2]) {
    await members[rank]!.resume(2);
    const passed = members[rank]!.received.flatMap((message) => ('submitted' in message ? [message.submitted] : []));
    expect(passed).toEqual([{ operation: 1, submission: other, rank: 0 }]);
  }
});
