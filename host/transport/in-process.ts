/** A worker that is attached to a switch in the same process: whole Ethernet frames, no socket. */
import { DONT_FRAGMENT, encapsulate, payloadFor, type FrameEndpoint } from '../../net/frames.js';
import { ipv4ToBytes } from '../../net/ipv4.js';
import { macToBytes } from '../../net/mac.js';
import { ArgumentError } from '../errors.js';
import type { LocalAddress, ServiceAddress, Transport } from './transport.js';

/** One port of a switch, seen from outside. */
export interface FramePort {
  /** Passes a frame to the switch, which may keep its memory. */
  send(frame: Uint8Array): void;
  /** Set by the transport: called with every frame that leaves through the port. */
  onFrame: ((frame: Uint8Array) => void) | undefined;
}

/** Destination of frames while the controller has given no MAC address of the service. */
const BROADCAST = 'ff:ff:ff:ff:ff:ff';

export class InProcessTransport implements Transport {
  readonly description = 'in process';
  onMessage: ((message: Uint8Array) => void) | undefined;
  private readonly me: FrameEndpoint;
  private service: FrameEndpoint | undefined;
  /** Messages that wait for the next turn: a switch may answer within send(), but the worker must not receive the answer there. */
  private arrived: Uint8Array[] = [];

  constructor(
    private readonly port: FramePort,
    readonly localAddress: LocalAddress & { mac: string },
  ) {
    this.me = endpoint(localAddress);
    port.onFrame = (frame) => this.receive(frame);
  }

  async connect(service: ServiceAddress): Promise<void> {
    this.service = endpoint({ ...service, mac: service.mac || BROADCAST });
  }

  send(memory: Uint8Array, at: number, length: number): void {
    if (this.service === undefined) return;
    // A message is always one packet.
    this.port.send(encapsulate(this.me, this.service, memory.subarray(at, at + length), DONT_FRAGMENT));
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
    const message = payloadFor(this.me, frame);
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

/** @throws ArgumentError */
function endpoint({ mac, ip, udpPort }: { mac: string; ip: string; udpPort: number }): FrameEndpoint {
  const [macBytes, ipBytes] = [macToBytes(mac), ipv4ToBytes(ip)];
  if (macBytes === undefined) throw new ArgumentError(`'${mac}' is not a MAC address; the form is 02:00:00:00:00:01`);
  if (ipBytes === undefined)
    throw new ArgumentError(`'${ip}' is not an IPv4 address; the form is 10.0.0.1, without leading zeros`);
  return { mac: macBytes, ip: ipBytes, udpPort };
}
