/** Checks that results can be written to their destination, before they are computed. */
import { access, constants, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import {
  FILE_EXTENSIONS,
  FileAccessError,
  FileExtensionError,
  FileHeaderError,
  type TensorFile,
} from '../host/index.js';
import { fileProblem } from '../net/file-problem.js';
import { UsageError } from './errors.js';

/**
 * @param file what is to be written
 * @throws TensorFileError, as writing would
 */
export async function checkOutputFile(path: string, file: Readonly<TensorFile>): Promise<void> {
  const extension = extname(path).toLowerCase();
  if (!FILE_EXTENSIONS.includes(extension)) {
    throw new FileExtensionError(
      path,
      `results cannot be written as '${extension}'; choose one of ${FILE_EXTENSIONS.join(', ')}`,
    );
  }
  if (extension === '.npy' && file.tensors.size !== 1) {
    throw new FileHeaderError(
      path,
      `a .npy file holds one tensor, not ${file.tensors.size}; .safetensors holds any number`,
    );
  }
  const folder = dirname(path);
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new FileAccessError(path, `nothing can be written to folder ${folder}: ${fileProblem(error)}`, {
      cause: error,
    });
  }
  // Results are renamed into place, which replaces a file whatever its own permissions are, but not a folder.
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new FileAccessError(path, 'this is a folder');
}

/**
 * Each result replaces the file of its name, so of two with one name only the later would remain.
 * @throws UsageError for two `--out` that lead to one file
 */
export async function checkOutputsDiffer(paths: readonly string[]): Promise<void> {
  const first = new Map<string, string>();
  for (const path of paths) {
    const place = await placeOf(path);
    const other = first.get(place);
    if (other !== undefined)
      throw new UsageError(
        `--out ${other} and --out ${path} are one file, of which only the last result would remain: give each --in an --out of its own`,
      );
    first.set(place, path);
  }
}

/** More links than this in a row are a circle, as Linux has it. */
const MAX_LINKS = 40;

/** Where a path leads in the end, whether the file is there or not. */
async function placeOf(path: string): Promise<string> {
  let place = resolve(path);
  for (let links = 0; links < MAX_LINKS; links++) {
    const folder = await realpath(dirname(place)).catch(() => dirname(place));
    place = join(folder, basename(place));
    const target = await readlink(place).catch(() => undefined);
    if (target === undefined) break;
    place = resolve(folder, target);
  }
  return place;
}
