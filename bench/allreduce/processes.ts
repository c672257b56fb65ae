/** Processes that a measurement starts, whose output is JSON, one object a line; they end with it. */
import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface JsonProcess {
  readonly pid: number;
  /** The next line of output. @throws Error if it ends first */
  next<Message>(): Promise<Message>;
  stop(): Promise<void>;
}

export function startProcess(name: string, file: string, args: readonly string[]): JsonProcess {
  const child: ChildProcess = fork(file, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const iterator = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    pid: child.pid!,
    async next<Message>() {
      const line = await iterator.next();
      if (line.done === true) throw new Error(`${name} ended before it answered`);
      return JSON.parse(line.value) as Message;
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
