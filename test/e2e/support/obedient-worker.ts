/** A worker in a process, and so in a network namespace, of its own, which reduces when it is told to. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from '../../cli/support/built.js';
import { onEnd } from '../../cli/support/command.js';

/** What it reports of an operation. */
export interface Done {
  readonly packetValues: number;
  readonly restarts: number;
  /** The sum is that of `marked` tensors (data.ts) of all ranks. */
  readonly right: boolean;
}

const PROGRAM = `
import { createInterface } from 'node:readline';
import { DgramTransport, Worker } from ${JSON.stringify(join(ROOT, 'dist/host/index.js'))};
const { workers, dgram, ...options } = JSON.parse(process.argv[1]);
const transport = dgram ? { transport: await DgramTransport.open({ ip: options.ip }) } : {};
const worker = await Worker.join({ ...options, ...transport });
console.log('{}');
for await (const line of createInterface(process.stdin)) {
  const tensor = Float32Array.from({ length: Number(line) }, (_, i) => 2 ** options.rank * (1 + (i % 13)));
  const { packetValues, restarts } = await worker.allreduce(tensor);
  const right = tensor.every((value, i) => value === (2 ** workers - 1) * (1 + (i % 13)));
  console.log(JSON.stringify({ packetValues, restarts, right }));
}
await worker.leave();
`;

export class ObedientWorker {
  private readonly lines: AsyncIterator<string>;

  private constructor(private readonly child: ChildProcess) {
    this.lines = createInterface(child.stdout!)[Symbol.asyncIterator]();
    onEnd(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    });
  }

  /** @param options of Worker.join, how many `workers` the job has, and `dgram` for that transport */
  static start(options: Readonly<Record<string, unknown>>): ObedientWorker {
    const args = ['--input-type=module', '--eval', PROGRAM, JSON.stringify(options)];
    return new ObedientWorker(spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  }

  async joined(): Promise<void> {
    await this.line();
  }

  async reduce(length: number): Promise<Done> {
    this.child.stdin!.write(`${length}\n`);
    return JSON.parse(await this.line()) as Done;
  }

  private async line(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (done === true) throw new Error('the worker has ended');
    return value;
  }
}
