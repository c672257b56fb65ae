import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, extname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import { replaceFileSync } from '../../net/atomic-file.js';
import { Layout } from '../machine/layout.js';
import type { CompiledProgram } from '../machine/artifact.js';
import { hasVectors } from './simd.js';

const MAX_FILES = 64;
const SUFFIX = '.compiled';
const DIGEST_BYTES = 32;
/** Folders and files of the emulator that decide what a program is compiled to. */
const DECIDING_FOLDERS = ['compiler', 'machine', 'json', 'tables', 'externs'];
const DECIDING_FILES = ['limits'];

/** `$XDG_CACHE_HOME/fpisa`, or `~/.cache/fpisa` (XDG Base Directory Specification). */
export function defaultCacheFolder(): string {
  const { XDG_CACHE_HOME: base } = process.env;
  // The specification says to ignore relative paths.
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'), 'fpisa');
}

/**
 * Compiled programs in a folder, so that a restarted switch need not compile what it ran before. It is only an
 * optimization: a folder that cannot be read or written counts as empty, and a corrupted file as missing.
 */
export class DiskCache {
  constructor(private readonly folder: string) {}

  /** @param key identity of the program */
  read(key: string, dropPort: number): CompiledProgram | undefined {
    const path = this.path(key, dropPort);
    try {
      const file = readFileSync(path);
      const body = file.subarray(DIGEST_BYTES);
      if (!digest(body).equals(file.subarray(0, DIGEST_BYTES))) return undefined;
      const stored = deserialize(body) as Omit<CompiledProgram, 'layout'>;
      const now = new Date();
      utimesSync(path, now, now);
      return { ...stored, layout: new Layout(stored.program) };
    } catch {
      return undefined;
    }
  }

  write(
    key: string,
    dropPort: number,
    { program, fallbacks, scratchBytes, wasm }: Omit<CompiledProgram, 'layout'>,
  ): void {
    try {
      for (const folder of [dirname(this.folder), this.folder]) makeFolder(folder);
      // Serialized as one graph, so that the fallbacks refer to the objects of the program that is read with them.
      const body = serialize({ program, fallbacks, scratchBytes, wasm });
      // Replaced atomically, as another process may read it at the same time.
      replaceFileSync(this.path(key, dropPort), Buffer.concat([digest(body), body]));
      this.prune();
    } catch {
      // It is compiled again next time.
    }
  }

  private path(key: string, dropPort: number): string {
    return join(this.folder, digest(`${compilerIdentity()}/${key}/${dropPort}`).toString('hex') + SUFFIX);
  }

  /** Keeps the most recently used files. */
  private prune(): void {
    const files = readdirSync(this.folder)
      .filter((name) => name.endsWith(SUFFIX))
      .map((name) => join(this.folder, name));
    if (files.length <= MAX_FILES) return;
    const byAge = files.map((path) => ({ path, used: statSync(path).mtimeMs })).sort((a, b) => b.used - a.used);
    for (const { path } of byAge.slice(MAX_FILES)) rmSync(path, { force: true });
  }
}

/**
 * Not mkdir's `recursive` option: in Node it never ends in a folder such as /proc, where creating a name fails with
 * ENOENT.
 */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

let identity: string | undefined;

/**
 * Changes with the code of the compiler, not only with its version: what other code has compiled must not be reused.
 */
function compilerIdentity(): string {
  if (identity === undefined) {
    const hash = createHash('sha256').update(process.versions.v8).update(String(hasVectors()));
    const own = fileURLToPath(import.meta.url);
    const root = dirname(dirname(own));
    const files = DECIDING_FOLDERS.flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => /(?<!\.d)\.[jt]s$/.test(file))
        .sort()
        .map((file) => join(folder, file)),
    );
    for (const file of DECIDING_FILES) files.push(`${file}${extname(own)}`);
    for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
    identity = hash.digest('hex');
  }
  return identity;
}

function digest(data: Uint8Array | string): Buffer {
  return createHash('sha256').update(data).digest();
}
