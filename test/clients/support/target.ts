/** A switch that clients are tried against, and its packets. */

export interface Egress {
  readonly port: number;
  readonly payload: Uint8Array;
}

/** What a client connects to. */
export interface Server {
  /** As gRPC writes it: host:port, or unix:path. */
  readonly address: string;
  readonly deviceId: number;
}

export interface Target extends Server {
  /** Gives it a UDP packet from 127.0.0.sender, addressed to {@link SERVICE_MAC}. */
  inject(port: number, sender: number, payload: Uint8Array): void;
  /** The next packets that leave it. */
  egress(count: number): Promise<Egress[]>;
}

/** Where the packets that come in are addressed to; the emulator's default. */
export const SERVICE_MAC = '02:00:0a:00:00:fe';
/** Not 0 and not 1, the defaults of the clients. */
export const DEVICE_ID = 5;
/** Every port the scripts use is below. */
export const PORTS = 3;

/** Waits at most this long for a packet, so that a test can report which one did not arrive. */
const PATIENCE_MS = 60_000;

/** Packets that have left the switch and are not yet collected. */
export class EgressQueue {
  private readonly packets: Egress[] = [];
  private notify = (): void => undefined;

  push(packet: Egress): void {
    this.packets.push(packet);
    this.notify();
  }

  async take(count: number): Promise<Egress[]> {
    const end = Date.now() + PATIENCE_MS;
    while (this.packets.length < count) {
      if (Date.now() > end)
        throw new Error(`${count} packets should have left the switch, but only ${this.packets.length} did`);
      await new Promise<void>((resolve) => {
        this.notify = resolve;
        setTimeout(resolve, 1_000);
      });
    }
    return this.packets.splice(0, count);
  }
}
