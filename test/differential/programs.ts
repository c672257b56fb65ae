/** The programs that scenarios run: builds of p4/build/, and those of test/emulator/programs/ for what the former do not use. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makePipeline, type PipelineConfig } from '../../controlplane/p4runtime/index.js';
import { parseP4Info } from '../../p4runtime/p4info-file.js';

const PROGRAM = /^program-/;

const jsons = new Map<string, string>();
const pipelines = new Map<string, PipelineConfig>();

function remembered<T>(values: Map<string, T>, build: string, make: () => T): T {
  let value = values.get(build);
  if (value === undefined) {
    value = make();
    values.set(build, value);
  }
  return value;
}

function locate(build: string, ending: string): string {
  const place = PROGRAM.test(build) ? `../emulator/programs/${build.replace(PROGRAM, '')}` : `../../p4/build/${build}`;
  return fileURLToPath(new URL(place + ending, import.meta.url));
}

/** BMv2 JSON. */
export function jsonOf(build: string): string {
  return remembered(jsons, build, () => readFileSync(locate(build, '.json'), 'utf8'));
}

/** For P4Runtime. The P4Info of a test program is not committed: only BMv2 needs it, and p4c, which is installed along with BMv2, makes it. */
export function pipelineOf(build: string): PipelineConfig {
  return remembered(pipelines, build, () => {
    return makePipeline(build, parseP4Info(p4infoOf(build)), Buffer.from(jsonOf(build)));
  });
}

/** In text form. */
export function p4infoOf(build: string): string {
  return PROGRAM.test(build) ? compileP4Info(build) : readFileSync(locate(build, '.p4info.txtpb'), 'utf8');
}

function compileP4Info(build: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'p4info-'));
  try {
    const file = join(folder, 'p4info.txtpb');
    execFileSync(
      'p4c',
      ['--target', 'bmv2', '--arch', 'v1model', '--p4runtime-files', file, '-o', folder, locate(build, '.p4')],
      { stdio: 'pipe' },
    );
    return readFileSync(file, 'utf8');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
