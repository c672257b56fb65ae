/** The address of the wrong server: a switch where a controller is asked for, and the other way round. */
import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { writeTensorFile } from '../../host/index.js';
import { Command, expectFailure, fpisa, onlyJson, scratch, type Ended } from './support/command.js';
import { Site } from './support/site.js';

const NOT_A_CONTROLLER = /^fpisa: .*127\.0\.0\.1:\d+.*controller.*$/m;

it('a P4Runtime address as --controller is called that by every command, with exit code 3', async () => {
  const site = await startSite();
  const { p4runtime } = site;
  const input = site.file('x.npy');
  const commands = [
    ['job', 'list'],
    ['job', 'create', 'j', '--workers', '1'],
    ['job', 'show', 'j'],
    ['job', 'delete', 'j'],
    ['doctor'],
    ['allreduce', '--job', 'j', '--rank', '0', '--in', input, '--out', site.file('out.npy')],
  ];
  await writeTensorFile(input, {
    tensors: new Map([['x', { shape: [4], data: new Float32Array(4) }]]),
    metadata: {},
  });
  for (const args of commands) {
    const text = await fpisa(...args, '--controller', p4runtime);
    expectFailure(text, 3, NOT_A_CONTROLLER);
    const json = await fpisa(...args, '--controller', p4runtime, '--json');
    expect({ args, code: json.code, error: errorOf(json) }).toEqual({ args, code: 3, error: 'FPISA_NOT_A_CONTROLLER' });
  }
});

it("a controller's address as --switch: its log and the doctor say so", async () => {
  const site = await startSite();
  const args = ['controller', '--json', '--listen', '127.0.0.1:0', '--switch', site.address, '--ports', '1'];
  const keeper = new Command(args);
  const { controller } = (await keeper.line()) as { controller: string };
  await expect
    .poll(() => keeper.stderr, { timeout: 60_000, interval: 200 })
    .toMatch(/WARN: switch "s1" at .*: unreachable, the server at .* is no P4Runtime server/);
  const doctor = await fpisa('doctor', '--controller', controller);
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toContain(`the server at ${site.address} is no P4Runtime server`);
});

it('a query through it ends with exit code 3', async () => {
  const site = await startSite();
  const folder = scratch();
  writeFileSync(`${folder}/t.csv`, 'k,v\na,1\nb,2\n');
  const args = [
    'query',
    'SELECT k, sum(v) FROM t GROUP BY k',
    '--data',
    `t=${folder}/t.csv`,
    '--p4runtime',
    site.address,
  ];
  args.push('--port', '1=127.0.0.1:1', '--port', '2=127.0.0.1:2');
  const ended = await fpisa(...args);
  expectFailure(ended, 3, new RegExp(`the server at ${site.address} is no P4Runtime server`));
});

function startSite(): Promise<Site> {
  return Site.start({ ports: 1 });
}

function errorOf(ended: Ended): unknown {
  return onlyJson<{ error?: { code?: string } }>(ended).error?.code;
}
