/** Programs, runtime files and recordings, as they are committed and as they are made anew. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RuntimeFile } from './runtime.js';

const folder = fileURLToPath(new URL('.', import.meta.url));

export interface TutorialProgram {
  readonly json: string;
  readonly p4info: string;
}

/** What a switch did: for each packet what left, then packets to the controller, then counters that are not zero. */
export interface Behaviour {
  readonly outputs: readonly (readonly string[])[];
  readonly packetIns: readonly string[];
  readonly counters: readonly string[];
}

const read = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');

export function committed(name: string): TutorialProgram {
  return { json: read('programs', `${name}.json`), p4info: read('programs', `${name}.p4info.txtpb`) };
}

export function runtimeFile(name: string): RuntimeFile {
  return JSON.parse(read('runtime', `${name}.json`)) as RuntimeFile;
}

export function recorded(name: string): Behaviour {
  return JSON.parse(read('recorded', `${name}.json`)) as Behaviour;
}

export function record(name: string, behaviour: Behaviour): void {
  writeFileSync(join(folder, 'recorded', `${name}.json`), `${JSON.stringify(behaviour)}\n`);
}

/** What p4c makes of a program now, without what depends on the place and the text of the source. */
export function compiled(name: string): TutorialProgram {
  const work = mkdtempSync(join(tmpdir(), 'tutorial-'));
  try {
    const p4info = join(work, `${name}.p4info.txtpb`);
    const source = join(folder, 'programs', `${name}.p4`);
    const options = ['--target', 'bmv2', '--arch', 'v1model', '--p4runtime-files', p4info, '-o', work];
    execFileSync('p4c', [...options, source], { stdio: 'pipe' });
    const json = JSON.parse(readFileSync(join(work, `${name}.json`), 'utf8')) as Record<string, unknown>;
    delete json['program'];
    const text = JSON.stringify(json, (key, value: unknown) => (key === 'source_info' ? undefined : value));
    return { json: `${text}\n`, p4info: readFileSync(p4info, 'utf8') };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

export function writeProgram(name: string, { json, p4info }: TutorialProgram): void {
  writeFileSync(join(folder, 'programs', `${name}.json`), json);
  writeFileSync(join(folder, 'programs', `${name}.p4info.txtpb`), p4info);
}
