/** Holds the fast tests to their promise: no process is started and no socket opened, or the test fails. */
import childProcess, { ChildProcess } from 'node:child_process';
import { Socket as UdpSocket } from 'node:dgram';
import { syncBuiltinESMExports } from 'node:module';
import { Server, Socket } from 'node:net';

const refuse = (what: string) => (): never => {
  throw new Error(`${what} in a fast test; its folder belongs into the list of vitest.fast.config.ts`);
};

for (const name of ['spawnSync', 'execSync', 'execFileSync'] as const)
  Object.assign(childProcess, { [name]: refuse('a process') });
syncBuiltinESMExports();
Object.assign(ChildProcess.prototype, { spawn: refuse('a process') });
Object.assign(Server.prototype, { listen: refuse('a server') });
Object.assign(Socket.prototype, { connect: refuse('a connection') });
Object.assign(UdpSocket.prototype, { bind: refuse('a UDP socket'), send: refuse('a UDP socket') });
