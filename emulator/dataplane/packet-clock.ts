/**
 * The switch's clock on the packet thread: microseconds since `start`, read once for a batch of packets, as reading it
 * costs as much as processing the headers of many packets.
 */
export class PacketClock {
  private readonly offset: number;
  private now = 0;

  /** @param start process.hrtime.bigint() on any thread. */
  constructor(start: bigint) {
    this.offset = Number(process.hrtime.bigint() - start) / 1000 - performance.now() * 1000;
  }

  tick(): void {
    this.now = Math.floor(performance.now() * 1000 + this.offset);
  }

  readonly read = (): number => this.now;
}
