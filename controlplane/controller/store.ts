/** Where the controller's state survives it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { replaceFileSync } from '../../net/atomic-file.js';
import { StoreFormatError } from '../errors.js';
import { completeState, emptyState, type ControllerState } from './state.js';
import { StoreLock } from './store-lock.js';

/**
 * One controller's state. `write` returns when the state is safe: callers rely on it to store an epoch
 * before any worker or switch hears of it, which is why it is synchronous.
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

/** Keeps nothing beyond the process: for tests and demonstrations. */
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
  private readonly lock: StoreLock;

  /** @throws StoreLockedError when another controller runs on the same file */
  constructor(path: string) {
    this.location = resolve(path);
    mkdirSync(dirname(this.location), { recursive: true });
    this.lock = StoreLock.acquire(`${this.location}.lock`);
  }

  /** @throws StoreFormatError for a file that this version did not write */
  read(): ControllerState {
    let text: string;
    try {
      text = readFileSync(this.location, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      const state = emptyState(randomInt(1, MAX_STORE_ID));
      this.write(state);
      return state;
    }
    return parseState(text, this.location);
  }

  write(state: ControllerState): void {
    replaceFileSync(this.location, JSON.stringify(state, undefined, 2) + '\n', { mode: 0o600, durable: true });
  }

  close(): void {
    this.lock.release();
  }
}

function parseState(text: string, location: string): ControllerState {
  let state: Partial<ControllerState>;
  try {
    state = JSON.parse(text) as Partial<ControllerState>;
  } catch (error) {
    throw new StoreFormatError(
      `the store ${location} is not JSON (${(error as Error).message}); restore it, or move it away to start empty`,
    );
  }
  if (state?.version !== 1) {
    throw new StoreFormatError(
      `the store ${location} has format version ${String(state?.version)}, this controller reads version 1`,
    );
  }
  for (const key of ['switches', 'jobs', 'epochFloor'] as const) {
    if (typeof state[key] !== 'object' || state[key] === null)
      throw new StoreFormatError(`the store ${location} has no "${key}"`);
  }
  for (const key of ['storeId', 'electionId'] as const) {
    if (typeof state[key] !== 'number') throw new StoreFormatError(`the store ${location} has no "${key}"`);
  }
  return completeState(state as ControllerState);
}
