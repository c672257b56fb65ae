/**
 * Files that are replaced atomically: a reader of the path sees either the old file or the complete new one, even
 * after the writer was killed.
 *
 * The bytes go to a temporary file in the same folder, which is opened exclusively under a random name (so that two
 * writers never share one, and no link is followed), and is renamed over the path. On an error it is removed and the
 * path is unchanged. A writer that is killed leaves it behind.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** One write call moves at most this much; the kernel's own limit is just below 2 GiB. */
const PIECE_BYTES = 1 << 28;
const DEFAULT_MODE = 0o666;

export interface ReplaceOptions {
  /** Permission bits before the umask; default 0o666. Those of a replaced file are not kept. */
  readonly mode?: number;
}

/** @param options.durable when it returns, the file survives a power cut: it and its folder are on the disk */
export function replaceFileSync(
  path: string,
  data: string | Uint8Array,
  { mode = DEFAULT_MODE, durable = false }: ReplaceOptions & { readonly durable?: boolean } = {},
): void {
  const temporary = temporaryName(path);
  const file = openSync(temporary, 'wx', mode);
  try {
    try {
      writeFileSync(file, data);
      if (durable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  // A rename survives a power cut only once the folder that holds the name is on the disk as well.
  if (durable) syncFolder(dirname(path));
}

/** Writes `parts` one after the other; each may be larger than one system call can write. */
export async function replaceFile(
  path: string,
  parts: Iterable<Uint8Array>,
  { mode = DEFAULT_MODE }: ReplaceOptions = {},
): Promise<void> {
  const temporary = temporaryName(path);
  const file = await open(temporary, 'wx', mode);
  try {
    try {
      for (const part of parts) await writeAll(file, part);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeAll(file: FileHandle, part: Uint8Array): Promise<void> {
  for (let at = 0; at < part.length;) {
    const { bytesWritten } = await file.write(part, at, Math.min(PIECE_BYTES, part.length - at));
    at += bytesWritten;
  }
}

function temporaryName(path: string): string {
  return `${path}.${randomBytes(8).toString('hex')}.tmp`;
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
