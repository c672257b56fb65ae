/** Servers for the fuzzer: ours in this process, BMv2's in its own process, or one that is already running. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { P4RuntimeServer } from '../../emulator/p4runtime/server.js';
import { SwitchDevice } from '../../emulator/p4runtime/switch-device.js';
import { supportedOptions } from '../../net/bmv2.js';
import { DEVICE_ID, Side } from './side.js';

const BMV2 = 'simple_switch_grpc';
const CPU_PORT = 510;

export function bmv2Version(): string | undefined {
  try {
    return execFileSync(BMV2, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

export async function startOurs(): Promise<Side> {
  const server = new P4RuntimeServer(new SwitchDevice(), { deviceId: DEVICE_ID });
  const port = await server.listen('127.0.0.1:0');
  return Side.connect('fpisa', `127.0.0.1:${port}`, () => server.close());
}

/** On Unix sockets, so that it needs no free port and no privileges. */
export async function startBmv2(): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-bmv2-'));
  const address = `unix:${join(folder, 'p4runtime')}`;
  const child = spawn(
    BMV2,
    [
      ...['--no-p4', '--device-id', String(DEVICE_ID), '--log-level', 'off'],
      ...supportedOptions(BMV2, { '--thrift-port': '0' }),
      '--',
      ...[
        '--cpu-port',
        String(CPU_PORT),
        '--grpc-server-addr',
        address,
        '--dp-grpc-server-addr',
        `unix:${join(folder, 'dataplane')}`,
      ],
    ],
    { stdio: 'ignore' },
  );
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async (): Promise<void> => {
    kill();
    await exited;
    process.off('exit', kill);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return await Side.connect('BMv2', address, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

export function connectTo(address: string): Promise<Side> {
  return Side.connect(address, address, async () => {});
}
