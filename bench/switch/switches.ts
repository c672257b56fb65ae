/** The switches that are compared, as processes: each is given the same interfaces and speaks P4Runtime. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { P4RuntimeClient } from '../../controlplane/index.js';
import { CPU_PORT } from '../../protocol/constants.js';
import { supportedOptions } from '../../net/bmv2.js';
import { shippedFile } from '../../net/package-files.js';
import { cpuSeconds, untilIdle } from '../process-time.js';
import { pinned } from './c-program.js';

export const SWITCHES = ['simple_switch_grpc', 'emulator'] as const;
export type SwitchName = (typeof SWITCHES)[number];

const P4RUNTIME = '127.0.0.1:9559';
const CONNECT_MS = 30_000;

export interface RunningSwitch {
  /** Seconds of processor time that it has used so far, on all its threads. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** The version that the switch reports, or undefined if it is not on PATH. */
export function versionOf(name: SwitchName): string | undefined {
  if (name === 'emulator') return `node ${process.versions.node}`;
  const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim().split('\n').at(-1)! : undefined;
}

/**
 * Starts a switch, as its user would, and waits until it is ready and idle.
 * @param interfaces of switch port 1, 2, …
 * @param cpu to run on; undefined: any
 */
export async function startSwitch(
  name: SwitchName,
  interfaces: readonly string[],
  cpu: number | undefined,
  install: (client: P4RuntimeClient) => Promise<void>,
): Promise<RunningSwitch> {
  const directory = mkdtempSync(join(tmpdir(), 'fpisa-bench-'));
  const child = launch(name, interfaces, cpu, directory);
  let client: P4RuntimeClient | undefined;
  const stop = async (): Promise<void> => {
    client?.close();
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => child.once('exit', resolve));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    client = new P4RuntimeClient({ address: P4RUNTIME, deviceId: 0, electionId: 1n });
    const died = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => reject(new Error(`${name} ended with ${signal ?? `exit code ${code}`}`)));
    });
    // Ending at stop() is not an error.
    died.catch(() => {});
    await Promise.race([client.connect({ timeoutMs: CONNECT_MS }), died]);
    await install(client);
    await untilIdle(child.pid!);
    return { cpuSeconds: () => cpuSeconds(child.pid!), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function launch(
  name: SwitchName,
  interfaces: readonly string[],
  cpu: number | undefined,
  directory: string,
): ChildProcess {
  const start = (command: readonly string[], messages: 'inherit' | 'ignore'): ChildProcess => {
    const [program, ...args] = pinned(cpu, command);
    return spawn(program!, args, { stdio: ['ignore', 'ignore', messages] });
  };
  if (name === 'emulator') {
    const ports = interfaces.flatMap((each, i) => ['--port', `${i + 1}=${each}`]);
    return start(
      [process.execPath, shippedFile('bin/fpisa.js'), 'switch', '--p4runtime', P4RUNTIME, ...ports],
      'inherit',
    );
  }
  const ports = interfaces.flatMap((each, i) => ['-i', `${i + 1}@${each}`]);
  const own = ['--grpc-server-addr', P4RUNTIME, '--cpu-port', String(CPU_PORT)];
  const log = ['--log-level', 'off'];
  return start(
    [
      name,
      '--no-p4',
      '--device-id',
      '0',
      ...log,
      ...supportedOptions(name, { '--notifications-addr': `ipc://${directory}/notifications` }),
      ...ports,
      '--',
      ...own,
    ],
    'ignore',
  );
}
