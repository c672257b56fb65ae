import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shippedFile } from '../../net/package-files.js';
import { threadArguments } from '../../net/thread-arguments.js';

const built = (path: string): string =>
  JSON.stringify(`file://${shippedFile('package.json').replace('package.json', path)}`);
const json = JSON.stringify(shippedFile('p4/build/fpisa-n16.json'));

describe('arguments of threads', () => {
  it.each([
    [['--input-type=module', '-e', 'code', '--expose-gc'], ['--expose-gc']],
    [['--max-old-space-size=100', '--eval=code', '--input-type', 'module'], ['--max-old-space-size=100']],
    [
      ['-p', '1', '--check', '--import', './hook.mjs'],
      ['--import', './hook.mjs'],
    ],
    [[], []],
  ])('of %j are %j', (options, kept) => expect(threadArguments(options)).toEqual(kept));

  it('let a program from the command line compile and have workers', () => {
    const script = `
      import { readFileSync } from 'node:fs';
      import { Switch } from ${built('dist/emulator/index.js')};
      import { startWorkerThread } from ${built('dist/host/thread/start.js')};
      const target = new Switch();
      target.load(readFileSync(${json}, 'utf8'));
      await target.ready();
      const options = { controller: '127.0.0.1:1', job: 'j', rank: 0, joinTimeoutMs: 1, announcements: [] };
      const thread = startWorkerThread({ options });
      thread.on('message', ({ refused }) => console.log(refused.code));
    `;
    const run = () => execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(run().trim()).toBe('FPISA_CONTROLLER_UNREACHABLE');
  });
});
