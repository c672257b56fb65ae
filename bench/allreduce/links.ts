/**
 * Links of a worker's own: each worker in a network namespace, behind a veth pair whose ends both send through a token
 * bucket; the other ends are ports of a bridge, as they would be of an Ethernet switch.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import type { Placement } from './placement.js';

const MIDDLE = '10.77.0.254';
const NETWORK = '10.77.0.0/24';
const BRIDGE = 'middle';
const INTERFACE = 'eth0';
/** Jumbo frames: a packet of 2,048 values fits. The same for all systems, as is the rest. */
export const LINK_MTU = 9000;
/** Above 64 KiB, or what the kernel would segment later (GSO) did not fit; the same for all systems. */
export const LINK_BURST_BYTES = 256 * 1024;
/** A queue like that of a switch's port. */
const LINK_QUEUE_BYTES = 8 * 1024 * 1024;
/** The kernel sends nothing before it has noticed that the other end is up. */
const CARRIER_MS = 500;
const NEEDED_COMMANDS = ['ip', 'tc', 'nsenter', 'unshare', 'sysctl'] as const;

/** Bytes on the wires, headers included, of all links together. */
export interface LinkBytes {
  readonly sent: number;
  readonly received: number;
}

/** Why this machine cannot make them; undefined if it can. */
export function whyNoLinks(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'they need Linux and root';
  const missing = NEEDED_COMMANDS.find((command) => spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0);
  return missing === undefined ? undefined : `the command "${missing}" is not on PATH`;
}

/** A new namespace has no loopback yet. */
export function startNamespace(): void {
  run('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1');
  run('ip', 'link', 'set', 'lo', 'up');
}

/** In a network namespace of this process's own. */
export class Links implements Placement {
  readonly middle = MIDDLE;
  readonly middleInterface = BRIDGE;
  readonly interface = INTERFACE;
  readonly network = NETWORK;

  private constructor(
    /** Each keeps a worker's namespace. */
    private readonly keepers: readonly ChildProcess[],
    readonly megabits: number,
  ) {}

  static async make(workers: number, megabits: number): Promise<Links> {
    run('ip', 'link', 'add', BRIDGE, 'mtu', String(LINK_MTU), 'type', 'bridge');
    run('ip', 'address', 'add', `${MIDDLE}/24`, 'dev', BRIDGE);
    run('ip', 'link', 'set', BRIDGE, 'up');
    const keepers = Array.from({ length: workers }, () =>
      // It ends with this process, whatever ends that.
      spawn('unshare', ['--net', 'sh', '-c', 'echo; exec cat >&2'], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const links = new Links(keepers, megabits);
    try {
      await Promise.all(keepers.map(({ stdout }) => new Promise((resolve) => stdout.once('data', resolve))));
      keepers.forEach((_, rank) => links.attach(rank));
    } catch (error) {
      links.remove();
      throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, CARRIER_MS));
    return links;
  }

  address(rank: number): string {
    return `10.77.0.${rank + 1}`;
  }

  prefix(rank: number): readonly string[] {
    return ['nsenter', '--target', String(this.keepers[rank]!.pid), '--net', '--'];
  }

  /** Since the links were made. */
  bytes(): LinkBytes {
    const sum = (count: (rank: number) => number): number =>
      this.keepers.reduce((all, _, rank) => all + count(rank), 0);
    return {
      sent: sum((rank) => this.counted(...this.prefix(rank), 'tc', '-s', '-j', 'qdisc', 'show', 'dev', INTERFACE)),
      received: sum((rank) => this.counted('tc', '-s', '-j', 'qdisc', 'show', 'dev', port(rank))),
    };
  }

  remove(): void {
    for (const keeper of this.keepers) keeper.stdin!.end();
    this.keepers.forEach((_, rank) => {
      try {
        run('ip', 'link', 'delete', port(rank));
      } catch {
        // It was not attached, or is gone with its namespace.
      }
    });
    run('ip', 'link', 'delete', BRIDGE);
  }

  private attach(rank: number): void {
    const { megabits } = this;
    const mtu = String(LINK_MTU);
    const inside = (...words: readonly string[]): void => run(...this.prefix(rank), ...words);
    run(
      ...['ip', 'link', 'add', port(rank), 'mtu', mtu, 'type', 'veth'],
      ...['peer', 'name', INTERFACE, 'mtu', mtu, 'netns', String(this.keepers[rank]!.pid)],
    );
    run('ip', 'link', 'set', port(rank), 'master', BRIDGE, 'up');
    inside('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1');
    inside('ip', 'link', 'set', 'lo', 'up');
    inside('ip', 'address', 'add', `${this.address(rank)}/24`, 'dev', INTERFACE);
    inside('ip', 'link', 'set', 'dev', INTERFACE, 'up');
    const bucket = [
      'tbf',
      'rate',
      `${megabits}mbit`,
      'burst',
      String(LINK_BURST_BYTES),
      'limit',
      String(LINK_QUEUE_BYTES),
    ];
    inside('tc', 'qdisc', 'add', 'dev', INTERFACE, 'root', ...bucket);
    run('tc', 'qdisc', 'add', 'dev', port(rank), 'root', ...bucket);
  }

  /** Bytes that passed a token bucket: unlike the interface's counter it counts the headers of each segment. */
  private counted(...words: readonly string[]): number {
    const [program, ...args] = words;
    const queues = JSON.parse(execFileSync(program!, args, { encoding: 'utf8' })) as { bytes: number }[];
    return queues.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

/** The end of a worker's link at the bridge. */
function port(rank: number): string {
  return `port${rank}`;
}

function run(...words: readonly string[]): void {
  const [program, ...args] = words;
  execFileSync(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
