/** A worker that is attached to a switch in the same process: whole Ethernet frames, no socket. */
import { buildFrame, type Endpoint, parseIpv4, parseMac, readFrame } from './frame.js';
import type { LocalAddress, ServiceAddress, Transport } from './transport.js';

/** One port of a switch, seen from outside. */
export interface FramePort {
  /** Gives a frame to the switch, which may keep its memory. */
  send(frame: Uint8Array): void;
  /** Set by the transport: called with every frame that leaves through the port. */
  onFrame: ((frame: Uint8Array) => void) | undefined;
}

/** Where frames go while the controller has named no MAC address of the service. */
const BROADCAST = 'ff:ff:ff:ff:ff:ff';

export class InProcessTransport implements Transport {
  onMessage: ((message: Uint8Array) => void) | undefined;
  private readonly me: Endpoint;
  private service: Endpoint | undefined;
  /** Messages that wait for the next turn: a switch may answer within send(), the worker must not hear it there. */
  private arrived: Uint8Array[] = [];

  constructor(
    private readonly port: FramePort,
    readonly localAddress: LocalAddress & { mac: string },
  ) {
    this.me = { mac: parseMac(localAddress.mac), ip: parseIpv4(localAddress.ip), udpPort: localAddress.udpPort };
    port.onFrame = (frame) => this.receive(frame);
  }

  async connect(service: ServiceAddress): Promise<void> {
    const mac = service.mac === undefined || service.mac === '' ? BROADCAST : service.mac;
    this.service = { mac: parseMac(mac), ip: parseIpv4(service.ip), udpPort: service.udpPort };
  }

  send(buffer: Uint8Array, length: number): void {
    if (this.service !== undefined) this.port.send(buildFrame(this.me, this.service, buffer, length));
  }

  note(): string | undefined {
    return undefined;
  }

  async close(): Promise<void> {
    this.service = undefined;
    this.onMessage = undefined;
    this.port.onFrame = undefined;
  }

  private receive(frame: Uint8Array): void {
    const message = readFrame(frame, this.me);
    if (message === undefined) return;
    if (this.arrived.length === 0) setImmediate(() => this.deliver());
    this.arrived.push(message);
  }

  private deliver(): void {
    const messages = this.arrived;
    this.arrived = [];
    for (const message of messages) this.onMessage?.(message);
  }
}
