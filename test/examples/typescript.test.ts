/** The TypeScript examples do what they claim. They import the package by its name, as its users do. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { ensureBuilt, ROOT } from '../cli/support/built.js';

beforeAll(ensureBuilt, 600_000);

function node(...args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) =>
    execFile(process.execPath, args, { cwd: ROOT }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    ),
  );
}

it('allreduce: every worker has the mean', async () => {
  const loader = './test/controlplane/typescript-loader.mjs';
  expect(await node('--import', loader, 'examples/allreduce/allreduce.ts')).toEqual({
    code: 0,
    output: '4 workers reduced 10000 elements; the first are 0, 2.5, 5, 7.5\n',
  });
});

it('unit-test: its tests pass', async () => {
  const vitest = 'node_modules/vitest/vitest.mjs';
  const { code, output } = await node(vitest, 'run', '--root', 'examples/unit-test', '--reporter', 'json');
  const report = JSON.parse(output.slice(output.indexOf('{'))) as { numPassedTests: number; numFailedTests: number };
  expect({ code, passed: report.numPassedTests, failed: report.numFailedTests }).toEqual({
    code: 0,
    passed: 3,
    failed: 0,
  });
});

it('unit-test: the program is the one that the emulator is tested with', () => {
  for (const name of ['router.json', 'router.p4'])
    expect(readFileSync(join(ROOT, 'examples/unit-test', name))).toEqual(
      readFileSync(join(ROOT, 'test/emulator/programs', name)),
    );
});
