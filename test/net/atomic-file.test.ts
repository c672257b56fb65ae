import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replaceFile, replaceFileSync } from '../../net/atomic-file.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fpisa-net-'));
  path = join(folder, 'file');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const WAYS: [string, (to: string, text: string, options?: { mode?: number }) => Promise<void>][] = [
  ['replaceFileSync', async (to, text, options) => replaceFileSync(to, text, options)],
  ['replaceFileSync, durable', async (to, text, options) => replaceFileSync(to, text, { ...options, durable: true })],
  ['replaceFile', (to, text, options) => replaceFile(to, [Buffer.from(text)], options)],
];

describe.each(WAYS)('%s', (_name, write) => {
  it('writes a file, or another in its place, and leaves nothing beside it', async () => {
    await write(path, 'first');
    await write(path, 'second');
    expect(readFileSync(path, 'utf8')).toBe('second');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('gives it the mode that was asked for, whatever the mode of the one before', async () => {
    writeFileSync(path, 'old');
    chmodSync(path, 0o644);
    await write(path, 'new', { mode: 0o600 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('replaces a link, and not what it points to', async () => {
    const other = join(folder, 'other');
    writeFileSync(other, 'kept');
    symlinkSync(other, path);
    await write(path, 'new');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(readFileSync(other, 'utf8')).toBe('kept');
  });

  it('leaves the path as it was, and no temporary file, when the rename fails', async () => {
    mkdirSync(path);
    writeFileSync(join(path, 'inside'), '');
    await expect(write(path, 'new')).rejects.toMatchObject({ code: expect.stringMatching(/EISDIR|ENOTEMPTY|EEXIST/) });
    expect(readdirSync(folder)).toEqual(['file']);
    expect(readdirSync(path)).toEqual(['inside']);
  });

  it('fails in a folder that is not there', async () => {
    await expect(write(join(folder, 'none', 'file'), 'new')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('lets many write at once: the file is whole, and one of theirs', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(texts.map((text) => write(path, text)));
    expect(texts).toContain(readFileSync(path, 'utf8'));
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

describe('replaceFile', () => {
  it('writes parts one after the other', async () => {
    await replaceFile(path, [Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3)]);
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
  });

  it('keeps the old file when the parts end in an error', async () => {
    writeFileSync(path, 'old');
    function* parts(): Generator<Uint8Array> {
      yield Uint8Array.of(1);
      throw new Error('no more');
    }
    await expect(replaceFile(path, parts())).rejects.toThrow('no more');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['file']);
  });
});
