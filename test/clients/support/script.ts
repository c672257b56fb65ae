/** A script, or a program with a scenario, that drives a switch as a client, and asks the test for packets. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import type { Server, Target } from './target.js';

/** Paths of PEM files. */
export interface TlsFiles {
  readonly ca: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** What runs scripts. */
export interface Runner {
  /** A program and its arguments; the options follow. */
  command(script: string): readonly [string, ...string[]];
}

export interface ScriptOptions {
  readonly p4info?: string;
  readonly program?: string;
  readonly tls?: TlsFiles;
  readonly electionId?: number;
  /** What the script waits for after its pause; otherwise p4runtime-shell waits until it is, and finsy for nothing. */
  readonly primaryLater?: boolean;
  /** What the client announces as the largest list of headers that it takes; otherwise what its library does. */
  readonly maxHeaderBytes?: number;
}

/** A line of the script (see scripts/link.py). */
type Line =
  | { readonly check: string; readonly value: unknown }
  | { readonly pause: string }
  | { readonly inject: { readonly port: number; readonly sender: number; readonly payload: string } }
  | { readonly egress: number };

/** A script without output for this long is stuck. */
const SILENCE_MS = 120_000;

export class Script {
  /** What it has seen, by name. */
  readonly checks: Record<string, unknown> = {};
  /** Resolves with {@link checks} when it has ended well. */
  readonly done: Promise<Record<string, unknown>>;
  private readonly child;
  private readonly pauses: string[] = [];
  private readonly watchers = new Set<() => void>();
  private errors = '';

  /** @param runner that is not missing. */
  constructor(runner: Runner, name: string, target: Server | Target, { tls, ...rest }: ScriptOptions = {}) {
    const options = { address: target.address, deviceId: target.deviceId, ...rest, ...(tls && { tls }) };
    const [program, ...args] = runner.command(name);
    this.child = spawn(program, [...args, JSON.stringify(options)], {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONFAULTHANDLER: '1', GRPC_VERBOSITY: 'NONE' },
    });
    this.child.stderr.on('data', (chunk: Buffer) => (this.errors = (this.errors + chunk.toString()).slice(-4_000)));
    // Its end is what is reported, not that it no longer reads.
    this.child.stdin.on('error', () => undefined);
    this.done = this.run(name, target);
    this.done.catch(() => undefined);
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** Waits until the script is at such a pause. */
  async paused(name: string): Promise<void> {
    const ended = this.done.then(() => Promise.reject(new Error(`the script has ended without the pause "${name}"`)));
    ended.catch(() => undefined);
    while (this.pauses[0] !== name)
      await Promise.race([new Promise<void>((resolve) => this.watchers.add(resolve)), ended]);
  }

  /** Resumes it from its current pause. */
  resume(): void {
    this.pauses.shift();
    this.reply(null);
  }

  private async run(name: string, target: Server | Target): Promise<Record<string, unknown>> {
    let stuck = false;
    const silence = setTimeout(() => (stuck = this.child.kill('SIGABRT')), SILENCE_MS);
    const exit = once(this.child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    try {
      for await (const text of createInterface({ input: this.child.stdout })) {
        // Both clients print their own remarks.
        silence.refresh();
        if (text.startsWith('{')) await this.obey(JSON.parse(text) as Line, target);
      }
    } catch (error) {
      this.child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(silence);
    }
    const [code, signal] = await exit;
    if (code !== 0)
      throw new Error(
        `${name} ${stuck ? 'was stuck' : `ended with ${signal ?? code}`} after "${Object.keys(this.checks).at(-1)}":\n${this.errors}`,
      );
    return this.checks;
  }

  private async obey(line: Line, target: Server | Target): Promise<void> {
    if ('check' in line) this.checks[line.check] = line.value;
    else if ('pause' in line) {
      this.pauses.push(line.pause);
      for (const watcher of this.watchers) watcher();
      this.watchers.clear();
    } else if (!('inject' in target)) throw new Error('this switch has no ports');
    else if ('inject' in line) {
      target.inject(line.inject.port, line.inject.sender, Buffer.from(line.inject.payload, 'hex'));
      this.reply(null);
    } else {
      const packets = await target.egress(line.egress);
      this.reply(packets.map(({ port, payload }) => [port, Buffer.from(payload).toString()]).sort());
    }
  }

  private reply(value: unknown): void {
    this.child.stdin.write(`${JSON.stringify(value)}\n`);
  }
}
