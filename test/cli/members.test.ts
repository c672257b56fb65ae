/** `fpisa allreduce` when another worker of its job is killed. */
import { beforeAll, expect, it } from 'vitest';
import { readTensorFile, writeTensorFile, type Tensor } from '../../host/index.js';
import { expectSameBits, marked, markedSum } from '../e2e/support/data.js';
import { onlyJson, type Command } from './support/command.js';
import { Site } from './support/site.js';

/** So many that a worker can be killed before they are summed. */
const LENGTH = 300_000;
const RETURN_SECONDS = 4;

let site: Site;
beforeAll(async () => {
  site = await Site.start({ ports: 3, controller: ['--return-timeout', String(RETURN_SECONDS)] });
});

async function inputOf(rank: number): Promise<string> {
  const path = site.file(`in-${rank}.npy`);
  await writeTensorFile(path, {
    tensors: new Map([['x', { shape: [LENGTH], data: marked(rank, LENGTH) }]]),
    metadata: {},
  });
  return path;
}

async function sumIn(path: string): Promise<Tensor> {
  return [...(await readTensorFile(path)).tensors.values()][0]!.data;
}

const out = (job: string, rank: number): string => site.file(`${job}-${rank}.npy`);

async function start(job: string, rank: number): Promise<Command> {
  return site.worker(job, rank, await inputOf(rank), out(job, rank));
}

async function killDuringTheSum(worker: Command): Promise<void> {
  await worker.line(({ event, share }) => event === 'progress' && Number(share) > 0);
  worker.kill('SIGKILL');
  await worker.ended;
}

it('fails and names it, with exit code 6: a sum of the others is not what was asked for', async () => {
  expect(await site.run('job', 'create', 'whole', '--workers', '2')).toMatchObject({ code: 0 });
  const [survivor, victim] = await Promise.all([start('whole', 0), start('whole', 1)]);
  await killDuringTheSum(victim);
  const { code, stdout, stderr } = await survivor.ended;
  expect(code).toBe(6);
  expect(stderr).toMatch(/^fpisa: rank 1 was lost; waiting up to \d s for the return\n/);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event?: string });
  expect(lines.find(({ event }) => event === 'missing')).toMatchObject({ ranks: [{ rank: 1, left: false }] });
  expect(lines.at(-1)).toMatchObject({
    ok: false,
    error: {
      code: 'FPISA_MEMBERS_LOST',
      message: expect.stringContaining(
        `rank 1 was lost and did not return within ${RETURN_SECONDS} s, but an operation of job 'whole' needs all of its 2 workers`,
      ) as string,
    },
  });
  await expect(sumIn(out('whole', 0))).rejects.toThrow(/there is no such file/);
});

it('goes on in an elastic job, and says so wherever a result is', async () => {
  const created = await site.run('job', 'create', 'elastic', '--workers', '3', '--elastic', '--min-workers', '2');
  expect(created.stdout).toContain('3 workers (elastic: at least 2)');
  const input = await inputOf(2);
  const [json, victim] = await Promise.all([start('elastic', 0), start('elastic', 1)]);
  const text = site.run('allreduce', '--job', 'elastic', '--rank', '2', '--in', input, '--out', out('elastic', 2));
  await killDuringTheSum(victim);
  const sentence = 'summed over 2 of 3 workers (rank 1 was lost)';

  const ended = await json.ended;
  expect(ended).toMatchObject({ code: 0, stderr: `fpisa: ${sentence}\n` });
  const lines = ended.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string });
  expect(lines.find(({ event }) => event === 'partial')).toEqual({
    event: 'partial',
    operation: 1,
    workers: 2,
    jobWorkers: 3,
    missing: [{ rank: 1, left: false }],
    message: sentence,
  });
  expect(lines.at(-1)).toMatchObject({ event: 'done', ok: true, partial: sentence, tensors: [{ partial: sentence }] });

  const other = await text;
  expect(other).toMatchObject({ code: 0, stderr: `fpisa: ${sentence}\n` });
  expect(other.stdout).toContain(`retransmitted, ${sentence}\n`);
  for (const rank of [0, 2]) expectSameBits(await sumIn(out('elastic', rank)), markedSum([0, 2], LENGTH));
});

it('a minimum without --elastic is refused', async () => {
  const ended = await site.run('job', 'create', 'other', '--workers', '2', '--min-workers', '1', '--json');
  expect(ended.code).toBe(2);
  expect(onlyJson(ended)).toMatchObject({ ok: false, error: { code: 'FPISA_USAGE' } });
});
