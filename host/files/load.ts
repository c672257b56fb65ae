/** Tensor files by the extension of their name. */
import { extname } from 'node:path';
import type { ReadOptions } from './element-types.js';
import { FileExtensionError } from './errors.js';
import { readNpy, writeNpy } from './npy.js';
import { readSafetensors, writeSafetensors } from './safetensors.js';
import type { TensorFile } from './tensor-file.js';

interface FileFormat {
  read(path: string, options: ReadOptions): Promise<TensorFile>;
  write(path: string, file: Readonly<TensorFile>): Promise<void>;
}

const FORMATS: ReadonlyMap<string, FileFormat> = new Map([
  ['.npy', { read: readNpy, write: writeNpy }],
  ['.safetensors', { read: readSafetensors, write: writeSafetensors }],
]);

/** Extensions of the formats that can be read and written. */
export const FILE_EXTENSIONS: readonly string[] = [...FORMATS.keys()];

/** @throws FileExtensionError, or what the format's reader throws */
export async function readTensorFile(path: string, options: ReadOptions = {}): Promise<TensorFile> {
  return await formatOf(path).read(path, options);
}

/** @throws FileExtensionError, or what the format's writer throws */
export async function writeTensorFile(path: string, file: Readonly<TensorFile>): Promise<void> {
  await formatOf(path).write(path, file);
}

function formatOf(path: string): FileFormat {
  const extension = extname(path).toLowerCase();
  const format = FORMATS.get(extension);
  if (format === undefined) {
    const found = extension === '' ? 'the name has no extension' : `extension '${extension}' is unknown`;
    throw new FileExtensionError(path, `${found}; supported: ${FILE_EXTENSIONS.join(', ')}`);
  }
  return format;
}
