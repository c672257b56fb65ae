import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { packageVersion, shippedFile } from '../../net/package-files.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

describe('files of the package', () => {
  it('are found by their place in it', () => {
    expect(shippedFile('bin/fpisa.js')).toBe(join(ROOT, 'bin/fpisa.js'));
  });

  it('that are not there are named', () => {
    expect(() => shippedFile('bin/none.js')).toThrow('bin/none.js is not in the installed package');
  });

  it('say its version', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(packageVersion()).toBe(version);
  });
});
