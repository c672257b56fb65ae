/** Processes that get SIGKILL in the middle of a long reduction. */
import { describe, expect, it } from 'vitest';
import { readTensorFile, writeNpy } from '../../host/index.js';
import { expectSameBits, marked, markedSum } from '../e2e/support/data.js';
import { onlyJson, withoutNotices, type Command } from './support/command.js';
import { Site } from './support/site.js';

const WORKERS = 3;
/** What a compiled switch is not done with before something is killed; loss makes it last, too. */
const LENGTH = 600_000;
const FAULTS = ['--loss', '0.05'];

interface Underway {
  readonly site: Site;
  readonly workers: Command[];
}

/** Resolves when all workers are well into their work. */
async function underway(...options: string[]): Promise<Underway> {
  const site = await Site.start({ ports: WORKERS, values: 64, faults: FAULTS });
  const created = await site.run('job', 'create', 'training', '--workers', String(WORKERS), ...options);
  expect(created).toMatchObject({ code: 0 });
  const workers: Command[] = [];
  for (let rank = 0; rank < WORKERS; rank++) {
    const data = marked(rank, LENGTH);
    await writeNpy(site.file(`in-${rank}.npy`), { tensors: new Map([['x', { shape: [LENGTH], data }]]), metadata: {} });
    workers.push(site.worker('training', rank, site.file(`in-${rank}.npy`), site.file(`out-${rank}.npy`)));
  }
  await Promise.all(
    workers.map((worker) => worker.line(({ event, share }) => event === 'progress' && (share as number) > 0.02)),
  );
  return { site, workers };
}

/** What a worker that ended well has written. */
async function result(site: Site, rank: number): Promise<Float32Array> {
  const { tensors } = await readTensorFile(site.file(`out-${rank}.npy`));
  return [...tensors.values()][0]!.data as Float32Array;
}

async function epoch(site: Site): Promise<number> {
  return onlyJson<{ epoch: number }>(await site.run('job', 'show', 'training', '--json')).epoch;
}

describe('SIGKILL', () => {
  it('of a worker that the job needs: the others fail, name it, and leave no result', async () => {
    const { site, workers } = await underway();
    workers[1]!.kill('SIGKILL');
    const ends = await Promise.all([0, 2].map((rank) => workers[rank]!.ended));
    for (const { code, stdout } of ends) {
      expect(code).toBe(6);
      expect(stdout.trim().split('\n').at(-1)).toMatch(/"FPISA_MEMBERS_LOST".*rank 1 was lost/);
    }
    for (const rank of [0, 1, 2]) await expect(result(site, rank)).rejects.toThrow(/there is no such file/);
  });

  it('of a worker of an elastic job: the others finish with the sum over themselves, and say so, or over all; never with a mixture', async () => {
    const { site, workers } = await underway('--elastic');
    workers[1]!.kill('SIGKILL');
    const ends = await Promise.all([0, 2].map((rank) => workers[rank]!.ended));
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    const sums = await Promise.all([0, 2].map((rank) => result(site, rank)));
    const members = sums[0]![0] === markedSum([0, 1, 2], 1)[0] ? [0, 1, 2] : [0, 2];
    const said = members.length === 3 ? '' : 'fpisa: summed over 2 of 3 workers (rank 1 was lost)\n';
    for (const { stderr } of ends) expect(withoutNotices(stderr)).toBe(said);
    for (const sum of sums) expectSameBits(sum, markedSum(members, LENGTH));
    await expect(result(site, 1)).rejects.toThrow(/there is no such file/);
  });

  it('of the controller, and a new one on the same store: the sums are those of all', async () => {
    const { site, workers } = await underway();
    const before = await epoch(site);
    await site.restartController();
    const ends = await Promise.all(workers.map((worker) => worker.ended));
    expect(ends.map(({ code, stderr }) => ({ code, stderr: withoutNotices(stderr) }))).toEqual(
      ends.map(() => ({ code: 0, stderr: '' })),
    );
    for (const rank of workers.keys()) expectSameBits(await result(site, rank), markedSum([0, 1, 2], LENGTH));
    expect(await epoch(site)).toBeGreaterThanOrEqual(before);
  });

  it('of the switch, and a new one at the same addresses: the operation is repeated', async () => {
    const { site, workers } = await underway();
    const before = await epoch(site);
    await site.restartSwitch();
    const ends = await Promise.all(workers.map((worker) => worker.ended));
    expect(ends.map(({ code, stderr }) => ({ code, stderr: withoutNotices(stderr) }))).toEqual(
      ends.map(() => ({ code: 0, stderr: '' })),
    );
    for (const rank of workers.keys()) expectSameBits(await result(site, rank), markedSum([0, 1, 2], LENGTH));
    expect(await epoch(site)).toBeGreaterThan(before);
  });
});
