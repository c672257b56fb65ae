/**
 * A lock that the kernel keeps: flock(2). It ends with its process however that ends, holds between processes in
 * different PID and network namespaces (containers that share a volume) because it belongs to the file, and on NFS
 * between machines. A file that names its holder's pid would hold nowhere but in the holder's own PID namespace.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';

const LOCK_EX = 2;
const LOCK_NB = 4;
/** The user who holds the lock may read and change who that is. */
const MODE = 0o600;

export class FileLock {
  private isHeld = true;

  private constructor(
    private readonly path: string,
    private readonly file: number,
  ) {}

  /**
   * @param path of a file for the lock alone; it exists as long as the lock is held. A symbolic link is not followed.
   * @param holder what another process that wants the lock may read
   * @returns the lock, or who holds it
   * @throws NodeJS.ErrnoException when the file cannot be opened or its file system has no locks
   */
  static acquire(path: string, holder: string): FileLock | { readonly holder: string } {
    const flock = loadFlock();
    for (;;) {
      const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, MODE);
      try {
        const error = flock(file);
        if (error === 'EWOULDBLOCK' || error === 'EAGAIN') {
          const text = readFileSync(file, 'utf8');
          closeSync(file);
          return { holder: text };
        }
        if (error !== undefined)
          throw Object.assign(new Error(`${error}: flock '${path}'`), { code: error, syscall: 'flock', path });
        // Between open and flock the former holder may have removed the file: this lock would then exclude nobody.
        if (isSameFile(file, path)) {
          ftruncateSync(file);
          writeSync(file, holder);
          return new FileLock(path, file);
        }
      } catch (error) {
        closeSync(file);
        throw error;
      }
      closeSync(file);
    }
  }

  release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    // While it is locked: afterwards it may be another's.
    if (isSameFile(this.file, this.path)) rmSync(this.path, { force: true });
    closeSync(this.file);
  }
}

function isSameFile(file: number, path: string): boolean {
  const named = statSync(path, { throwIfNoEntry: false });
  const { ino, dev } = fstatSync(file);
  return named !== undefined && named.ino === ino && named.dev === dev;
}

/** The lock attempt, as a function of the descriptor that returns the symbol of an error. */
function loadFlock(): (file: number) => string | undefined {
  // Only who locks needs the package, and at once.
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi').default;
  const flock = koffi.load(null).func('int flock(int, int)') as unknown as (file: number, operation: number) => number;
  const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
  return (file) => {
    if (flock(file, LOCK_EX | LOCK_NB) === 0) return undefined;
    const errno = koffi.errno();
    return names.get(errno) ?? `errno ${errno}`;
  };
}
