import { afterEach, expect, it, vi } from 'vitest';
import { report } from '../../cli/main.js';
import { environment } from '../../net/environment.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it.each([
  [undefined, undefined],
  ['', undefined],
  ['0', '0'],
  [' ', ' '],
])('%j counts as %j', (value, counts) => {
  vi.stubEnv('FPISA_TEST_VARIABLE', value);
  expect(environment('FPISA_TEST_VARIABLE')).toBe(counts);
});

it.each([
  ['', 1],
  ['1', 2],
])('FPISA_DEBUG=%j', (value, lines) => {
  vi.stubEnv('FPISA_DEBUG', value);
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  report(new Error('no'), false);
  expect(write).toHaveBeenCalledTimes(lines);
});
