/** Runs `fpisa mininet` as a process, talks to it while it works, and looks for what it leaves behind. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FPISA = join(ROOT, 'bin/fpisa.js');

interface Report {
  readonly ok: boolean;
  readonly error?: { readonly code: string; readonly message: string };
  readonly workers: number;
  readonly elements: number;
  readonly identicalAcrossWorkers: boolean;
  readonly outOfBound: number;
  readonly packets: number;
  readonly retransmissions: number;
  readonly restarts: number;
  readonly lost: readonly number[];
  readonly partial?: string;
  readonly switches: readonly string[];
  readonly notes: readonly string[];
  readonly valuesPerPacket: number;
  readonly layers: readonly { readonly phase: string; readonly layer: string; readonly ranks: readonly number[] }[];
}

interface RunEvent {
  readonly event: string;
  readonly share?: number;
  readonly command?: unknown;
  readonly error?: string;
}

export interface Run {
  readonly process: ChildProcess;
  send(command: unknown): void;
  /** The next event, from now on, that `wanted` accepts. @throws when the process ends before */
  event(wanted: (event: RunEvent) => boolean): Promise<RunEvent>;
  readonly end: Promise<{
    readonly code: number | null;
    readonly report: Report | undefined;
    readonly text: string;
    readonly errors: string;
  }>;
  /** Command lines of processes that still run, names of interfaces of ours on this machine, and files in the folder for temporary ones. */
  leftovers(): { processes: string[]; interfaces: string[]; files: string[] };
  /** Process numbers of what runs in this run's networks and has `text` in its command line. */
  find(text: string): number[];
}

const started = new Set<Run>();
const temporaries = new Set<string>();

export function run(
  args: readonly string[],
  options: { readonly within?: readonly string[]; readonly input?: string } = {},
): Run {
  const temporary = mkdtempSync(join(tmpdir(), 'fpisa-mininet-test-'));
  temporaries.add(temporary);
  const [program, ...rest] = [...(options.within ?? []), process.execPath, FPISA, 'mininet', ...args];
  // TMPDIR is in the environment of all that it starts, and so tells them from everything else that runs here.
  const child = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: temporary } });
  const waiting = new Set<{ wanted: (event: RunEvent) => boolean; resolve: (event: RunEvent) => void }>();
  let report: Report | undefined;
  let text = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.startsWith('{')) return;
    const object = JSON.parse(line) as RunEvent | Report;
    if (!('event' in object)) {
      report = object;
      return;
    }
    for (const waiter of waiting) {
      if (!waiter.wanted(object)) continue;
      waiting.delete(waiter);
      waiter.resolve(object);
    }
  });
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  if (options.input !== undefined) child.stdin.end(options.input);
  const end = new Promise<{ code: number | null; report: Report | undefined; text: string; errors: string }>(
    (resolve) => {
      child.once('close', (code) => resolve({ code, report, text, errors }));
    },
  );
  const ours = (): { pid: number; command: string }[] => processesWith(`TMPDIR=${temporary}`);
  const result: Run = {
    process: child,
    send: (command) => void child.stdin.write(`${JSON.stringify(command)}\n`),
    event: (wanted) =>
      Promise.race([
        new Promise<RunEvent>((resolve) => waiting.add({ wanted, resolve })),
        end.then(({ report: last }) => Promise.reject(new Error(`it ended first: ${JSON.stringify(last)} ${errors}`))),
      ]),
    end,
    leftovers: () => ({
      processes: ours().map(({ command }) => command),
      interfaces: interfaces().filter((name) => /^(s\d+-eth|h\d+-(eth|ctl|mgmt))/.test(name)),
      files: readdirSync(temporary),
    }),
    find: (text) =>
      ours()
        .filter(({ command }) => command.includes(text))
        .map(({ pid }) => pid),
  };
  started.add(result);
  void end.then(() => started.delete(result));
  return result;
}

/** Ends runs that a failed test has left, and takes away what tests have looked for remains in. */
export async function endAll(): Promise<void> {
  for (const each of [...started]) {
    each.process.kill('SIGKILL');
    await each.end;
  }
  for (const path of temporaries) rmSync(path, { recursive: true, force: true });
}

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'fpisa-mininet-files-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The kernel takes processes and interfaces of a namespace away after its first process has ended, so this waits for the last of them to go. */
export async function expectNothingLeft(network: Run): Promise<void> {
  await expect.poll(() => network.leftovers().processes).toEqual([]);
  expect(network.leftovers()).toEqual({ processes: [], interfaces: [], files: [] });
}

function processesWith(setting: string): { pid: number; command: string }[] {
  const found: { pid: number; command: string }[] = [];
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      if (!readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(setting)) continue;
      found.push({
        pid: Number(name),
        command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
      });
    } catch {
      // It ended while it was inspected.
    }
  }
  return found;
}

function interfaces(): string[] {
  const { stdout } = spawnSync('ip', ['-o', 'link'], { encoding: 'utf8' });
  return [...stdout.matchAll(/^\d+: ([^:@]+)/gm)].map(([, name]) => name!);
}
