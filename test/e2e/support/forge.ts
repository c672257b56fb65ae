/** Packets that no worker of this project sends. */
import { createSocket, type Socket } from 'node:dgram';
import { Opcode } from '../../../protocol/constants.js';
import { emptyHeader, messageBytes, PROBE_BYTES, writeHeader, type Header } from '../../../protocol/message.js';

/** A header as rank 0 of job 0 would write it for its very first chunk. */
const PLAIN: Header = { ...emptyHeader(Opcode.CONTRIBUTE), epoch: 1, operation: 1, count: 1 };

/** A message of `bytes` bytes, cut off or padded with ones where that is not its own length. */
export function message(header: Partial<Header>, bytes: number): Uint8Array {
  const whole = new Uint8Array(Math.max(bytes, PROBE_BYTES)).fill(1);
  writeHeader(new DataView(whole.buffer), { ...PLAIN, ...header });
  return whole.slice(0, bytes);
}

/** A CONTRIBUTE of the right length for a build with `values` values per packet. */
export function contribution(header: Partial<Header>, values: number): Uint8Array {
  return message(header, messageBytes(values));
}

/** A UDP socket on loopback that belongs to no worker. */
export class Stranger {
  readonly heard: Uint8Array[] = [];

  private constructor(private readonly socket: Socket) {
    socket.on('message', (datagram) => this.heard.push(datagram));
  }

  static async open(): Promise<Stranger> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new Stranger(socket);
  }

  /** @param endpoint `ip:port` */
  async send(endpoint: string, datagram: Uint8Array): Promise<void> {
    const [host, port] = endpoint.split(':');
    await new Promise<void>((resolve, reject) =>
      this.socket.send(datagram, Number(port), host, (error) => (error === null ? resolve() : reject(error))),
    );
  }

  close(): void {
    this.socket.close();
  }
}
