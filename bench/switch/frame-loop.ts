/**
 * The kernel's limit: bench/c/frame_loop.c, which only takes frames and sends the answers that the generator expects, by
 * the fastest of the ways that the emulator's ports use.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpuSeconds } from '../process-time.js';
import { CProgram, pinned } from './c-program.js';
import type { Load } from './generator.js';
import type { RunningSwitch } from './switches.js';

export class FrameLoop {
  private constructor(private readonly program: CProgram) {}

  /** Undefined if there is no C compiler. */
  static compile(): FrameLoop | undefined {
    const program = CProgram.compile('frame_loop');
    return program && new FrameLoop(program);
  }

  /**
   * @param interfaces of switch port 1, 2, …
   * @param cpu to run on; undefined: any
   */
  async start({ kind, ports }: Load, interfaces: readonly string[], cpu: number | undefined): Promise<RunningSwitch> {
    const specs = ports.map((port, i) => this.program.port(i, interfaces[i]!, port.in, port.out));
    const [program, ...args] = pinned(cpu, [this.program.path, kind, 'ring', 'AF_XDP', ...specs]);
    const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const stop = async (): Promise<void> => {
      child.kill('SIGKILL');
      await ended;
    };
    const first = await Promise.race([once(child.stdout, 'data').then(() => 'ready'), ended.then(() => 'ended')]);
    if (first === 'ended')
      throw new Error(`the frame loop ended with ${child.signalCode ?? `exit code ${child.exitCode}`}`);
    return { cpuSeconds: () => cpuSeconds(child.pid!), stop };
  }

  remove(): void {
    this.program.remove();
  }
}
