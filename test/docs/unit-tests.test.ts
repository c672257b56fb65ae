/** The example in docs/unit-tests.md is run verbatim, by vitest in a folder like a user's. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureBuilt, ROOT } from '../cli/support/built.js';

const page = readFileSync(join(ROOT, 'docs/unit-tests.md'), 'utf8');
let folder: string;
beforeAll(async () => {
  await ensureBuilt();
  folder = mkdtempSync(join(tmpdir(), 'unit-tests-'));
  mkdirSync(join(folder, 'build'));
  copyFileSync(join(ROOT, 'test/emulator/programs/router.json'), join(folder, 'build/router.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** @returns exit code and what was printed. */
function vitest(): Promise<{ code: number; output: string }> {
  const args = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder, '--reporter', 'json'];
  // The outer run's variables would make the inner one its worker.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^VITEST/.test(name)));
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : 1, output: `${stdout}${stderr}` }),
    );
  });
}

it('docs/unit-tests.md: every test of the example passes', { timeout: 300_000 }, async () => {
  const [, example] = /^```ts\n([\s\S]*?)^```/m.exec(page)!;
  writeFileSync(join(folder, 'router.test.ts'), example!);
  const { code, output } = await vitest();
  expect(code, output).toBe(0);
  const { numPassedTests, numTotalTests } = JSON.parse(
    output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1),
  ) as Record<string, number>;
  expect({ numPassedTests, numTotalTests }).toEqual({
    numPassedTests: example!.match(/^test\(/gm)!.length,
    numTotalTests: numPassedTests,
  });
});

it('the example can fail', { timeout: 300_000 }, async () => {
  const [, example] = /^```ts\n([\s\S]*?)^```/m.exec(page)!;
  writeFileSync(join(folder, 'router.test.ts'), example!.replace('toEqual([3])', 'toEqual([4])'));
  expect((await vitest()).code).toBe(1);
});
