/** Prevents two controllers from using the same store. */
import { hostname } from 'node:os';
import { z } from 'zod';
import { FileLock } from '../../net/file-lock.js';
import { StoreLockedError } from '../errors.js';

/** For people: in another container the same pid is another process. */
const holder = z.object({ pid: z.int().positive(), host: z.string() });

/** @throws StoreLockedError naming the process that holds it, NodeJS.ErrnoException when the lock cannot be made */
export function lockStore(path: string): FileLock {
  const lock = FileLock.acquire(path, JSON.stringify({ pid: process.pid, host: hostname() }));
  if (lock instanceof FileLock) return lock;
  throw new StoreLockedError(
    `${holderOf(lock.holder)} runs a controller on this store already (${path}); stop it, or choose another store`,
  );
}

function holderOf(text: string): string {
  try {
    const { pid, host } = holder.parse(JSON.parse(text));
    return `process ${pid} on ${host}`;
  } catch {
    return 'another process';
  }
}
