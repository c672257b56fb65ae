/** The Python process that runs Mininet, seen from here; `driver.py` describes the messages of both sides. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Socket } from 'node:net';
import { shippedFile } from '../../net/package-files.js';
import type { SwitchConfig } from '../../controlplane/index.js';
import { NetworkError } from '../errors.js';

export interface NetworkSpec {
  /** Name in the switches of `fpisa_topo.py`. */
  readonly switch: string;
  /** Name and arguments as `mn --topo` takes them. */
  readonly topo: string;
  readonly custom: string | null;
  readonly values: number;
  /** Folder of the switches' logs. */
  readonly logs: string;
  readonly cli: boolean;
  /** Percent. */
  readonly loss: number | null;
  /** Time with unit, such as `5ms`. */
  readonly delay: string | null;
  /** Mbit/s. */
  readonly bw: number | null;
}

/** Where a worker is. */
export interface WorkerPlace {
  readonly rank: number;
  readonly host: string;
  /** Of a process in the host's namespace. */
  readonly pid: number;
  readonly ip: string;
  readonly mac: string;
  readonly switch: string;
  readonly port: number;
}

export interface NetworkDescription {
  readonly switches: readonly SwitchConfig[];
  /** By rank. */
  readonly workers: readonly WorkerPlace[];
  /** Whether the kernel has netem. */
  readonly netem: boolean;
}

export type SwitchCommand = { readonly kill: string } | { readonly start: string } | { readonly restart: string };

type Message =
  | ({ readonly event: 'started' } & NetworkDescription)
  | { readonly event: 'done' | 'allreduce' | 'left' }
  | { readonly event: 'failed' | 'died'; readonly error: string };

interface Answer {
  readonly resolve: (message: Message) => void;
  readonly reject: (error: Error) => void;
}

/** How long the network may take to shut down before it ends with the namespaces. */
const STOP_MS = 5_000;

export class MininetDriver {
  private readonly process: ChildProcess;
  private readonly channel: Socket;
  private readonly answers: Answer[] = [];
  private readonly exit: Promise<void>;
  private errors = '';
  private stopping = false;
  /** Rejects when the network breaks by itself: a switch died, or Mininet did. */
  readonly broken: Promise<never>;
  private break!: (error: Error) => void;
  /** Called when `allreduce` is typed at the prompt. */
  onAllreduce: (() => Promise<void>) | undefined;
  /** Called when the prompt is left. */
  onLeft: (() => void) | undefined;

  constructor(
    python: string,
    private readonly spec: NetworkSpec,
    environment: Readonly<Record<string, string>>,
  ) {
    this.broken = new Promise((_, reject) => (this.break = reject));
    // Callers that wait see the rejection; without one it must not count as unhandled.
    this.broken.catch(() => undefined);
    this.process = spawn(python, ['-B', shippedFile('cli/mininet/driver.py')], {
      stdio: [
        ...(spec.cli ? (['inherit', 'inherit', 'inherit'] as const) : (['ignore', 'pipe', 'pipe'] as const)),
        'pipe',
      ],
      // At the prompt Ctrl-C is for what runs there; without one, this process alone decides when it ends.
      detached: !spec.cli,
      env: { ...process.env, FPISA_NODE: process.execPath, ...environment },
    });
    for (const stream of [this.process.stdout, this.process.stderr])
      stream?.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.channel = this.process.stdio[3] as Socket;
    const lines = createInterface({ input: this.channel });
    lines.on('line', (line) => this.receive(JSON.parse(line) as Message));
    // The process's exit reports the end; a connection that ends with unread commands ends with an error.
    for (const emitter of [this.channel, lines]) emitter.on('error', () => undefined);
    this.exit = new Promise((resolve) => {
      this.process.once('error', (error) => this.end(`cannot be started: ${error.message}`, resolve));
      this.process.once('close', (code) => this.end(`ended with code ${code}`, resolve));
    });
  }

  /** @throws NetworkError when it cannot be built */
  async start(): Promise<NetworkDescription> {
    const message = await this.ask(this.spec);
    if (message.event !== 'started') throw new NetworkError(`Mininet answered "${message.event}" instead of starting`);
    return message;
  }

  /** @throws NetworkError when it could not be done */
  async command(command: SwitchCommand): Promise<void> {
    await this.ask(command);
  }

  /** Lets people type at the prompt. */
  openPrompt(): void {
    this.send({ prompt: true });
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.send({ stop: true });
    const timer = setTimeout(() => this.process.kill('SIGKILL'), STOP_MS);
    await this.exit;
    clearTimeout(timer);
  }

  private ask(message: unknown): Promise<Message> {
    return new Promise((resolve, reject) => {
      this.answers.push({ resolve, reject });
      this.send(message);
    });
  }

  private send(message: unknown): void {
    if (this.channel.writable) this.channel.write(`${JSON.stringify(message)}\n`);
  }

  private receive(message: Message): void {
    switch (message.event) {
      case 'died':
        this.break(new NetworkError(message.error));
        break;
      case 'failed':
        this.answers.shift()?.reject(new NetworkError(message.error));
        break;
      case 'allreduce':
        void this.onAllreduce?.().finally(() => this.send({ reduced: true }));
        break;
      case 'left':
        this.onLeft?.();
        break;
      default:
        this.answers.shift()?.resolve(message);
    }
  }

  private end(how: string, resolve: () => void): void {
    const error = new NetworkError(
      `Mininet ${how}${this.errors.trim() === '' ? '' : `: ${this.errors.trim().split('\n').slice(-3).join(' / ')}`}`,
    );
    for (const { reject } of this.answers.splice(0)) reject(error);
    if (!this.stopping) this.break(error);
    resolve();
  }
}
