import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolderSync } from '../../net/folder.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'fpisa-folder-'))));
afterEach(() => rmSync(folder, { recursive: true }));

test('folders above are made, and one that exists stays', () => {
  makeFolderSync(join(folder, 'a/b/c'));
  writeFileSync(join(folder, 'a/b/c/file'), '');
  makeFolderSync(join(folder, 'a/b/c'));
  expect(existsSync(join(folder, 'a/b/c/file'))).toBe(true);
});

test('a file in the way is an error', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => makeFolderSync(join(folder, 'file/below'))).toThrow(/^EEXIST.*\/file'$/);
});

test('a symbolic link that leads nowhere is an error', () => {
  symlinkSync(join(folder, 'nowhere/deep'), join(folder, 'link'));
  expect(() => makeFolderSync(join(folder, 'link'))).toThrow(/^EEXIST/);
  expect(() => makeFolderSync(join(folder, 'link/below'))).toThrow(/^EEXIST/);
});

test.runIf(existsSync('/proc/self'))('a place where nothing can be made is an error, and no loop', () => {
  expect(() => makeFolderSync('/proc/fpisa/below')).toThrow(/^E(NOENT|ACCES|PERM|ROFS).*\/proc\/fpisa'$/);
});
