/** Reading and writing files piece by piece, so that tensors may be larger than a Buffer's limit. */
import { type FileHandle, open } from 'node:fs/promises';
import { counted } from '../../net/count.js';
import { replaceFile } from '../../net/atomic-file.js';
import { FileAccessError, FileTruncatedError } from './errors.js';

/** One read call moves at most this much; the kernel's own limit is just below 2 GiB. */
const PIECE_BYTES = 1 << 28;

export class ByteReader {
  private position = 0;

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
    /** Of the whole file. */
    readonly size: number,
  ) {}

  /** Opens `path` for the time of `use`. */
  static async using<T>(path: string, use: (reader: ByteReader) => Promise<T>): Promise<T> {
    let handle: FileHandle;
    try {
      handle = await open(path, 'r');
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      throw new FileAccessError(path, missing ? 'there is no such file' : (error as Error).message, { cause: error });
    }
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new FileAccessError(path, 'this is not a regular file');
      return await use(new ByteReader(path, handle, stats.size));
    } finally {
      await handle.close();
    }
  }

  get remaining(): number {
    return this.size - this.position;
  }

  /** Fills `into`. @throws FileTruncatedError if the file ends before; `what` names the part. */
  async fill(into: Uint8Array, what: string): Promise<void> {
    let done = 0;
    while (done < into.length) {
      const length = Math.min(PIECE_BYTES, into.length - done);
      const { bytesRead } = await this.handle.read(into, done, length, this.position);
      if (bytesRead === 0) {
        throw new FileTruncatedError(
          this.path,
          `the file ends at byte ${this.size}, within ${what} (${missingBytes(into.length - done)})`,
        );
      }
      done += bytesRead;
      this.position += bytesRead;
    }
  }

  async take(length: number, what: string): Promise<Buffer> {
    const bytes = Buffer.alloc(Math.min(length, this.remaining));
    await this.fill(bytes, what);
    if (bytes.length < length) {
      throw new FileTruncatedError(
        this.path,
        `the file ends at byte ${this.size}, within ${what} (${missingBytes(length - bytes.length)})`,
      );
    }
    return bytes;
  }
}

/**
 * Writes `parts` one after the other. The file appears under its name only when it is complete, so that no reader sees a partial file.
 * @throws FileAccessError
 */
export async function writeParts(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  try {
    await replaceFile(path, parts);
  } catch (error) {
    throw new FileAccessError(path, `cannot be written: ${(error as Error).message}`, { cause: error });
  }
}

function missingBytes(count: number): string {
  return `${counted(count, 'byte')} ${count === 1 ? 'is' : 'are'} missing`;
}
