/** The `fpisa` command as a process. What a test starts here is ended with the test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, vi } from 'vitest';
import { ensureBuilt, ROOT } from './built.js';

/** Far beyond what any of them takes: processes start slowly on a busy machine. */
const PATIENCE_MS = 600_000;
vi.setConfig({ testTimeout: PATIENCE_MS, hookTimeout: PATIENCE_MS });

beforeAll(ensureBuilt, PATIENCE_MS);

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of --json output. */
export type Line = Record<string, unknown>;

type Cleanup = () => void | Promise<void>;

/** Of what was begun outside of any test. */
const ofFile: Cleanup[] = [];

afterAll(async () => {
  for (const cleanup of ofFile.splice(0).reverse()) await cleanup();
});

/** Runs at the end of the test, or of all tests of the file when called in beforeAll. */
export function onEnd(cleanup: Cleanup): void {
  try {
    onTestFinished(cleanup);
  } catch {
    ofFile.push(cleanup);
  }
}

/** Folder for a test's files. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'fpisa-cli-'));
  onEnd(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface CommandOptions {
  /** In its own process group: a signal then reaches its children, too, as Ctrl-C does at a terminal. */
  readonly group?: boolean;
  /** On top of the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that runs until it ends by itself, or the test does. */
export class Command {
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  private hasEnded = false;
  private readonly process: ChildProcess;
  private readonly watchers = new Set<() => void>();

  constructor(
    readonly args: readonly string[],
    private readonly options: CommandOptions = {},
  ) {
    const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
    // Of the user who runs the tests.
    delete env['FPISA_CONTROLLER'];
    delete env['FPISA_DEBUG'];
    this.process = spawn(process.execPath, [join(ROOT, 'bin/fpisa.js'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
      detached: options.group ?? false,
    });
    this.process.stdout!.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.notify();
    });
    this.process.stderr!.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
      this.notify();
    });
    this.ended = new Promise((resolve) => {
      // After both outputs have been read to their end.
      this.process.once('close', (code, signal) => {
        this.hasEnded = true;
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
        this.notify();
      });
    });
    onEnd(async () => {
      if (!this.hasEnded) this.kill('SIGKILL');
      await this.ended;
    });
  }

  get pid(): number {
    return this.process.pid!;
  }

  kill(signal: NodeJS.Signals): void {
    process.kill(this.options.group ? -this.pid : this.pid, signal);
  }

  /** The first line of JSON that fits, of those printed so far and later. @throws when the process ends before */
  line(fits: (line: Line) => boolean = () => true): Promise<Line> {
    return this.output((text) => jsonLines(text).find(fits));
  }

  /** Waits until standard output is such a text. */
  async text(pattern: RegExp): Promise<void> {
    await this.output((text) => pattern.exec(text) ?? undefined);
  }

  /** Waits until such a text is part of standard error. */
  async errorText(pattern: RegExp): Promise<void> {
    await this.output(() => pattern.exec(this.stderr) ?? undefined);
  }

  /** @param find is given what standard output is so far */
  private async output<T>(find: (text: string) => T | undefined): Promise<T> {
    for (;;) {
      const found = find(this.stdout);
      if (found !== undefined) return found;
      if (this.hasEnded) throw new Error(`fpisa ${this.args.join(' ')} ended instead:\n${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          this.watchers.delete(watcher);
          resolve();
        };
        this.watchers.add(watcher);
      });
    }
  }

  private notify(): void {
    for (const watcher of [...this.watchers]) watcher();
  }
}

function jsonLines(text: string): Line[] {
  // The last piece may not be whole yet.
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);
}

/** Runs the command to its end. */
export function fpisa(...args: readonly string[]): Promise<Ended> {
  return new Command(args).ended;
}

/** The one JSON value that a command with --json printed. */
export function onlyJson<T = Line>({ stdout, stderr, code }: Ended): T {
  const lines = stdout.split('\n').filter((line) => line !== '');
  expect(lines.length, `exit code ${code}, standard output:\n${stdout}\nstandard error:\n${stderr}`).toBe(1);
  return JSON.parse(lines[0]!) as T;
}

/** Standard error but for what waiting workers say: on a busy machine another process may come late. */
export function withoutNotices(stderr: string): string {
  return stderr.replace(/^fpisa: waiting for .*\n/gm, '');
}

/** A failure, as text: one line on standard error, nothing on standard output, no stack. */
export function expectFailure({ code, stdout, stderr: said }: Ended, exitCode: number, message: RegExp): void {
  const stderr = withoutNotices(said);
  expect({ code, stderr }).toEqual({ code: exitCode, stderr: expect.stringMatching(message) as string });
  expect(stderr).toMatch(/^fpisa: [^\n]+\n$/);
  expect(stdout).toBe('');
}
