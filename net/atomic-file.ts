/**
 * Files that are replaced as a whole: whoever opens the path finds the file that was there or all of the new one, also
 * after the writer was killed.
 *
 * The bytes go to a temporary file in the same folder, which is opened exclusively under a random name (so that two
 * writers do not meet in it, and it follows no link), and is renamed over the path. When something fails it is
 * removed and the path is as it was. A writer that is killed leaves it behind.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** One write call moves at most this much; the kernel's own limit is just below 2 GiB. */
const PIECE_BYTES = 1 << 28;
const DEFAULT_MODE = 0o666;

export interface ReplaceOptions {
  /** Permission bits before the umask; default 0o666. Those of a file that was there are not kept. */
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

/** Writes `parts` one after the other; each may be larger than what one call of the kernel takes. */
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
