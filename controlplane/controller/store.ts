/** Persistent storage of the controller's state. */
import { lstatSync, readFileSync, realpathSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import type { ZodError } from 'zod';
import { replaceFileSync } from '../../net/atomic-file.js';
import type { FileLock } from '../../net/file-lock.js';
import { makeFolderSync } from '../../net/folder.js';
import { ControlPlaneError, StoreAccessError, StoreFormatError } from '../errors.js';
import { completeState, storedState } from './state-schema.js';
import { emptyState, type ControllerState } from './state.js';
import { lockStore } from './store-lock.js';

/**
 * One controller's state. `write` returns when the state is durable: callers rely on it to store an epoch
 * before any worker or switch learns of it, which is why it is synchronous.
 */
export interface Store {
  /** For people: a path, or `memory`. */
  readonly location: string;
  read(): ControllerState;
  write(state: ControllerState): void;
  /** Releases the store for another controller. */
  close(): void;
}

const MAX_STORE_ID = 2 ** 32;
const RESTORE = 'restore it, or move it away to start empty';

/** Keeps the state in memory only: for tests and demonstrations. */
export class MemoryStore implements Store {
  readonly location = 'memory';
  /** Serialised, so that a caller's later changes cannot reach it. */
  private text = JSON.stringify(emptyState(randomInt(1, MAX_STORE_ID)));

  read(): ControllerState {
    return JSON.parse(this.text) as ControllerState;
  }
  write(state: ControllerState): void {
    this.text = JSON.stringify(state);
  }
  close(): void {}
}

/**
 * A JSON file, replaced as a whole: a reader, or a controller that starts after a crash, sees either the old state or
 * the new one.
 */
export class FileStore implements Store {
  readonly location: string;
  private readonly lock: FileLock;

  /** @throws StoreLockedError when another controller runs on the same file, StoreAccessError */
  constructor(path: string) {
    const location = resolve(path);
    [this.location, this.lock] = accessing(location, () => {
      makeFolderSync(dirname(location));
      // Under another name, through a symbolic link, it is the same store.
      const real = realPath(location);
      for (const each of [real, `${real}.lock`]) refuseDevice(each);
      return [real, lockStore(`${real}.lock`)];
    });
  }

  /** @throws StoreFormatError for a file that this version did not write, StoreAccessError */
  read(): ControllerState {
    return accessing(this.location, () => {
      const text = this.text();
      if (text !== undefined) return parseState(text, this.location);
      const state = emptyState(randomInt(1, MAX_STORE_ID));
      this.write(state);
      return state;
    });
  }

  /** Undefined when there is no file yet. */
  private text(): string | undefined {
    try {
      return readFileSync(this.location, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** @throws StoreAccessError; the file is then unchanged */
  write(state: ControllerState): void {
    accessing(this.location, () =>
      replaceFileSync(this.location, JSON.stringify(state, undefined, 2) + '\n', { mode: 0o600, durable: true }),
    );
  }

  close(): void {
    this.lock.release();
  }
}

function realPath(location: string): string {
  try {
    return realpathSync(location);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return join(realpathSync(dirname(location)), basename(location));
  }
}

/** A pipe or a device would be waited for, or read without end. */
function refuseDevice(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isFile() || found.isDirectory() || found.isSymbolicLink()) return;
  throw Object.assign(new Error('this is no file but a device, pipe or socket'), { path });
}

/** @throws StoreAccessError for what the system refuses */
function accessing<T>(location: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ControlPlaneError) throw error;
    throw new StoreAccessError(location, error as NodeJS.ErrnoException);
  }
}

function parseState(text: string, location: string): ControllerState {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch (error) {
    throw new StoreFormatError(
      `the store ${location} is not JSON (${(error as Error).message.replace(/\s+/g, ' ')}); ${RESTORE}`,
    );
  }
  const version = (stored as { version?: unknown } | null)?.version;
  if (typeof version !== 'number')
    throw new StoreFormatError(
      `the file ${location} is JSON of another program, not a controller's store; choose another file for the store`,
    );
  if (version !== 1)
    throw new StoreFormatError(
      `the store ${location} has format version ${version}, this controller reads version 1; use the release that wrote it, or choose another store`,
    );
  const { data, error } = storedState.safeParse(stored);
  if (error !== undefined) throw new StoreFormatError(`the store ${location} ${firstFault(stored, error)}; ${RESTORE}`);
  return completeState(data);
}

/** The first in zod's order, which is the schema's. */
function firstFault(stored: unknown, { issues }: ZodError): string {
  const { path, message } = issues[0]!;
  const name = path.join('.');
  const value = path.reduce<unknown>((within, key) => (within as Record<PropertyKey, unknown>)[key], stored);
  if (value === undefined) return `has no "${name}", which must be ${message}`;
  const shown =
    typeof value === 'object' && value !== null
      ? Array.isArray(value)
        ? 'a list'
        : 'an object'
      : JSON.stringify(value);
  return `has ${shown} as "${name}", which must be ${message}`;
}
