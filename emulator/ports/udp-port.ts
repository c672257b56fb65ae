import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { emptyPortStatistics, PortError, type Port } from './port.js';
import { decapsulate, encapsulate, type FrameEndpoint } from '../../net/frames.js';
import { ipv4ToBytes } from '../../net/ipv4.js';
import { macOfIpv4 } from '../../net/mac.js';
import { serviceEndpoint, UDP_PORT_BUFFER_BYTES, udpOpenError, type UdpServiceAddress } from './udp-address.js';

/** Datagrams may come from any number of forged addresses; what is forgotten is made again. */
const MAX_SENDERS = 4096;

export interface UdpPortOptions {
  /** Number of the switch port. */
  readonly number: number;
  /** Address of the socket; default 127.0.0.1. */
  readonly bindAddress?: string;
  /** UDP port of the socket; 0 (the default) lets the kernel choose. */
  readonly bindPort?: number;
  /** Where frames that come in are addressed to: the address under which senders know the switch. */
  readonly service: UdpServiceAddress;
}

/**
 * A switch port that is one UDP socket. A datagram that comes in is encapsulated in an Ethernet/IPv4/UDP
 * frame from its sender to the service; the datagram of a frame that leaves is sent to the UDP port and address it names.
 */
export class UdpPort implements Port {
  readonly number: number;
  readonly statistics = emptyPortStatistics();
  private readonly service: FrameEndpoint;
  private readonly bindAddress: string;
  private readonly bindPort: number;
  private socket: Socket | undefined;
  /** Senders are few and send much, so what their frames have in common is kept: of the latest {@link MAX_SENDERS}. */
  private readonly senders = new Map<string, FrameEndpoint>();

  constructor({ number, bindAddress = '127.0.0.1', bindPort = 0, service }: UdpPortOptions) {
    this.number = number;
    this.bindAddress = bindAddress;
    this.bindPort = bindPort;
    this.service = serviceEndpoint(number, service);
  }

  /** Where senders reach the port. @throws PortError while it is closed. */
  get address(): { readonly address: string; readonly port: number } {
    if (this.socket === undefined) throw new PortError('EMULATOR_PORT_FAILED', this.number, 'it is not open');
    const { address, port } = this.socket.address();
    return { address, port };
  }

  async open(receive: (frame: Uint8Array) => void): Promise<void> {
    // Destinations are always numeric, so looking them up would only cost a turn of the event loop.
    const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error: NodeJS.ErrnoException) => {
        socket.close();
        const at = `${this.bindAddress}:${this.bindPort}`;
        reject(udpOpenError(this.number, at, error.code ?? '', error.message));
      });
      socket.bind({ address: this.bindAddress, port: this.bindPort, exclusive: true }, () => {
        socket.removeAllListeners('error');
        resolve();
      });
    });
    socket.setRecvBufferSize(UDP_PORT_BUFFER_BYTES);
    socket.setSendBufferSize(UDP_PORT_BUFFER_BYTES);
    socket.on('error', () => this.statistics.sendErrors++);
    socket.on('message', (payload, from) => {
      this.statistics.received++;
      receive(encapsulate(this.sender(from), this.service, payload));
    });
    this.socket = socket;
  }

  send(frame: Uint8Array): void {
    const datagram = decapsulate(frame);
    if (datagram === undefined || datagram.udpPort === 0) {
      this.statistics.notCarried++;
      return;
    }
    if (this.socket === undefined) {
      this.statistics.sendErrors++;
      return;
    }
    this.socket.send(datagram.payload, datagram.udpPort, datagram.ip, (error) => {
      if (error === null) this.statistics.sent++;
      else this.statistics.sendErrors++;
    });
  }

  async close(): Promise<void> {
    const { socket } = this;
    this.socket = undefined;
    if (socket !== undefined) await new Promise<void>((resolve) => socket.close(resolve));
  }

  private sender({ address, port }: RemoteInfo): FrameEndpoint {
    const name = `${address}:${port}`;
    let endpoint = this.senders.get(name);
    if (endpoint === undefined) {
      const ip = ipv4ToBytes(address)!;
      endpoint = { mac: macOfIpv4(ip), ip, udpPort: port };
      if (this.senders.size >= MAX_SENDERS) this.senders.delete(this.senders.keys().next().value!);
      this.senders.set(name, endpoint);
    }
    return endpoint;
  }
}
