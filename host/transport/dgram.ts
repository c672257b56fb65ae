/** The portable transport: one UDP socket of node:dgram. */
import dgram from 'node:dgram';
import { ipv4ToBytes } from '../../net/ipv4.js';
import { TransportError } from '../errors.js';
import type { LocalAddress, ServiceAddress, Transport } from './transport.js';

export interface DgramOptions {
  /** Address to bind, which is also the one that the switch sees. */
  ip: string;
  /** 0 takes a free port. */
  udpPort?: number;
  mac?: string;
  switchPort?: number;
  /**
   * Whether the kernel may filter by sender (and so report refused packets). False if the switch
   * answers from a different address than the one packets are sent to.
   */
  connected?: boolean;
  /** Bytes requested from the kernel for each direction; it may grant less. */
  socketBufferBytes?: number;
}

/** A whole pool of slots of the largest build, twice, with the kernel's bookkeeping per packet. */
export const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

export class DgramTransport implements Transport {
  onMessage: ((message: Uint8Array) => void) | undefined;
  readonly localAddress: LocalAddress;
  readonly bufferBytes: number;
  private socket: dgram.Socket;
  private service: ServiceAddress | undefined;
  private isConnected = false;
  private closed = false;
  /** Errors that the socket reported since it was opened, by code. */
  private readonly errors = new Map<string, number>();

  private constructor(
    socket: dgram.Socket,
    private readonly options: Readonly<DgramOptions>,
    readonly description: string,
  ) {
    this.socket = this.attach(socket);
    this.bufferBytes = Math.min(socket.getRecvBufferSize(), socket.getSendBufferSize());
    this.localAddress = {
      ip: options.ip,
      udpPort: socket.address().port,
      ...(options.mac === undefined ? {} : { mac: options.mac }),
      ...(options.switchPort === undefined ? {} : { switchPort: options.switchPort }),
    };
  }

  /**
   * @param why batches, which are faster, cannot be used
   * @throws TransportError if the address cannot be bound
   */
  static async open(options: Readonly<DgramOptions>, why?: string): Promise<DgramTransport> {
    if (ipv4ToBytes(options.ip) === undefined)
      throw new TransportError(
        `'${options.ip}' is not an IPv4 address of this machine: packets to and from switches are IPv4, so give one such as 10.0.0.1`,
      );
    const description = why === undefined ? 'node:dgram' : `node:dgram (sending in batches ${why})`;
    return new DgramTransport(await bind(options, options.udpPort ?? 0), options, description);
  }

  async connect(service: ServiceAddress): Promise<void> {
    if (this.service?.ip === service.ip && this.service.udpPort === service.udpPort) return;
    this.service = service;
    if (this.isConnected) {
      // Not disconnect(): Linux would give the socket another port, and members are known by their port.
      this.isConnected = false;
      this.socket.close();
      this.socket = this.attach(await bind(this.options, this.localAddress.udpPort));
    }
    if (this.options.connected === false) return;
    await new Promise<void>((resolve, reject) => {
      this.socket.connect(service.udpPort, service.ip, (error?: Error | null) => {
        if (error) {
          reject(
            new TransportError(
              `cannot send from ${this.localAddress.ip} to ${service.ip}:${service.udpPort}: ${error.message}`,
              { cause: error },
            ),
          );
        } else resolve();
      });
    });
    this.isConnected = true;
  }

  send(memory: Uint8Array, at: number, length: number): void {
    if (this.closed || this.service === undefined) return;
    try {
      // Without a callback node sends immediately, or queues a reference: a queued packet whose slot has
      // moved on by then is sent as the slot's newer packet, which is a duplicate and harmless.
      if (this.isConnected) this.socket.send(memory, at, length);
      else if (this.options.connected === false) {
        this.socket.send(memory, at, length, this.service.udpPort, this.service.ip);
      }
    } catch (error) {
      this.count(error as Error);
    }
  }

  note(): string | undefined {
    if (this.errors.size === 0) return undefined;
    const list = [...this.errors].map(([code, count]) => `${count} times ${code}`);
    return `the socket reported ${list.join(', ')}`;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.onMessage = undefined;
    await new Promise<void>((resolve) => this.socket.close(() => resolve()));
  }

  private attach(socket: dgram.Socket): dgram.Socket {
    socket.on('message', (message) => this.onMessage?.(message));
    // ECONNREFUSED arrives here when no process listens at the service address. It is a loss like any other.
    socket.on('error', (error) => this.count(error));
    return socket;
  }

  private count(error: NodeJS.ErrnoException): void {
    const code = error.code ?? error.message;
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }
}

/** A socket that is bound to `port`. */
async function bind(options: Readonly<DgramOptions>, port: number): Promise<dgram.Socket> {
  const bytes = options.socketBufferBytes ?? SOCKET_BUFFER_BYTES;
  const socket = dgram.createSocket({
    type: 'udp4',
    recvBufferSize: bytes,
    sendBufferSize: bytes,
    // Addresses are literal; the default lookup would cost a tick per packet on unconnected sockets.
    lookup: (hostname, _options, callback) => callback(null, hostname, 4),
  });
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error) => {
      socket.close();
      reject(new TransportError(`cannot bind UDP ${options.ip}:${port}: ${error.message}`, { cause: error }));
    };
    socket.once('error', failed);
    socket.bind(port, options.ip, () => {
      socket.off('error', failed);
      resolve();
    });
  });
  return socket;
}

/**
 * The address from which this machine reaches `host`, found by connecting a UDP socket, which sends
 * nothing.
 * @throws TransportError if there is no route
 */
export async function localIpTowards(host: string, port: number): Promise<string> {
  const socket = dgram.createSocket('udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(port, host, (error?: Error | null) => (error ? reject(error) : resolve()));
    });
    return socket.address().address;
  } catch (error) {
    throw new TransportError(
      `${host} is not reached over IPv4 (${(error as Error).message}), so give the worker's own IPv4 address, which switches see, as 'ip'`,
      { cause: error },
    );
  } finally {
    socket.close();
  }
}
