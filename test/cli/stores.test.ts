/** The store of `fpisa controller`: what it cannot use, and a disk that fills while it runs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Command, expectFailure, fpisa, onEnd, scratch } from './support/command.js';

const start = (store: string) => fpisa('controller', '--listen', '127.0.0.1:0', '--store', store);

describe('a store that cannot be used is refused at once, with exit code 5', () => {
  const folder = scratch();
  const at = (name: string) => join(folder, name);
  mkdirSync(at('locked.json.lock'));
  symlinkSync(at('nowhere'), at('linked.json.lock'));
  symlinkSync(at('nowhere/deep'), at('broken'));
  writeFileSync(at('file'), '');
  writeFileSync(at('other.json'), '{"jobs": []}');
  writeFileSync(at('later.json'), '{"version": 2}');
  spawnSync('mkfifo', [at('pipe'), at('piped.json.lock')]);

  it.each<[string, RegExp]>([
    [folder, /this is a folder; choose a file in it$/],
    [at('file/below/s.json'), /\/file: a file of that name is in the way; choose a file that this process may write$/],
    [at('broken/s.json'), /\/broken: a file of that name is in the way; choose a file that this process may write$/],
    ['/proc/fpisa/s.json', /\/proc\/fpisa: (it cannot be made there|permission denied.*); choose a file/],
    ['/proc/s.json', /\/proc\/s\.json.*: (it cannot be made there|permission denied.*); choose a file/],
    [at('locked.json'), /locked\.json\.lock: this is a folder; remove it, or choose another store$/],
    [at('linked.json'), /linked\.json\.lock: a symbolic link is in the way; remove it, or choose another store$/],
    [at('pipe'), /this is no file but a device, pipe or socket; choose a file/],
    [at('piped.json'), /piped\.json\.lock: this is no file but a device, pipe or socket; /],
    ['/dev/null', /this is no file but a device, pipe or socket; choose a file/],
    [at(`${'x'.repeat(300)}.json`), /its name is too long; choose a file/],
    [at('other.json'), /is JSON of another program, not a controller's store; choose another file for the store$/],
    [at('later.json'), /format version 2, this controller reads version 1; use the release that wrote it, or/],
  ])('%s', async (store, message) => {
    expectFailure(await start(store), 5, new RegExp(message.source, 'm'));
    expect(existsSync(`${at('pipe')}.lock`)).toBe(false);
  });
});

/** A file system of its own, with room for little, needs root. */
const probe = scratch();
const canMount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', probe]).status === 0;
if (canMount) spawnSync('umount', [probe]);

describe.skipIf(!canMount)('a disk that is full', () => {
  it('ends a controller with one sentence, and nothing that it promised is lost', async () => {
    const folder = scratch();
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', folder]);
    onEnd(() => void spawnSync('umount', ['-l', folder]));
    const store = join(folder, 'store.json');
    const args = ['controller', '--log-level', 'silent', '--json', '--listen', '127.0.0.1:0', '--store', store];
    args.push('--switch', '127.0.0.1:1', '--ports', '2');
    const keeper = new Command(args);
    const { controller } = (await keeper.line()) as { controller: string };
    const create = (name: string, at: string) => fpisa('job', 'create', name, '--workers', '2', '--controller', at);
    expect((await create('kept', controller)).code).toBe(0);
    const before = readFileSync(store, 'utf8');

    // Whole pages, until there is none.
    const filler = join(folder, 'filler');
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096', 'count=100']);
    const sentence = `the store ${store} cannot be used: no space is left on its device: free some, or choose another place; then start the controller again`;
    expectFailure(await create('lost', controller), 6, new RegExp(`^fpisa: ${sentence}$`, 'm'));
    const { code, stdout, stderr } = await keeper.ended;
    expect({ code, last: stdout.trimEnd().split('\n').at(-1), stderr }).toEqual({
      code: 5,
      last: JSON.stringify({ ok: false, error: { code: 'FPISA_STORE_ACCESS', message: sentence } }),
      stderr: '',
    });
    expect(readFileSync(store, 'utf8')).toBe(before);
    expect(existsSync(`${store}.lock`)).toBe(false);
    expectFailure(await new Command(args.filter((arg) => arg !== '--json')).ended, 5, /no space is left on its device/);

    spawnSync('rm', [filler]);
    const again = (await new Command(args).line()) as { controller: string };
    const { stdout: jobs } = await fpisa('job', 'list', '--json', '--controller', again.controller);
    expect(jobs).toContain('"kept"');
    expect(jobs).not.toContain('"lost"');
  });
});
