/** What can be wrong with a tensor file: one class per failure, all of them with the file's path. */
import { FpisaError } from '../../protocol/errors.js';

export abstract class TensorFileError extends FpisaError {
  constructor(
    readonly path: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${problem}`, options);
  }
}

/** The file does not exist, or cannot be opened or written. */
export class FileAccessError extends TensorFileError {
  readonly code = 'FPISA_FILE_ACCESS';
}

/** The name has none of the extensions that can be read and written. */
export class FileExtensionError extends TensorFileError {
  readonly code = 'FPISA_FILE_EXTENSION';
}

/** The file ends before the data that its header announces. */
export class FileTruncatedError extends TensorFileError {
  readonly code = 'FPISA_FILE_TRUNCATED';
}

/** The elements are of a type, or in an order, that cannot be used. */
export class FileDtypeError extends TensorFileError {
  readonly code = 'FPISA_FILE_DTYPE';
}

/** The header does not follow the format, or contradicts itself or the file's length. */
export class FileHeaderError extends TensorFileError {
  readonly code = 'FPISA_FILE_HEADER';
}
