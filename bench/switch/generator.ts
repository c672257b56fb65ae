/** The generator of both switches: bench/c/generator.c, compiled on demand. */
import { spawnSync } from 'node:child_process';
import { CProgram, pinned } from './c-program.js';

/** The other end of a switch port's cable. */
export interface LoadPort {
  readonly interface: string;
  /** Frames that are sent, all of one length, and the frames that must return at this port. */
  readonly out: readonly Uint8Array[];
  readonly in: readonly Uint8Array[];
}

export interface Load {
  readonly kind: 'fpisa' | 'router';
  readonly ports: readonly LoadPort[];
}

export interface RunOptions {
  /** In flight: rounds of a job, or packets of a port. */
  readonly window: number;
  /** Of a job: the first chunk, any number above all that the switch has seen. */
  readonly first: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** CPU to run on; undefined: any. */
  readonly cpu: number | undefined;
}

export interface Measurement {
  readonly seconds: number;
  /** Packets that returned from the switch, which received as many from the generator. */
  readonly packets: number;
  /** Packets that never returned. If there are any, the other values are meaningless. */
  readonly lost: number;
  /** Packets that returned with wrong contents. */
  readonly wrong: number;
  /** Share of the time in which the generator was busy, not waiting for the switch. */
  readonly busy: number;
  /** Of a job: the first chunk that was not sent. */
  readonly next: number;
  /** The kind of socket that sent the frames. */
  readonly sends: 'AF_XDP' | 'AF_PACKET';
}

export class Generator {
  private constructor(private readonly program: CProgram) {}

  /** Undefined if there is no C compiler. */
  static compile(): Generator | undefined {
    const program = CProgram.compile('generator');
    return program && new Generator(program);
  }

  /** Blocks the thread until it is done. */
  run({ kind, ports }: Load, { window, first, warmUpSeconds, seconds, cpu }: RunOptions): Measurement {
    const specs = ports.map((port, i) => this.program.port(i, port.interface, port.out, port.in));
    const command = [this.program.path, kind, ...[window, first, warmUpSeconds, seconds].map(String), ...specs];
    const [program, ...args] = pinned(cpu, command);
    const { status, stdout, stderr, error } = spawnSync(program!, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`the generator failed: ${error?.message ?? stderr.trim()}`);
    return JSON.parse(stdout) as Measurement;
  }

  remove(): void {
    this.program.remove();
  }
}
