import { FrameSlab } from './frame-slab.js';
import { InterfaceError } from './linux/interface-error.js';
import { RawSocket } from './linux/raw-socket.js';
import { emptyPortStatistics, PortError, type Port, type PortStatistics } from './port.js';

export interface PacketPortOptions {
  /** Number of the switch port. */
  readonly number: number;
  /** Name of the network interface, which exists and is up. */
  readonly interface: string;
}

/**
 * A switch port that is a network interface of Linux: a card, or one end of a veth pair (docs/cli.md). The
 * interface should have no address, as the kernel's own network stack sees the same frames.
 */
export class PacketPort implements Port {
  readonly number: number;
  readonly interface: string;
  private readonly slab = new FrameSlab();
  /** Of sockets that are closed. */
  private past = emptyPortStatistics();
  private overruns_ = 0;
  private socket: RawSocket | undefined;
  private isFlushing = false;

  constructor(options: PacketPortOptions) {
    this.number = options.number;
    this.interface = options.interface;
  }

  get statistics(): PortStatistics {
    const { past, socket } = this;
    if (socket === undefined) return past;
    const { received, unfinished, sent, badSize, sendErrors } = socket.statistics;
    return {
      received: past.received + received,
      sent: past.sent + sent,
      notCarried: past.notCarried + unfinished + badSize,
      sendErrors: past.sendErrors + sendErrors,
    };
  }

  /** Frames that the kernel dropped because this process did not read them in time. */
  get overruns(): number {
    this.overruns_ += this.socket?.takeOverruns() ?? 0;
    return this.overruns_;
  }

  /** Times that this port woke the event loop: does not grow while nothing arrives. */
  get wakeups(): number {
    return this.socket?.statistics.wakeups ?? 0;
  }

  async open(receive: (frame: Uint8Array) => void): Promise<void> {
    const { slab } = this;
    const socket = await RawSocket.open(this.interface).catch((error: unknown) => {
      throw error instanceof InterfaceError ? new PortError(error.reason, this.number, error.message) : error;
    });
    this.socket = socket;
    const take = (memory: Uint8Array, length: number): void => receive(slab.copy(memory, length));
    // One batch per turn of the event loop, so that the ports and the switch take turns.
    socket.watch(() => socket.receive(take));
  }

  send(frame: Uint8Array): void {
    if (this.socket === undefined) {
      this.past.sendErrors++;
      return;
    }
    this.socket.send(frame);
    if (this.isFlushing) return;
    this.isFlushing = true;
    // Not a microtask: those do not run after callbacks from koffi.
    setImmediate(() => {
      this.isFlushing = false;
      this.socket?.flush();
    });
  }

  close(): Promise<void> {
    const { socket } = this;
    if (socket === undefined) return Promise.resolve();
    socket.flush();
    this.overruns_ += socket.takeOverruns();
    this.past = { ...this.statistics };
    socket.close();
    this.socket = undefined;
    return Promise.resolve();
  }
}
