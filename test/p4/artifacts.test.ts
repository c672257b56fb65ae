import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, p4cVersion, V1MODEL_BUILDS } from '../../p4/tools/build.js';

const committed = (name: string, ending: string): string =>
  readFileSync(new URL(`../../p4/build/${name}${ending}`, import.meta.url), 'utf8');

/** JSON of one value may not cost more than this: the program loops over values instead of repeating itself. */
const MAX_BYTES_PER_VALUE = 1_000;

/** Some seconds, on a machine with nothing else to do. */
const COMPILE_MS = 600_000;

describe.each(V1MODEL_BUILDS)('$name', (build) => {
  let version: string | undefined;
  beforeAll(async () => {
    version = await p4cVersion();
  });

  it(
    'is what its sources compile to',
    async (context) => {
      if (version === undefined)
        return context.skip('p4c is not on PATH, so the committed build cannot be compared with its sources');
      const fresh = await compile(build);
      expect(fresh.json === committed(build.name, '.json')).toBe(true);
      expect(fresh.p4info).toBe(committed(build.name, '.p4info.txtpb'));
    },
    COMPILE_MS,
  );

  it('is compact, without source locations and without paths of the machine that made it', () => {
    const json = committed(build.name, '.json');
    expect(json).not.toContain('source_info');
    expect(json).not.toMatch(/"[^"]*\/(tmp|home|root|usr)\//);
    expect((JSON.parse(json) as { program: string }).program).toBe(build.name);
  });
});

describe.each([
  ['fpisa-n16', 16, 'fpisa-n64', 64],
  ['fpisa-n16', 16, 'fpisa-n256', 256],
])('%s and its larger builds', (small, few, large, many) => {
  it(`${large} is little larger`, () => {
    const growth = committed(large, '.json').length - committed(small, '.json').length;
    expect(growth).toBeLessThanOrEqual(MAX_BYTES_PER_VALUE * (many - few));
  });
});
