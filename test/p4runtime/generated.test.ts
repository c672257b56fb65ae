import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shippedFile } from '../../net/package-files.js';
import { generate, OUTPUTS } from '../../scripts/generate-protobuf.js';

describe.each(OUTPUTS)('$folder', (output) => {
  it('is what `npm run generate` makes of the .proto files', () => {
    const folder = shippedFile(output.folder);
    const committed = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const files = generate(output);
    expect(committed.sort()).toEqual([...files.keys()].map((name) => join(folder, name)).sort());
    for (const [name, content] of files) expect(readFileSync(join(folder, name), 'utf8'), name).toBe(content);
  });
});
