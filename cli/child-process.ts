/** A process of this same command, whose output is JSON, one object a line. */
import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ChildError } from './errors.js';

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  /** Command, with arguments, that runs the process in another place: `mnexec -a PID`. */
  readonly within?: readonly string[];
  /** In its own session, which Ctrl-C at this process's terminal does not reach. */
  readonly detached?: boolean;
}

/** How long a process may take to end after it was asked to. */
const GRACE_MS = 3_000;

export class Child<Message = Record<string, unknown>> {
  private readonly process: ChildProcess;
  private readonly waiting: ((message: Message) => void)[] = [];
  private readonly unread: Message[] = [];
  private errors = '';
  readonly exit: Promise<ChildExit>;

  /** @param name for messages, such as "worker 3" */
  constructor(
    readonly name: string,
    args: readonly string[],
    private readonly onMessage?: (message: Message) => void,
    { within: [enter, ...into] = [], detached = false }: ChildOptions = {},
  ) {
    // Forked, because the channel that comes with it tells the child when this process is gone.
    this.process = fork(process.argv[1]!, [...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached,
      ...(enter !== undefined && { execPath: enter, execArgv: [...into, process.execPath] }),
    });
    createInterface({ input: this.process.stdout! }).on('line', (line) => this.receive(line));
    this.process.stderr!.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.exit = new Promise((resolve) => this.process.once('close', (code, signal) => resolve({ code, signal })));
  }

  /** The next line of its output. @throws ChildError with its last output when it ends first */
  async next(): Promise<Message> {
    const message = this.unread.shift();
    if (message !== undefined) return message;
    const line = new Promise<Message>((resolve) => this.waiting.push(resolve));
    return Promise.race([line, this.fault()]);
  }

  /** Never resolves. @throws ChildError when it ends, however that happens: for a process that should outlive others */
  async fault(): Promise<never> {
    const { code, signal } = await this.exit;
    throw this.failure(code, signal);
  }

  /** Resolves when it ends with code 0. @throws ChildError otherwise */
  async done(): Promise<void> {
    const { code, signal } = await this.exit;
    if (code !== 0) throw this.failure(code, signal);
  }

  /** Ends it immediately, as a crash would. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exit;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.process.kill('SIGKILL'), GRACE_MS);
    await this.exit;
    clearTimeout(timer);
  }

  private receive(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line) as Message;
    } catch {
      this.errors += `${line}\n`;
      return;
    }
    const error = (message as { error?: { message: string } }).error;
    if (error !== undefined) {
      // Callers see its exit, which follows.
      this.errors += `${error.message}\n`;
      return;
    }
    this.onMessage?.(message);
    const waiter = this.waiting.shift();
    if (waiter !== undefined) waiter(message);
    else this.unread.push(message);
  }

  private failure(code: number | null, signal: NodeJS.Signals | null): ChildError {
    const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
    const why = this.errors.trim();
    return new ChildError(`${this.name} ${how}${why === '' ? '' : `: ${why}`}`);
  }
}
