/** A TCP address at which another one is reached: hosts see this process's side of their management links, and nothing behind it. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Relay {
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async open(
    from: { readonly host: string; readonly port: number },
    to: { readonly host: string; readonly port: number },
  ): Promise<Relay> {
    const server = createServer();
    const relay = new Relay(server);
    server.on('connection', (near) => {
      const far = connect(to);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        relay.sockets.add(socket);
        socket.setNoDelay(true);
        // Either end's end is the other's, however it comes.
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          relay.sockets.delete(socket);
          other.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(from.port, from.host, resolve);
    });
    return relay;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
