/** The compiler of the Tofino program, as a process: here, shell scripts in its place. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { compileLayout } from '../../p4/tools/tofino/compiler.js';
import { layoutsNamed } from '../../p4/tools/tofino/layouts.js';

const [layout] = layoutsNamed(['tofino-n1']);
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fpisa-compiler-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function script(body: string): string {
  const path = join(directory, 'compiler');
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that has ended and was not waited for is there as well.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test(
  'what does not end in time counts as not fitting, and all that it started ends',
  { timeout: 120_000 },
  async () => {
    const pidFile = join(directory, 'pid');
    const compiler = script(`sleep 1000 &\necho $! > ${pidFile}\nwait`);
    expect(await compileLayout(compiler, layout!, join(directory, 'out'), 8)).toEqual({
      compiles: false,
      notFitting: 'no allocation found in 8 s',
    });
    const pid = Number(readFileSync(pidFile, 'utf8'));
    expect(pid).toBeGreaterThan(1);
    await vi.waitFor(() => expect(lives(pid)).toBe(false), { timeout: 60_000 });
  },
);

test('the first error is the reason, without paths, and where containers run out how many', async () => {
  const compiler = script(`echo 'warning: nothing'\necho '/some/where/parser.p4(3): error: too long' >&2\nexit 1`);
  expect(await compileLayout(compiler, layout!, join(directory, 'out'), 600)).toEqual({
    compiles: false,
    notFitting: 'too long',
  });
  const full = script(
    `echo 'error: PHV allocation was not successful'\necho '2 field slices remain unallocated'\nexit 2`,
  );
  expect(await compileLayout(full, layout!, join(directory, 'out'), 600)).toEqual({
    compiles: false,
    notFitting: 'PHV allocation was not successful: 2 field slices remain unallocated',
  });
});

test('a great deal of output is no reason of its own', async () => {
  const compiler = script(`echo 'error: 13 stages'\nhead -c 40000000 /dev/zero | tr '\\0' x\nexit 1`);
  expect(await compileLayout(compiler, layout!, join(directory, 'out'), 600)).toEqual({
    compiles: false,
    notFitting: '13 stages',
  });
});

test('a compiler that is not there is an error, no layout that does not fit', async () => {
  await expect(compileLayout(join(directory, 'none'), layout!, join(directory, 'out'), 600)).rejects.toThrow('ENOENT');
});
