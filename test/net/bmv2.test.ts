import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { optionsIn, supportedOptions } from '../../net/bmv2.js';

const folder = mkdtempSync(join(tmpdir(), 'fpisa-bmv2-options-'));
afterAll(() => rmSync(folder, { recursive: true }));

const USAGE = `Options:
  -h [ --help ]               Display this help message
  --thrift-port arg           TCP port on which to run the Thrift runtime server
  --device-id arg             Device ID, as --notifications-addr of another build needs it
  --log-flush                 Flush
`;

describe('options of simple_switch_grpc that depend on its build', () => {
  const wanted = { '--thrift-port': '9090', '--notifications-addr': 'ipc:///tmp/x', '--thrift': '1' } as const;

  it('are passed if its usage lists them, and not if it only mentions them or the beginning of another', () => {
    expect(optionsIn(USAGE, wanted)).toEqual(['--thrift-port', '9090']);
    expect(optionsIn('', wanted)).toEqual([]);
  });

  it('are asked of the program itself, on whichever stream it answers', () => {
    for (const stream of [1, 2]) {
      const program = join(folder, `switch-${stream}`);
      writeFileSync(program, `#!/bin/sh\n[ "$1" = --help ] && cat >&${stream} <<'END'\n${USAGE}END\nexit 1\n`);
      chmodSync(program, 0o755);
      expect(supportedOptions(program, wanted)).toEqual(['--thrift-port', '9090']);
    }
    expect(supportedOptions(join(folder, 'missing'), wanted)).toEqual([]);
  });
});
