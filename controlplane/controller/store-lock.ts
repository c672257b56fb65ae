/** Prevents two controllers from using the same store. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { StoreLockedError } from '../errors.js';

const holder = z.object({
  pid: z.int().positive(),
  /** Start time of the process in clock ticks since boot, where the system provides it: a pid alone may have been reused. */
  started: z.string(),
  token: z.string(),
});
type Holder = Readonly<z.infer<typeof holder>>;

/** A lock file that names its holder; it is ignored when the holder no longer runs. */
export class StoreLock {
  private constructor(
    private readonly path: string,
    private readonly token: string,
  ) {}

  /** @throws StoreLockedError naming the process that holds it */
  static acquire(path: string): StoreLock {
    const token = randomUUID();
    const own: Holder = { pid: process.pid, started: startTime(process.pid), token };
    const temporary = `${path}.${token}`;
    // Exclusively, so that no link that stands there is followed.
    writeFileSync(temporary, JSON.stringify(own), { flag: 'wx' });
    try {
      // link() fails when the name exists, and the file under the name is complete from the first instant.
      for (;;) {
        try {
          linkSync(temporary, path);
          return new StoreLock(path, token);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        }
        const holder = readHolder(path);
        if (holder !== undefined && isRunning(holder)) {
          throw new StoreLockedError(
            `process ${holder.pid} runs a controller on this store already (${path}); stop it, or choose another store`,
          );
        }
        evict(path, holder?.token);
      }
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  release(): void {
    if (readHolder(this.path)?.token === this.token) rmSync(this.path, { force: true });
  }
}

/** Removes a dead holder's lock, but not the lock of another process that did the same first. */
function evict(path: string, token: string | undefined): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    if (readHolder(aside)?.token !== token) linkSync(aside, path);
  } finally {
    rmSync(aside, { force: true });
  }
}

/** @returns undefined for a file that is gone, or that no controller wrote: links are made to complete files only */
function readHolder(path: string): Holder | undefined {
  try {
    return holder.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

function isRunning(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return startTime(holder.pid) === holder.started;
}

/**
 * Field 22 of /proc/<pid>/stat, counted after the command name because that may contain spaces. Empty
 * where there is no /proc; a zombie counts as ended, since it can no longer write.
 */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '');
  } catch {
    return '';
  }
}
