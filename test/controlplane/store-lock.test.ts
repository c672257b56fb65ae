import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileStore } from '../../controlplane/controller/store.js';
import { StoreAccessError, StoreLockedError } from '../../controlplane/errors.js';

const LOADER = new URL('typescript-loader.mjs', import.meta.url).href;
const STORE = new URL('../../controlplane/controller/store.ts', import.meta.url).href;

let folder: string;
let path: string;
const processes: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fpisa-lock-'));
  path = join(folder, 'deep', 'state.json');
});
afterEach(() => {
  for (const each of processes.splice(0)) each.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** A process that holds the store until it is killed. @param wrapper a command that runs it */
async function holder(wrapper: readonly string[] = []): Promise<ChildProcess> {
  const script = `
    const { FileStore } = await import(${JSON.stringify(STORE)});
    new FileStore(${JSON.stringify(path)});
    console.log('held');
    setInterval(() => {}, 1000);`;
  const [program = '', ...more] = [
    ...wrapper,
    process.execPath,
    '--input-type=module',
    '--import',
    LOADER,
    '-e',
    script,
  ];
  const child = spawn(program, more, { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', () => reject(new Error('it ended without the lock')));
  });
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

/** Containers have a PID namespace of their own: their first process is 1 to itself. */
const CONTAINER = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--net', '--uts'];
const canUnshare = spawnSync(CONTAINER[0]!, [...CONTAINER.slice(1), 'true']).status === 0;

describe('a store has one controller', () => {
  test('a second one in the same process is refused, by the pid of the first', () => {
    const store = new FileStore(path);
    expect(() => new FileStore(path)).toThrow(StoreLockedError);
    expect(() => new FileStore(path)).toThrow(
      `process ${process.pid} on ${hostname()} runs a controller on this store already (${store.location}.lock); stop it, or choose another store`,
    );
    store.close();
    new FileStore(path).close();
    expect(readdirSync(join(folder, 'deep'))).toEqual([]);
  });

  test('one in another process is seen, until it is killed', async () => {
    const other = await holder();
    expect(() => new FileStore(path)).toThrow(`process ${other.pid} on ${hostname()} runs a controller`);
    await killed(other);
    const store = new FileStore(path);
    expect(() => new FileStore(path)).toThrow(StoreLockedError);
    store.close();
    expect(readdirSync(join(folder, 'deep'))).toEqual([]);
  });

  test.runIf(canUnshare)(
    `one in another PID and network namespace is seen${canUnshare ? '' : ' (needs root and unshare)'}`,
    async () => {
      const other = await holder(CONTAINER);
      // Its pid there is 1 or little more, which is a running process here, too.
      expect(() => new FileStore(path)).toThrow(StoreLockedError);
      expect(
        spawnSync(CONTAINER[0]!, [
          ...CONTAINER.slice(1),
          ...[process.execPath, '--input-type=module', '--import', LOADER, '-e'],
          `const { FileStore } = await import(${JSON.stringify(STORE)});
           try { new FileStore(${JSON.stringify(path)}); } catch (error) { console.log(error.code); }`,
        ]).stdout.toString(),
      ).toBe('FPISA_STORE_LOCKED\n');
      await killed(other);
      // unshare --kill-child kills what it has started when it is killed; the kernel does so after its exit.
      await expect.poll(() => tryOpen(), { timeout: 60_000 }).toBe(true);
    },
  );

  test('through a symbolic link it is the same store', () => {
    const store = new FileStore(path);
    store.read();
    const link = join(folder, 'link.json');
    symlinkSync(path, link);
    expect(() => new FileStore(link)).toThrow(StoreLockedError);
    store.close();
    const again = new FileStore(link);
    expect(again.location).toBe(store.location);
    again.close();
  });

  test.each(['null', '7', '{', '{"pid":"x"}', '{"pid":1,"started":"5","token":"x"}'])(
    'a file that nobody has locked, with %s, holds nothing',
    (text) => {
      new FileStore(path).close();
      writeFileSync(`${path}.lock`, text);
      new FileStore(path).close();
      expect(readdirSync(join(folder, 'deep'))).toEqual([]);
    },
  );

  test('of many that start at once one gets it, again and again', async () => {
    new FileStore(path).close();
    const script = `
      const { FileStore } = await import(${JSON.stringify(STORE)});
      const { existsSync, rmSync, writeFileSync } = await import('node:fs');
      let taken = 0;
      for (const until = Date.now() + 2_000; Date.now() < until;) {
        try {
          const store = new FileStore(${JSON.stringify(path)});
          // Exclusive creation fails where another process is inside as well.
          writeFileSync(${JSON.stringify(join(folder, 'inside'))}, '', { flag: 'wx' });
          rmSync(${JSON.stringify(join(folder, 'inside'))});
          taken++;
          store.close();
        } catch (error) {
          if (error.code !== 'FPISA_STORE_LOCKED') throw error;
        }
      }
      console.log(taken);`;
    const counts = await Promise.all(
      Array.from(
        { length: 3 },
        () =>
          new Promise<number>((resolve, reject) => {
            const child = spawn(process.execPath, ['--input-type=module', '--import', LOADER, '-e', script], {
              stdio: ['ignore', 'pipe', 'inherit'],
            });
            processes.push(child);
            let output = '';
            child.stdout.on('data', (text: Buffer) => (output += text.toString()));
            child.once('exit', (code) => (code === 0 ? resolve(Number(output)) : reject(new Error(`status ${code}`))));
          }),
      ),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });
});

function tryOpen(): boolean {
  try {
    new FileStore(path).close();
    return true;
  } catch (error) {
    if (error instanceof StoreLockedError) return false;
    throw error;
  }
}

describe('a store that cannot be used is refused in one sentence with the remedy', () => {
  const refused = (run: () => unknown, message: RegExp): void => {
    expect(run).toThrow(StoreAccessError);
    expect(run).toThrow(message);
  };

  test('a directory', () => {
    mkdirSync(path, { recursive: true });
    const store = new FileStore(path);
    refused(() => store.read(), /^the store .*state\.json cannot be used: this is a folder; choose a file in it$/);
    store.close();
  });

  test('a path through a file', () => {
    writeFileSync(join(folder, 'deep'), '');
    refused(
      () => new FileStore(path),
      /cannot be used: .*deep: a file of that name is in the way; choose a file that this process may write$/,
    );
  });

  test('a lock file that is a symbolic link is not followed', () => {
    mkdirSync(join(folder, 'deep'));
    const victim = join(folder, 'victim');
    symlinkSync(victim, `${path}.lock`);
    refused(
      () => new FileStore(path),
      /cannot be used: .*state\.json\.lock: a symbolic link is in the way; remove it, or choose another store$/,
    );
    expect(existsSync(victim)).toBe(false);
  });

  test('a folder in which nothing can be written', () => {
    mkdirSync(join(folder, 'deep'));
    chmodSync(join(folder, 'deep'), 0o500);
    // Root may write anywhere but in the kernel's own file systems.
    const target = process.getuid?.() === 0 ? '/proc/self/state.json' : path;
    refused(
      () => new FileStore(target),
      /cannot be used: .*(permission denied|cannot be made there|read-only).*; choose a file that this process may write$/,
    );
    chmodSync(join(folder, 'deep'), 0o700);
  });
});
