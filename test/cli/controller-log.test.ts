/** What `fpisa controller` logs of a job's life, for people and for programs. */
import { expect, it } from 'vitest';
import { writeTensorFile } from '../../host/index.js';
import { expectFailure, fpisa, type Line } from './support/command.js';
import { Site } from './support/site.js';

async function siteWithInput(controller: readonly string[]): Promise<Site> {
  const site = await Site.start({ ports: 2, controller });
  await site.run('job', 'create', 'j', '--workers', '2');
  await writeTensorFile(site.file('x.npy'), {
    tensors: new Map([['x', { shape: [64], data: new Float32Array(64).fill(1) }]]),
    metadata: {},
  });
  return site;
}

/** Rank 0 begins, is killed, and comes back; then both reduce. */
async function joinLoseReduce(site: Site): Promise<void> {
  const input = site.file('x.npy');
  const first = site.worker('j', 0, input, site.file('0.npy'));
  await first.line(({ event }) => event === 'joined');
  first.kill('SIGKILL');
  await first.ended;
  const pair = [0, 1].map((rank) => site.worker('j', rank, input, site.file(`${rank}.npy`)));
  for (const { ended } of pair) expect((await ended).code).toBe(0);
  site.keeper.kill('SIGTERM');
  await site.keeper.ended;
}

it('as text: one line an event, each beginning with time and level', async () => {
  const site = await siteWithInput([]);
  await joinLoseReduce(site);
  const lines = site.keeper.stderr.trimEnd().split('\n');
  for (const line of lines) expect(line).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] (INFO|WARN|ERROR): \S/);
  const text = lines.join('\n');
  expect(text).toMatch(/INFO: .*worker 0 joined/);
  expect(text).toMatch(/INFO: .*worker 1 joined/);
  expect(text).toMatch(/WARN: job "j": worker 0 was lost/);
  expect(text).toMatch(/INFO: job "j": epoch 1 with ranks 0, 1/);
  expect(text).toMatch(/INFO: switch "s1" .*ready/);
});

it('as JSON: one object a line, with a level, a time and what it is about', async () => {
  const site = await siteWithInput(['--log-format', 'json']);
  await joinLoseReduce(site);
  const lines = site.keeper.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  for (const { level, time, msg } of lines)
    expect({ level, time, msg }).toEqual({
      level: expect.any(Number) as number,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      msg: expect.any(String) as string,
    });
  const about = (pattern: RegExp) => lines.find(({ msg }) => pattern.test(msg as string));
  expect(about(/joined/)).toMatchObject({ job: 'j', rank: 0 });
  expect(about(/epoch 1/)).toMatchObject({ job: 'j', epoch: 1 });
  expect(about(/switch "s1" .*ready/)).toMatchObject({ switch: 's1' });
});

it.each<[string, RegExp]>([
  ['warn', /WARN/],
  ['error', /^$/],
  ['silent', /^$/],
])('at level %s only what is that bad', async (level, expected) => {
  const site = await siteWithInput(['--log-level', level]);
  site.device.kill('SIGKILL');
  await site.device.ended;
  if (level === 'warn')
    await expect.poll(() => site.keeper.stderr, { timeout: 60_000, interval: 200 }).toMatch(expected);
  site.keeper.kill('SIGTERM');
  expect((await site.keeper.ended).stderr).not.toMatch(/INFO/);
  expect(site.keeper.stderr).toMatch(expected);
});

it('a flood of equal lines is one line and a count', async () => {
  const site = await siteWithInput(['--log-format', 'json']);
  // Of a worker that is killed and comes back again and again.
  const input = site.file('x.npy');
  for (let time = 0; time < 3; time++) {
    const worker = site.worker('j', 0, input, site.file('0.npy'));
    await worker.line(({ event }) => event === 'joined');
    worker.kill('SIGKILL');
    await worker.ended;
  }
  site.keeper.kill('SIGTERM');
  await site.keeper.ended;
  const lines = site.keeper.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line & { msg: string });
  // However slow the machine is: every one is told of, as a line or in a count.
  const left = lines.filter(({ msg }) => /worker 0 was lost/.test(msg));
  const told = left.reduce((sum, { repeated }) => sum + ((repeated as number | undefined) ?? 1), 0);
  expect(told).toBe(3);
});

it('wrong words are refused with the right ones', async () => {
  expectFailure(await fpisa('controller', '--log-level', 'loud'), 2, /--log-level.*error, warn, info, silent/);
  expectFailure(await fpisa('controller', '--log-format', 'xml'), 2, /--log-format.*text, json/);
});
