/** One simple_switch_grpc, in its own folder. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { supportedOptions } from '../../../net/bmv2.js';

const PROGRAM = 'simple_switch_grpc';
const EXIT_TIMEOUT_MS = 5_000;

/** Its version, such as `1.15.5-9674187f`; undefined when it is not on PATH. */
export function bmv2Version(): string | undefined {
  try {
    return execFileSync(PROGRAM, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

export class Bmv2Process {
  readonly p4runtimeAddress: string;
  readonly dataplaneAddress: string;
  private readonly folder = mkdtempSync(join(tmpdir(), 'bmv2-'));
  private readonly child: ChildProcess;
  private output = '';
  private readonly exited: Promise<void>;
  private readonly killOnExit = (): void => void this.child.kill('SIGKILL');

  /** Listens on Unix sockets, so that switches of several tests cannot meet. */
  constructor(deviceId: number, cpuPort: number) {
    this.p4runtimeAddress = `unix:${join(this.folder, 'p4runtime')}`;
    this.dataplaneAddress = `unix:${join(this.folder, 'dataplane')}`;
    this.child = spawn(
      PROGRAM,
      [
        ...[
          '--no-p4',
          '--device-id',
          String(deviceId),
          '--log-file',
          join(this.folder, 'log'),
          '--log-level',
          'warn',
          '--log-flush',
        ],
        // The Thrift server can only be on TCP; 0 lets the kernel choose its port.
        ...supportedOptions(PROGRAM, { '--thrift-port': '0' }),
        ...['--', '--cpu-port', String(cpuPort)],
        ...['--grpc-server-addr', this.p4runtimeAddress, '--dp-grpc-server-addr', this.dataplaneAddress],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream!.on('data', (text: Buffer) => {
        // The reason is at the beginning: after a wrong option comes the whole usage.
        this.output = (this.output + text.toString()).slice(0, 4_000);
      });
    }
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.output += `\n${PROGRAM} ended with ${signal ?? `status ${code}`}`;
        resolve();
      });
      this.child.once('error', (error) => {
        this.output += error.message;
        resolve();
      });
    });
    process.once('exit', this.killOnExit);
  }

  /** The beginning of its output and the end of its log, for error messages. */
  lastWords(): string {
    const log = existsSync(join(this.folder, 'log.txt'))
      ? readFileSync(join(this.folder, 'log.txt'), 'utf8').slice(-2_000)
      : '';
    return `${this.output}\n${log}`.trim();
  }

  async stop(): Promise<void> {
    process.off('exit', this.killOnExit);
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), EXIT_TIMEOUT_MS);
    await this.exited;
    clearTimeout(timer);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
