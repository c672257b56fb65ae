/** The switches that are compared, as processes: each is given the same interfaces and speaks P4Runtime. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { insert, loadBuild, P4RuntimeClient } from '../../controlplane/index.js';
import { CPU_PORT } from '../../protocol/constants.js';
import { shippedFile } from '../../protocol/service.js';

export const SWITCHES = ['simple_switch_grpc', 'emulator'] as const;
export type SwitchName = (typeof SWITCHES)[number];

const P4RUNTIME = '127.0.0.1:9559';
const CONNECT_MS = 30_000;
/** A switch is idle if it takes at most so much processor time in so long. */
const SETTLED_TICKS = 2;
const SETTLE_MS = 1000;

export interface Member {
  readonly rank: number;
  readonly ip: string;
  readonly udpPort: number;
  readonly mac: string;
  readonly switchPort: number;
}

export interface Site {
  /** Interface of switch port 1, 2, … */
  readonly interfaces: readonly string[];
  readonly serviceIp: string;
  readonly members: readonly Member[];
}

export interface Job {
  readonly values: number;
  readonly slots: number;
  readonly number: number;
  readonly epoch: number;
}

/** What the switch calls its version, or undefined if it is not on PATH. */
export function versionOf(name: SwitchName): string | undefined {
  if (name === 'emulator') return `node ${process.versions.node}`;
  const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim().split('\n').at(-1)! : undefined;
}

/** A running switch, with the program and one job in it. @returns the function that ends it */
export async function startSwitch(name: SwitchName, site: Site, job: Job): Promise<() => Promise<void>> {
  const directory = mkdtempSync(join(tmpdir(), 'fpisa-bench-'));
  const child = launch(name, site, directory);
  let client: P4RuntimeClient | undefined;
  const stop = async (): Promise<void> => {
    client?.close();
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve));
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    client = new P4RuntimeClient({ address: P4RUNTIME, deviceId: 0, electionId: 1n });
    const died = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => reject(new Error(`${name} ended with ${signal ?? `exit code ${code}`}`)));
    });
    // Its end at stop() is no error.
    died.catch(() => {});
    await Promise.race([client.connect({ timeoutMs: CONNECT_MS }), died]);
    await program(client, site, job);
    await settle(child.pid!);
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits until the process has nothing more to do: it may be compiling the program. */
async function settle(pid: number): Promise<void> {
  for (let before = -1, now = cpuTicks(pid); now - before > SETTLED_TICKS; now = cpuTicks(pid)) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }
}

/** Processor time of a process in ticks of 10 ms (proc(5)). */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

function launch(name: SwitchName, { interfaces }: Site, directory: string): ChildProcess {
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  if (name === 'emulator') {
    const ports = interfaces.flatMap((each, i) => ['--port', `${i + 1}=${each}`]);
    return spawn(process.execPath, [shippedFile('bin/fpisa.js'), 'switch', '--p4runtime', P4RUNTIME, ...ports], { stdio: [...stdio] });
  }
  const ports = interfaces.flatMap((each, i) => ['-i', `${i + 1}@${each}`]);
  const own = ['--grpc-server-addr', P4RUNTIME, '--cpu-port', String(CPU_PORT)];
  return spawn(name, ['--no-p4', '--device-id', '0', '--notifications-addr', `ipc://${directory}/notifications`, ...ports, '--', ...own], { stdio: ['ignore', 'ignore', 'ignore'] });
}

/** The tables of one job of the exact profile, as the controller would write them (docs/architecture.md, "The P4 program"). */
async function program(client: P4RuntimeClient, { serviceIp, members }: Site, { values, slots, number, epoch }: Job): Promise<void> {
  const group = number + 1;
  const all = 2 ** members.length - 1;
  const profile = { mode: 0, format: 0, guard: 4, rounding: 1, left_shift_limit: 0 };
  await client.ensurePipeline(loadBuild(values, 1));
  await client.write([
    insert({ entry: { table: 'fpisa.local', match: { dst_addr: serviceIp }, action: 'fpisa.serve' } }),
    insert({ multicastGroup: { group, replicas: members.map(({ rank, switchPort }) => ({ port: switchPort, instance: rank + 1 })) } }),
    ...members.flatMap(({ rank, ip, udpPort, mac, switchPort }) => [
      insert({
        entry: {
          table: 'fpisa.receiver',
          match: { job: number, replica: rank + 1, egress_port: switchPort },
          action: 'fpisa.address',
          params: { dst_mac: mac, dst_addr: ip, dst_port: udpPort },
        },
      }),
      insert({
        entry: {
          table: 'fpisa.member',
          match: { ingress_port: switchPort, src_addr: ip, src_port: udpPort, job: number, worker: rank },
          action: 'fpisa.join',
          params: { bitmap: 2 ** rank, all, group, slot_base: 0, slots, epoch, ...profile },
        },
      }),
    ]),
  ]);
}
