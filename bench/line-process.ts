/** A child process that writes lines of JSON, of its own accord or in answer to one. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Maximum length of the stderr output that an error message shows. */
const STDERR_TAIL = 2_000;

interface Answer {
  readonly error?: string;
}

export class LineProcess {
  private stderr = '';
  private why = '';
  /** Answers that nobody has asked for yet. */
  private readonly early: Answer[] = [];
  private waiting: { resolve: (answer: unknown) => void; reject: (error: Error) => void } | undefined;
  private readonly ended: Promise<void>;

  private constructor(
    private readonly name: string,
    private readonly child: ChildProcess,
  ) {
    child.stderr!.on('data', (chunk: Buffer) => (this.stderr = (this.stderr + chunk.toString()).slice(-STDERR_TAIL)));
    createInterface({ input: child.stdout! }).on('line', (line) => this.receive(line));
    this.ended = new Promise((resolve) => {
      const end = (why: string): void => {
        this.why = why;
        this.end();
        resolve();
      };
      child.once('error', (error) => end(error.message));
      child.once('close', (code, signal) => end(`it ended with ${signal ?? `code ${code}`}`));
    });
  }

  static start(
    name: string,
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): LineProcess {
    return new LineProcess(
      name,
      spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } }),
    );
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** @throws Error with the process's stderr if it ends instead, or with the `error` that it answers */
  ask<T>(question: unknown): Promise<T> {
    const answer = this.next<T>();
    this.child.stdin!.write(`${JSON.stringify(question)}\n`, () => undefined);
    return answer;
  }

  /** The next line, without a request. @throws as {@link ask} */
  next<T>(): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting = { resolve: (answer) => resolve(answer as T), reject };
      if (this.early.length > 0) this.answer(this.early.shift()!);
      else if (this.why !== '') this.end();
    });
  }

  /** Rejects when the process ends, and never resolves. */
  async fault(): Promise<never> {
    await this.ended;
    throw this.ending();
  }

  /** @param signal for a process that does not end when its input does */
  async close(signal?: NodeJS.Signals): Promise<void> {
    this.child.stdin!.end();
    if (signal !== undefined) this.child.kill(signal);
    await this.ended;
  }

  private receive(line: string): void {
    // Libraries also write to stdout.
    if (!line.startsWith('{')) return;
    const answer = JSON.parse(line) as Answer;
    if (this.waiting === undefined) this.early.push(answer);
    else this.answer(answer);
  }

  private answer(answer: Answer): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (answer.error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(`${this.name}: ${answer.error}`));
  }

  private end(): void {
    this.waiting?.reject(this.ending());
    this.waiting = undefined;
  }

  private ending(): Error {
    return new Error(`${this.name}: ${this.why}${this.stderr === '' ? '' : `\n${this.stderr.trim()}`}`);
  }
}
