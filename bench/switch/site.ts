/** The measurement set-up: veth pairs in this process's own network namespace. */
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Set for the process that runs in the namespace. */
const INSIDE = 'FPISA_BENCH_INSIDE';
/** The kernel sends nothing before it has noticed that the other end is up. */
const CARRIER_MS = 500;

export interface BenchSite {
  /** Interface of switch port 1, 2, … */
  readonly switchEnds: readonly string[];
  /** The other end of each cable. */
  readonly loadEnds: readonly string[];
}

/**
 * Runs a script again, in a namespace that disappears when its last process ends.
 * @param url of the script
 * @returns its exit code, or undefined if this process is the one inside
 * @throws Error where namespaces are not available
 */
export function inNamespace(url: string): number | undefined {
  if (process.env[INSIDE] !== undefined) return undefined;
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new Error('this measurement creates a network namespace: run it on Linux as root');
  const { status } = spawnSync(
    'unshare',
    ['--net', process.execPath, ...process.execArgv, fileURLToPath(url), ...process.argv.slice(2)],
    { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } },
  );
  return status ?? 1;
}

/** @param mtu of all cables */
export function makeCables(count: number, mtu: number): BenchSite {
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const ip = (...args: string[]): Buffer => execFileSync('ip', args);
  ip('link', 'set', 'lo', 'up');
  for (const kind of ['all', 'default']) execFileSync('sysctl', ['-qw', `net.ipv6.conf.${kind}.disable_ipv6=1`]);
  for (const n of numbers) {
    ip('link', 'add', `switch${n}`, 'mtu', String(mtu), 'type', 'veth', 'peer', 'name', `load${n}`, 'mtu', String(mtu));
    for (const name of [`switch${n}`, `load${n}`]) ip('link', 'set', name, 'up');
  }
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, CARRIER_MS);
  return { switchEnds: numbers.map((n) => `switch${n}`), loadEnds: numbers.map((n) => `load${n}`) };
}
