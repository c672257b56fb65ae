/** `fpisa allreduce` where koffi does not load, and where the switch dies. */
import { expect, it } from 'vitest';
import { readTensorFile, writeNpy } from '../../host/index.js';
import { LibcMissing, loadLibc } from '../../net/linux/libc.js';
import { expectSameBits, marked, markedSum } from '../e2e/support/data.js';
import { Command, onlyJson, withoutNotices, type CommandOptions } from './support/command.js';
import { Site } from './support/site.js';

const LENGTH = 50_000;

/** Lets node find every package but koffi. */
const hook =
  'export async function resolve(s, c, n) { if (s === "koffi") throw new Error("no koffi here"); return n(s, c); }';
const registration = `import { register } from 'node:module'; register('data:text/javascript,${encodeURIComponent(hook)}');`;
const WITHOUT_KOFFI: CommandOptions = {
  env: { NODE_OPTIONS: `--import="data:text/javascript,${encodeURIComponent(registration)}"` },
};

async function input(site: Site, rank: number, length: number): Promise<string> {
  const path = site.file(`in-${rank}.npy`);
  await writeNpy(path, {
    tensors: new Map([['x', { shape: [length], data: marked(rank, length) }]]),
    metadata: {},
  });
  return path;
}

it('a worker without koffi uses node:dgram, says so, and adds up with one that sends in batches', async () => {
  const site = await Site.start({ ports: 2 });
  expect(await site.run('job', 'create', 'training', '--workers', '2')).toMatchObject({ code: 0 });
  const ends = await Promise.all(
    [WITHOUT_KOFFI, {}].map(async (options, rank) => {
      const place = ['--controller', site.address, '--job', 'training', '--rank', String(rank)];
      const files = ['--in', await input(site, rank, LENGTH), '--out', site.file(`out-${rank}.npy`)];
      return await new Command(['allreduce', '--json', ...place, ...files], options).ended;
    }),
  );
  const transports = ends.map((ended) => onlyJson<{ transport: string }>(ended).transport);
  expect(transports[0]).toBe(
    'node:dgram (sending in batches needs the package koffi, which does not load (no koffi here); install it with "npm install koffi")',
  );
  if (!((await loadLibc()) instanceof LibcMissing)) expect(transports[1]).toMatch(/^batches/);
  for (const rank of [0, 1]) {
    const { tensors } = await readTensorFile(site.file(`out-${rank}.npy`));
    expectSameBits([...tensors.values()][0]!.data as Float32Array, markedSum([0, 1], LENGTH));
  }
  const { transport, findings } = onlyJson<{ transport: string; findings: { level: string; finding: string }[] }>(
    await new Command(['doctor', '--json', '--controller', site.address], WITHOUT_KOFFI).ended,
  );
  expect(transport).toBe(transports[0]);
  expect(findings).toContainEqual(
    expect.objectContaining({ level: 'note', finding: `packets of workers here go by ${transport}` }),
  );
});

it('a switch that is killed in the middle of a batch: each worker ends with one sentence', async () => {
  // Loss makes the operation last until the switch is gone.
  const site = await Site.start({ ports: 2, values: 64, faults: ['--loss', '0.05'] });
  expect(await site.run('job', 'create', 'training', '--workers', '2')).toMatchObject({ code: 0 });
  const workers = await Promise.all(
    [0, 1].map(async (rank) =>
      site.worker('training', rank, await input(site, rank, 600_000), site.file(`out-${rank}.npy`), '--timeout', '2'),
    ),
  );
  await Promise.all(
    workers.map((worker) => worker.line(({ event, share }) => event === 'progress' && (share as number) > 0.02)),
  );
  site.device.kill('SIGKILL');
  const messages: string[] = [];
  for (const { code, stdout, stderr } of await Promise.all(workers.map((worker) => worker.ended))) {
    const { error } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { error: { code: string; message: string } };
    expect({ code, error: error.code, stderr: withoutNotices(stderr) }).toEqual({
      code: 6,
      error: expect.stringMatching(/^FPISA_(STALLED|ABORTED|MEMBERSHIP)$/) as string,
      stderr: expect.any(String) as string,
    });
    expect(error.message).not.toContain('\n');
    messages.push(error.message);
  }
  expect(messages.join('\n')).toMatch(/the socket reported \d+ times ECONNREFUSED/);
});
