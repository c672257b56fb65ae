/** The fpisa program for any number of values per packet, also without a committed build. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadBuild, type PipelineConfig } from '../../controlplane/index.js';
import { makePipeline } from '../../controlplane/p4runtime/pipeline.js';
import { parseP4Info } from '../../p4runtime/p4info-file.js';
import { BUILDS } from '../../protocol/constants.js';
import { shippedFile } from '../../net/package-files.js';

/** @throws Error without p4c, unless there is a build of this size */
export function fpisaPipeline(values: number): PipelineConfig {
  if (BUILDS.some((n) => n === values)) return loadBuild(values, 1);
  const folder = mkdtempSync(join(tmpdir(), 'fpisa-bench-'));
  try {
    cpSync(dirname(dirname(shippedFile('p4/shared/values.p4'))), folder, { recursive: true });
    // This list is the only part of the program that depends on the committed sizes.
    const each = Array.from({ length: values }, (_, i) => `X(${i.toString(16).toUpperCase().padStart(2, '0')})`);
    const steps = '#define FIRST_VALUES VALUES_PER_PACKET\n#define FURTHER_STEPS(DO)\n';
    writeFileSync(join(folder, 'shared/values.p4'), `#define EACH_VALUE(X) ${each.join(' ')}\n${steps}`);
    const files = [
      '--p4runtime-files',
      join(folder, 'main.p4info.txtpb'),
      '-o',
      folder,
      join(folder, 'v1model/main.p4'),
    ];
    execFileSync(
      'p4c',
      ['--target', 'bmv2', '--arch', 'v1model', '--Wdisable=unused', `-DVALUES_PER_PACKET=${values}`, ...files],
      { stdio: 'ignore' },
    );
    return makePipeline(
      `fpisa-n${values}`,
      parseP4Info(readFileSync(join(folder, 'main.p4info.txtpb'), 'utf8')),
      readFileSync(join(folder, 'main.json')),
      1n,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(
      `there is no build of ${values} values per packet, and p4c is not on PATH to make one; there are ${BUILDS.join(', ')}`,
      { cause: error },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
