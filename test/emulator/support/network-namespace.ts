/**
 * Network namespaces of this test's own. They have no name: when the process ends, however it does, they and the
 * interfaces in them are gone.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import type { Libc } from '../../../net/linux/libc.js';
import { requireLibc } from '../../../emulator/ports/linux/require-libc.js';

const CLONE_NEWNET = 0x4000_0000;
const OWN = '/proc/thread-self/ns/net';

/** Why this machine cannot make namespaces, or undefined. */
export async function namespacesMissing(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'network namespaces are there on Linux only';
  try {
    execFileSync('ip', ['-V'], { stdio: 'ignore' });
  } catch {
    return 'needs the command "ip" (iproute2)';
  }
  try {
    (await Namespace.create()).remove();
    return undefined;
  } catch (error) {
    return `needs to be root: ${(error as Error).message}`;
  }
}

export class Namespace {
  private constructor(
    private readonly libc: Libc,
    private readonly fd: number,
  ) {}

  static async create(): Promise<Namespace> {
    const libc = await requireLibc();
    const former = openSync(OWN, 'r');
    try {
      if (libc.unshare(CLONE_NEWNET) !== 0) throw new Error(`unshare: ${libc.errorName(libc.errno())}`);
      // Neighbour discovery would mix its packets into what a test counts.
      writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1');
      writeFileSync('/proc/sys/net/ipv6/conf/all/disable_ipv6', '1');
      return new Namespace(libc, openSync(OWN, 'r'));
    } finally {
      libc.setns(former, CLONE_NEWNET);
      closeSync(former);
    }
  }

  /** What other processes can open: `nsenter --net=<path>`. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.fd}`;
  }

  /** From now on this thread, and what it starts, is in the namespace. @returns the function that leaves it */
  enter(): () => void {
    const former = openSync(OWN, 'r');
    if (this.libc.setns(this.fd, CLONE_NEWNET) !== 0)
      throw new Error(`setns: ${this.libc.errorName(this.libc.errno())}`);
    return () => {
      this.libc.setns(former, CLONE_NEWNET);
      closeSync(former);
    };
  }

  /** Runs a function whose sockets must belong to this namespace. It must not wait for anything. */
  inside<T>(run: () => T): T {
    const leave = this.enter();
    try {
      return run();
    } finally {
      leave();
    }
  }

  /** Arguments of `ip`, one command a line. */
  ip(...commands: readonly string[]): void {
    for (const command of commands) this.inside(() => execFileSync('ip', command.split(' '), { stdio: 'pipe' }));
  }

  remove(): void {
    closeSync(this.fd);
  }
}
