import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { ProfileError } from '../../arithmetic/errors.js';
import { UsageError } from '../../cli/errors.js';
import { report } from '../../cli/main.js';
import { ConnectError } from '../../controlplane/p4runtime/errors.js';
import { ProgramFormatError } from '../../emulator/errors.js';
import { ControllerUnreachableError } from '../../protocol/errors.js';
import { QueryShareError } from '../../query/session/errors.js';

afterEach(() => vi.restoreAllMocks());

function fails(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

function printed(error: unknown): { exit: number; code: string; message: string } {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const exit = report(error, true);
  const { ok, error: said } = JSON.parse(String(write.mock.calls[0]![0])) as {
    ok: boolean;
    error: { code: string; message: string };
  };
  expect(ok).toBe(false);
  return { exit, ...said };
}

test.each([
  [new UsageError('no'), 2, 'FPISA_USAGE'],
  [new ProfileError('unknown-preset', 'no'), 2, 'FPISA_PROFILE'],
  [new ConnectError('no', undefined), 6, 'P4RUNTIME_CONNECT'],
  [new ProgramFormatError('headers', 'no'), 6, 'EMULATOR_PROGRAM_FORMAT'],
  [Object.assign(new Error('no'), { code: 'ENOENT' }), 6, 'FPISA_INTERNAL'],
  [new Error('no'), 6, 'FPISA_INTERNAL'],
  [fails(() => readFileSync('/nowhere/file')), 5, 'FPISA_FILE'],
  [fails(() => mkdirSync('/dev/null/folder')), 5, 'FPISA_FILE'],
  [fails(() => readFileSync('/')), 5, 'FPISA_FILE'],
  [new QueryShareError('no'), 5, 'FPISA_QUERY_SHARE'],
  [spawnSync('/nowhere/program').error, 6, 'FPISA_INTERNAL'],
])('an error of any part keeps its code: %o', (error, exit, code) => {
  expect(printed(error)).toMatchObject({ exit, code });
});

test('no controller: says how to get one', () => {
  expect(printed(new ControllerUnreachableError('no controller answers at a:1'))).toEqual({
    exit: 3,
    code: 'FPISA_CONTROLLER_UNREACHABLE',
    message: 'no controller answers at a:1; start one with "fpisa controller", or name another with --controller',
  });
});
