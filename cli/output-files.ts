/** Checks that results can be written to their destination, before they are computed. */
import { access, constants, stat } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import {
  FILE_EXTENSIONS,
  FileAccessError,
  FileExtensionError,
  FileHeaderError,
  type TensorFile,
} from '../host/index.js';

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
    throw new FileAccessError(path, `nothing can be written to folder ${folder}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  // Results are renamed into place, which replaces a file whatever its own permissions are, but not a folder.
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw new FileAccessError(path, 'this is a folder');
}
