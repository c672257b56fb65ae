/** The end of every test run: what was skipped and why, then the count, and nothing after it. */
import { expect, it } from 'vitest';
import { summary } from '../support/summary-reporter.js';

const module = (
  file: string,
  tests: readonly (readonly [name: string, state: string, note?: string])[],
  errors = 0,
) => ({
  relativeModuleId: file,
  state: () => (errors > 0 ? ('failed' as const) : ('passed' as const)),
  errors: () => Array.from({ length: errors }, () => ({ message: '' })),
  children: { allTests: () => tests.map(([fullName, state, note]) => ({ fullName, result: () => ({ state, note }) })) },
});

it('groups what was skipped by its reason, before the count', () => {
  expect(
    summary([
      module('a.test.ts', [
        ['adds', 'passed'],
        ['on BMv2 (skipped: no switch (of that name)) > adds', 'skipped'],
        ['is said', 'skipped', 'no switch (of that name)'],
      ]),
      module('b.test.ts', [
        ['packet ports (no root) > send', 'skipped'],
        ['silent', 'skipped'],
        ['wrong', 'failed'],
      ]),
      module('c.test.ts', [], 1),
    ]),
  ).toEqual([
    '',
    'skipped 2: no switch (of that name)',
    '  a.test.ts: on BMv2 > adds',
    '  a.test.ts: is said',
    '',
    'skipped 1: no root',
    '  b.test.ts: packet ports (no root) > send',
    '',
    'skipped 1: no reason given',
    '  b.test.ts: silent',
    '',
    '1 passed, 2 failed, 4 skipped',
  ]);
});
