/** The P4 programs of the tests, and the JSON that p4c makes of them. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Switch, type SwitchOptions } from '../../../emulator/index.js';

const directory = fileURLToPath(new URL('../programs/', import.meta.url));
const versionFile = join(directory, 'p4c-version.txt');

export function programNames(): string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.p4'))
    .map((file) => file.slice(0, -3))
    .sort();
}

export function programJson(name: string): string {
  return readFileSync(join(directory, `${name}.json`), 'utf8');
}

export function switchWith(name: string, options: SwitchOptions = {}): Switch {
  const target = new Switch(options);
  target.load(programJson(name));
  return target;
}

/** Version of the p4c that made the committed files. */
export function committedVersion(): string {
  return existsSync(versionFile) ? readFileSync(versionFile, 'utf8').trim() : '';
}

/** Version of the p4c on PATH, or undefined if p4c is not installed. */
export function installedVersion(): string | undefined {
  try {
    return /p4c \S+/.exec(
      execFileSync('p4c', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )?.[0];
  } catch {
    return undefined;
  }
}

/** Compiles a program; what depends on the place and the text of the source is left out. */
export function compileProgram(name: string): string {
  const work = mkdtempSync(join(tmpdir(), 'p4-'));
  try {
    execFileSync('p4c', ['--target', 'bmv2', '--arch', 'v1model', '-o', work, join(directory, `${name}.p4`)], {
      stdio: 'pipe',
    });
    const json = JSON.parse(readFileSync(join(work, `${name}.json`), 'utf8')) as Record<string, unknown>;
    delete json['program'];
    return `${JSON.stringify(json, (key, value: unknown) => (key === 'source_info' ? undefined : value))}\n`;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Writes the JSON of all programs anew. */
export function updatePrograms(version: string): void {
  for (const name of programNames()) writeFileSync(join(directory, `${name}.json`), compileProgram(name));
  writeFileSync(versionFile, `${version}\n`);
}

/** Bytes from hexadecimal text; spaces are for the reader. */
export function bytes(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex');
}
