/**
 * Ports for a server that has to be told one, and for servers that restart on theirs. They are outside the
 * range from which the kernel assigns ports to sockets that request none, so that no other test gets one between this
 * look at it and its use.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below 32768, where Linux begins by default; IANA's dynamic ports, which other systems give, begin at 49152. */
const FIRST = 12_000;
const LAST = 31_999;
/** Test files that run at the same time have a part of the range each. */
const PARTS = 16;
const SIZE = Math.floor((LAST - FIRST + 1) / PARTS);

const start = FIRST + (Number(process.env['VITEST_POOL_ID'] ?? 0) % PARTS) * SIZE;
/** Another test run on this machine has the same parts. */
let next = Math.floor(Math.random() * SIZE);

/** @returns numbers that follow one another, free on 127.0.0.1 for TCP and UDP, and not handed out again before all others of the part */
export async function freePorts(count: number): Promise<number[]> {
  for (;;) {
    if (next + count > SIZE) next = 0;
    const ports = Array.from({ length: count }, (_, i) => start + next + i);
    next += count;
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return ports;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const socket = createSocket('udp4');
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    if (server.listening) await new Promise((resolve) => server.close(resolve));
    await new Promise<void>((resolve) => socket.close(resolve));
  }
}
