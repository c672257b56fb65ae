import { emptyPortStatistics, type Port } from './port.js';

/** A port whose other end is code in this process: a test, a worker, a P4Runtime server at the CPU port. */
export class InProcessPort implements Port {
  readonly statistics = emptyPortStatistics();
  private receive: ((frame: Uint8Array) => void) | undefined;

  /** @param onFrame is called with each frame that leaves the switch through this port. */
  constructor(
    readonly number: number,
    private readonly onFrame: (frame: Uint8Array) => void = () => {},
  ) {}

  open(receive: (frame: Uint8Array) => void): Promise<void> {
    this.receive = receive;
    return Promise.resolve();
  }

  /** Hands a frame to the switch, as if it came over a wire; nothing happens while the port is closed. */
  inject(frame: Uint8Array): void {
    if (this.receive === undefined) return;
    this.statistics.received++;
    this.receive(frame);
  }

  send(frame: Uint8Array): void {
    this.statistics.sent++;
    this.onFrame(frame);
  }

  close(): Promise<void> {
    this.receive = undefined;
    return Promise.resolve();
  }
}
