/** Builds of BMv2 that lack something, and what a switch that does not start says. */
import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { endAll, run, temporaryFolder } from './support/run.js';
import { TARGETS } from './support/targets.js';

const PROGRAM = 'simple_switch_grpc';
const LACKING = '--thrift-port|--notifications-addr';
const missing = TARGETS.find(({ kind }) => kind === 'bmv2')!.missing;

const folder = temporaryFolder();
afterAll(async () => {
  await endAll();
  folder.remove();
});

/** PATH on which `simple_switch_grpc` is this script; $REAL in it is the real one. */
function pathWith(script: string): string {
  const path = process.env['PATH']!;
  const real = execFileSync('which', [PROGRAM], { encoding: 'utf8' }).trim();
  const program = join(folder.path, PROGRAM);
  writeFileSync(program, `#!/bin/bash\nREAL=${real}\n${script}\n`);
  chmodSync(program, 0o755);
  return `PATH=${folder.path}${delimiter}${path}`;
}

describe('simple_switch_grpc', { timeout: 300_000 }, () => {
  it('without Thrift and nanomsg gets none of their options; and of lossless links, next to nothing is repeated', async ({
    skip,
  }) => {
    if (missing !== undefined) skip(missing);
    const path = pathWith(`
if [ "$1" = --help ]; then $REAL --help | grep -vE -e '${LACKING}'; exit; fi
for each; do
  if [[ $each =~ ^(${LACKING})$ ]]; then echo "unrecognised option '$each'"; $REAL --help; exit 1; fi
done
exec $REAL "$@"`);
    const { code, report } = await run(['--workers', '2', '--json'], { within: ['env', path] }).end;
    expect(report).toMatchObject({ ok: true, identicalAcrossWorkers: true, outOfBound: 0 });
    expect(report!.retransmissions).toBeLessThan(0.02 * report!.packets);
    expect(code).toBe(0);
  });

  it('that ends at once is quoted with the reason, not with the end of its usage', async ({ skip }) => {
    if (missing !== undefined) skip(missing);
    const path = pathWith(`
[ "$1" = --help ] && exec $REAL --help
echo "unrecognised option '--grpc-server-addr'"
$REAL --help
exit 1`);
    const { code, report } = await run(['--workers', '2', '--json'], { within: ['env', path] }).end;
    expect(report!.error!.message).toContain(
      "switch s1 (simple_switch_grpc) ended with code 1, and said: unrecognised option '--grpc-server-addr'",
    );
    expect(report!.error!.message).not.toContain('Usage');
    expect(code).not.toBe(0);
  });
});
