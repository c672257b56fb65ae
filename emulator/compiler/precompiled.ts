/**
 * The compiled forms of the programs that most switches run, which the build of this package makes: otherwise the first
 * packets after an installation would be interpreted, and workers repeat what is not answered in time.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { shippedFile } from '../../net/package-files.js';
import { identityOf } from '../json/identity.js';
import { loadProgram } from '../json/load.js';
import { DEFAULT_DROP_PORT } from '../limits.js';
import { loadBinaryen } from './binaryen.js';
import { DiskCache } from './disk-cache.js';
import { compileProgram } from './module.js';
import type { CompiledProgram } from '../machine/artifact.js';

/** In the package. */
export const PRECOMPILED_FOLDER = 'precompiled';

/** @returns undefined if it is not there, was made by another version of Node, or for a machine without vector instructions */
export function precompiled(key: string, dropPort: number): CompiledProgram | undefined {
  const folder = join(shippedFile('package.json'), '..', PRECOMPILED_FOLDER);
  return existsSync(folder) ? new DiskCache(folder).read(key, dropPort) : undefined;
}

/** Makes `folder` hold the compiled forms of these programs and nothing else. @param files BMv2 JSON */
export async function precompile(files: readonly string[], folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const cache = new DiskCache(folder);
  const programs = files.map((file) => {
    const program = loadProgram(JSON.parse(readFileSync(file, 'utf8')));
    return { program, key: identityOf(program), dropPort: DEFAULT_DROP_PORT };
  });
  for (const { program, key, dropPort } of programs) {
    if (cache.read(key, dropPort) !== undefined) continue;
    cache.write(key, dropPort, compileProgram(await loadBinaryen(), program, dropPort));
  }
  const names = new Set(cache.names(programs));
  for (const name of readdirSync(folder)) if (!names.has(name)) rmSync(join(folder, name), { recursive: true });
}
