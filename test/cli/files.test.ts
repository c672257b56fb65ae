/** Files that cannot be read, written or understood end every command with exit code 5, in one sentence. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeTensorFile } from '../../host/index.js';
import { Command, expectFailure, scratch } from './support/command.js';
import { Site } from './support/site.js';

const BINARY = new URL('../../bin/fpisa.js', import.meta.url).pathname;

describe('a file that is missing or wrong', () => {
  const folder = scratch();
  writeFileSync(join(folder, 'text'), 'neither JSON nor a table');
  symlinkSync('circle', join(folder, 'circle'));
  const at = (name: string) => join(folder, name);
  const switches = ['controller', '--listen', '127.0.0.1:0'];
  const tofino = [...switches, '--switch', '127.0.0.1:1', '--ports', '1', '--build-dir'];
  const device = ['switch', '--ports', '1', '--p4runtime', '127.0.0.1:0'];

  it.each<[string[], RegExp]>([
    [[...switches, '--config', at('nowhere.json')], /nowhere\.json cannot be read: there is no such file/],
    [[...switches, '--config', folder], /cannot be read: this is a folder/],
    [[...switches, '--config', at('text')], /configuration .*text is not JSON/],
    [[...switches, '--store', at('text/store.json')], /text: a file of that name is in the way/],
    [[...tofino, at('nowhere')], /nowhere/],
    [[...device, '--program', at('nowhere.json'), '--p4info', at('text')], /cannot be read: there is no such file/],
    [[...device, '--program', at('text'), '--p4info', at('text')], /is not a program for this switch/],
    [
      [...device, '--tls-cert', at('circle'), '--tls-key', at('text')],
      /cannot be read: its symbolic links lead in a circle/,
    ],
    [[...device, '--tls-cert', at('text'), '--tls-key', at('text')], /are not a certificate and its key/],
    [['stf', at('nowhere.json'), at('text')], /nowhere\.json cannot be read: there is no such file/],
    [['stf', at('text'), at('text')], /text/],
    [['stf', '--suite', at('nowhere')], /nowhere is not p4c's test data/],
    [['query', 'SELECT 1', '--data', at('nowhere.parquet')], /nowhere\.parquet/],
    [
      ['allreduce', '--job', 'j', '--rank', '0', '--in', at('circle/x.npy'), '--out', at('x.npy')],
      /its symbolic links lead in a circle/,
    ],
  ])('fpisa %j', async (args, message) => {
    expectFailure(await new Command(args).ended, 5, message);
  });

  it('a temporary folder that is not there', async () => {
    const ended = await new Command(['demo', '--workers', '2'], { env: { TMPDIR: at('nowhere') } }).ended;
    expectFailure(ended, 5, /there is no such file/);
  });
});

/** A file system of its own with room for little needs root, and mounts. */
const tmpfs = scratch();
const canMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', tmpfs]).status === 0;

describe.skipIf(!canMount)('a device without space', () => {
  it('fails with the remedy, and leaves nothing of the result there', async () => {
    const site = await Site.start({ ports: 1 });
    await site.run('job', 'create', 'full', '--workers', '1');
    const input = site.file('large.npy');
    await writeTensorFile(input, {
      tensors: new Map([['x', { shape: [100_000], data: new Float32Array(100_000) }]]),
      metadata: {},
    });
    const folder = scratch();
    mkdirSync(folder, { recursive: true });
    const command = `"$0" "$1" allreduce --controller ${site.address} --job full --rank 0 --in ${input} --out ${folder}/out.npy; echo "code $?"; ls -A ${folder}`;
    const mounted = `mount -t tmpfs -o size=64k none ${folder} && { ${command}; }`;
    const child = spawnSync('unshare', ['-m', 'sh', '-c', mounted, process.execPath, BINARY], { encoding: 'utf8' });
    expect(child.stderr).toMatch(
      /^fpisa: .*out\.npy: .*no space is left on its device: free some, or choose another place\n$/,
    );
    expect(child.stdout).toMatch(/code 5\n$/);
    expect(readdirSync(folder)).toEqual([]);
    expect(existsSync(join(folder, 'out.npy'))).toBe(false);
  });
});
