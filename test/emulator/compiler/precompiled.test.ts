import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskCache } from '../../../emulator/compiler/disk-cache.js';
import { precompile } from '../../../emulator/compiler/precompiled.js';
import { identityOf } from '../../../emulator/json/identity.js';
import { loadProgram } from '../../../emulator/json/load.js';
import { shippedFile } from '../../../net/package-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fpisa-precompiled-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('precompiled programs', () => {
  it('are compiled once, and nothing else is beside them', async () => {
    const file = shippedFile('p4/build/fpisa-n16.json');
    writeFileSync(join(folder, 'of an earlier version.compiled'), '');
    await precompile([file], join(folder, 'new'));
    await precompile([file], folder);
    const [name, ...others] = readdirSync(folder).filter((each) => each !== 'new');
    expect(others).toEqual([]);
    expect(readFileSync(join(folder, name!)).length).toBeGreaterThan(1000);
    const key = identityOf(loadProgram(readFileSync(file, 'utf8')));
    expect(new DiskCache(folder).read(key, 511)).toBeDefined();
  });

  it('are in the build for those that commands choose by default', () => {
    const url = (path: string) => JSON.stringify(`file://${shippedFile('package.json').replace('package.json', path)}`);
    const script = `
      import { precompiled } from ${url('dist/emulator/compiler/precompiled.js')};
      import { identityOf } from ${url('dist/emulator/json/identity.js')};
      import { loadProgram } from ${url('dist/emulator/json/load.js')};
      import { readFileSync } from 'node:fs';
      const found = (values) => precompiled(
        identityOf(loadProgram(readFileSync(new URL('p4/build/fpisa-n' + values + '.json', ${url('')}), 'utf8'))), 511);
      console.log([64, 256, 2048].every((values) => found(values) !== undefined));
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(output.trim()).toBe('true');
  });
});
