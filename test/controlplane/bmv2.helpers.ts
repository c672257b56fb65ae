/** simple_switch_grpc on TCP, where it is installed, at an address that survives its restart. */
import { spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { supportedOptions } from '../../net/bmv2.js';
import { CPU_PORT } from '../../protocol/constants.js';
import { freePorts } from '../support/free-ports.js';
import { onEnd } from './site.helpers.js';

export const BINARY = 'simple_switch_grpc';
export const present = spawnSync(BINARY, ['--version']).error === undefined;

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

export interface RealSwitch {
  readonly address: string;
  kill(): Promise<void>;
}

/** Returns when it listens: a later one could otherwise be given a port that this one is about to take. */
export async function startBmv2(grpcPort?: number): Promise<RealSwitch> {
  for (;;) {
    const [free, thrift] = await freePorts(2);
    const port = grpcPort ?? free!;
    const address = `127.0.0.1:${port}`;
    const args = [
      '--no-p4',
      '--device-id',
      '1',
      ...supportedOptions(BINARY, { '--thrift-port': String(thrift) }),
      '--log-level',
      'error',
      '--',
      '--grpc-server-addr',
      address,
      '--cpu-port',
      String(CPU_PORT),
    ];
    const child = spawn(BINARY, args, { stdio: 'ignore' });
    let running = true;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve())).then(() => (running = false));
    const kill = async (): Promise<void> => {
      child.kill('SIGKILL');
      await ended;
    };
    onEnd(kill);
    while (running && !(await accepts(port))) await new Promise((resolve) => setTimeout(resolve, 20));
    // It has ended because another process was quicker to take one of the ports.
    if (running) return { address, kill };
  }
}
