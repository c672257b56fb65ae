/** What a command does when nobody reads its output any more, or when it cannot be written. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../cli/main.js';
import { ROOT } from './support/built.js';
// Builds the command, and gives tests the time that processes take.
import './support/command.js';

function names(command: Command, path = ''): string[] {
  return [path, ...command.commands.flatMap((each) => names(each, `${path} ${each.name()}`.trim()))];
}

/** Runs `fpisa ARGUMENTS REST` in bash; the exit code is that of fpisa. */
function run(line: string): { code: number | null; stdout: string; stderr: string } {
  const env: NodeJS.ProcessEnv = { ...process.env };
  delete env['FPISA_CONTROLLER'];
  const { status, stdout, stderr } = spawnSync('bash', ['-c', `${line}\nexit \${PIPESTATUS[0]}`], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...env, FPISA: join(ROOT, 'bin/fpisa.js') },
  });
  return { code: status, stdout, stderr };
}

const NOWHERE = '--controller 127.0.0.1:1';

describe('a reader that leaves before the end', () => {
  it.each(names(program()))('of the help of "fpisa %s" has seen enough', (command) => {
    expect(run(`node $FPISA ${command} --help | true`)).toMatchObject({ code: 0, stderr: '' });
  });

  it('of the version, too', () => {
    expect(run('node $FPISA --version | true')).toMatchObject({ code: 0, stderr: '' });
  });

  it.each(['--csv', '--json', ''])('of an answer does not make it a failure: %s', (form) => {
    const { code, stdout, stderr } = run(
      `node $FPISA query "SELECT k, v FROM sample" --sample --workers 1 ${form} | head -c 12`,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining('fpisa: ') as string });
    expect(stdout).not.toBe('');
  });

  it('of a failure leaves its exit code, and the sentence goes to standard error', () => {
    const { code, stderr } = run(`node $FPISA job list ${NOWHERE} --json | true`);
    expect(code).toBe(3);
    expect(stderr === '' || /^fpisa: no controller answers/.test(stderr)).toBe(true);
  });

  it('of work under way interrupts it', () => {
    expect(run('node $FPISA demo --workers 2 --values 16 | true')).toEqual({ code: 130, stdout: '', stderr: '' });
  });

  it('of standard error hides the sentence, not the exit code', () => {
    expect(run(`{ node $FPISA job list ${NOWHERE} 2>&1 >&3 | true; } 3>&1`).code).toBe(3);
    expect(run(`node $FPISA job list ${NOWHERE} 2>&-`).code).toBe(3);
    expect(run('node $FPISA job 2>&-').code).toBe(2);
  });
});

describe.runIf(existsSync('/dev/full'))('a disk that is full', () => {
  it('is one sentence, and the exit code of files', () => {
    for (const line of ['--help', `job list ${NOWHERE} --json`, 'query "SELECT 1 FROM sample" --sample --explain'])
      expect(run(`node $FPISA ${line} > /dev/full`), line).toEqual({
        code: 5,
        stdout: '',
        stderr: 'fpisa: standard output cannot be written: ENOSPC: no space left on device, write\n',
      });
    expect(run(`node $FPISA job list ${NOWHERE} 2> /dev/full`).code).toBe(3);
  });
});
