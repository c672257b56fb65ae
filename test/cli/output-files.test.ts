import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../cli/errors.js';
import { checkOutputsDiffer } from '../../cli/output-files.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fpisa-outputs-'));
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real/a.npy'), '');
  symlinkSync('real', join(folder, 'link'));
  symlinkSync('real/a.npy', join(folder, 'a-link.npy'));
  symlinkSync('real/later.npy', join(folder, 'dangling.npy'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (...names: string[]): string[] => names.map((name) => join(folder, name));

describe('files of results', () => {
  it.each([
    ['the same name', ['b.npy', 'b.npy']],
    ['not next to each other', ['b.npy', 'c.npy', 'b.npy']],
    ['another way there', ['b.npy', 'real/../b.npy']],
    ['a symbolic link to the folder', ['real/b.npy', 'link/b.npy']],
    ['a symbolic link to the file', ['real/a.npy', 'a-link.npy']],
    ['a symbolic link to a file that is still to come', ['real/later.npy', 'dangling.npy']],
  ])('two are one: %s', async (_, names) => {
    await expect(checkOutputsDiffer(at(...names))).rejects.toThrow(UsageError);
    await expect(checkOutputsDiffer(at(...names))).rejects.toThrow(/--out .* and --out .* are one file/);
  });

  it('differ', async () => {
    await checkOutputsDiffer(at('b.npy', 'real/b.npy', 'link/c.npy', 'a-link.npy', 'dangling.npy'));
  });

  it('a folder that is not there is for another check', async () => {
    await checkOutputsDiffer(at('nowhere/b.npy', 'b.npy'));
  });
});
