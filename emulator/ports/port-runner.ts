import type { FaultInjector } from '../faults.js';
import type { Output } from '../control.js';
import { PortError, type Port } from './port.js';

/** What runs the packets: a switch, or the device that a P4Runtime server drives. */
export interface PacketTarget {
  receive(port: number, bytes: Uint8Array): Output[];
}

export interface PortRunnerOptions {
  readonly faults?: FaultInjector;
  /** Called with errors that end one packet (PacketAbortError); the switch continues. */
  readonly onError?: (error: unknown, port: number) => void;
  /** Frames that may wait for the switch; more are dropped and counted. Default 65,536. */
  readonly queueLimit?: number;
  /** Where to count, starting from its current values. */
  readonly statistics?: PortRunnerStatistics;
}

export interface PortRunnerStatistics {
  /** Frames dropped because too many waited. */
  queueDrops: number;
  /** Packets the switch sent to a port that is not attached. */
  noPort: number;
  /** Packets that ended in an error. */
  errors: number;
}

const QUEUE_LIMIT = 65_536;

/**
 * Packets run between two polls of the sockets. The sockets are drained into a queue first: it holds far more than
 * their kernel buffers, so only larger bursts are lost; the switch still gets its turn.
 */
const BATCH_PACKETS = 16;

/** Connects a switch to its ports: frames that come in are run in order of arrival, and outputs are sent. */
export class PortRunner {
  readonly statistics: PortRunnerStatistics;
  private readonly ports = new Map<number, Port>();
  private queue: { readonly port: number; readonly frame: Uint8Array }[] = [];
  /** Next frame of the queue; those before it are done. */
  private head = 0;
  private scheduled = false;
  private closed = false;

  constructor(
    private readonly target: PacketTarget,
    private readonly options: PortRunnerOptions = {},
  ) {
    this.statistics = options.statistics ?? { queueDrops: 0, noPort: 0, errors: 0 };
  }

  /**
   * Opens a port and attaches it.
   * @throws PortError if it cannot be opened or its number is taken.
   */
  async attach(port: Port): Promise<void> {
    if (this.ports.has(port.number))
      throw new PortError('EMULATOR_PORT_DUPLICATE', port.number, 'the switch already has a port with this number');
    this.ports.set(port.number, port);
    try {
      await port.open((frame) => this.arrive(port.number, frame));
    } catch (error) {
      this.ports.delete(port.number);
      throw error;
    }
  }

  async detach(number: number): Promise<void> {
    const port = this.ports.get(number);
    this.ports.delete(number);
    await port?.close();
  }

  attached(): readonly Port[] {
    return [...this.ports.values()];
  }

  /** Closes all ports; frames that still wait are dropped. */
  async close(): Promise<void> {
    this.closed = true;
    this.queue = [];
    this.head = 0;
    await Promise.all([...this.ports.values()].map((port) => port.close()));
    this.ports.clear();
  }

  private arrive(port: number, frame: Uint8Array): void {
    const { faults } = this.options;
    if (faults === undefined) this.enqueue(port, frame);
    else faults.pass(port, 'in', frame, (survivor) => this.enqueue(port, survivor));
  }

  private enqueue(port: number, frame: Uint8Array): void {
    if (this.closed) return;
    if (this.queue.length - this.head >= (this.options.queueLimit ?? QUEUE_LIMIT)) {
      this.statistics.queueDrops++;
      return;
    }
    this.queue.push({ port, frame });
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(() => this.drain());
    }
  }

  private drain(): void {
    for (let n = 0; n < BATCH_PACKETS && this.head < this.queue.length; n++) {
      const { port, frame } = this.queue[this.head++]!;
      this.process(port, frame);
    }
    if (this.head < this.queue.length) {
      if (this.head > 1024) {
        this.queue = this.queue.slice(this.head);
        this.head = 0;
      }
      setImmediate(() => this.drain());
      return;
    }
    this.queue = [];
    this.head = 0;
    this.scheduled = false;
  }

  private process(port: number, frame: Uint8Array): void {
    try {
      for (const output of this.target.receive(port, frame)) this.leave(output.port, output.bytes);
    } catch (error) {
      this.statistics.errors++;
      this.options.onError?.(error, port);
    }
  }

  /** Sends a packet that no received packet caused: a packet-out of the control plane. */
  emit(output: Output): void {
    this.leave(output.port, output.bytes);
  }

  private leave(number: number, frame: Uint8Array): void {
    const { faults } = this.options;
    if (faults === undefined) this.sendOut(number, frame);
    else faults.pass(number, 'out', frame, (survivor) => this.sendOut(number, survivor));
  }

  private sendOut(number: number, frame: Uint8Array): void {
    const port = this.ports.get(number);
    if (port === undefined) this.statistics.noPort++;
    else port.send(frame);
  }
}
