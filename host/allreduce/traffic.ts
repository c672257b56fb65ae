/** What a member sends to its switch and hears from it: the packets of operations, and probes of how long they may be. */
import type { RetransmissionTimeout } from '../transport/rto.js';
import { AllreduceEngine } from './engine.js';
import type { Verdict } from './engine-types.js';
import type { MemberConfig, MemberOutput } from './member-config.js';
import { isOurs } from './packets.js';
import { PathProbe } from './path-probe.js';

export class Traffic {
  private current: AllreduceEngine;
  private readonly path: PathProbe;

  constructor(
    private readonly config: Readonly<MemberConfig>,
    private readonly rto: RetransmissionTimeout,
    private readonly output: MemberOutput,
  ) {
    const { job, rank, valuesPerPacket, packetSteps = [valuesPerPacket] } = config;
    this.current = this.engineOf(valuesPerPacket);
    this.path = new PathProbe({ job, rank, steps: packetSteps }, output);
  }

  get engine(): AllreduceEngine {
    return this.current;
  }

  /** Values of a whole chunk. */
  get packetValues(): number {
    return this.current.packetValues;
  }

  /** An epoch begins, in which all members have chunks of this size. @param packetValues 0: that of the build */
  begin(packetValues: number): void {
    this.path.stop();
    const values = packetValues === 0 ? this.config.valuesPerPacket : packetValues;
    if (values !== this.packetValues) this.current = this.engineOf(values);
  }

  /** Finds out how long packets may be, for the controller. */
  tryPath(epoch: number, now: number): void {
    this.path.ask(epoch, now);
  }

  /** Operations that run in `epoch` have made no progress since then. @returns when to call again at the latest */
  doubt(epoch: number, since: number, now: number): number {
    return this.path.doubt(epoch, this.packetValues, since, now);
  }

  stopProbing(): void {
    this.path.stop();
  }

  receive(message: Uint8Array, now: number): Verdict | 'path' {
    if (!isOurs(message, this.config.job) || !this.path.receive(message, now))
      return this.current.receive(message, now);
    this.current.lastHeard = now;
    return 'path';
  }

  /** As {@link AllreduceEngine.refill}. */
  refill(now: number): number {
    return Math.min(this.current.refill(now), this.path.due);
  }

  /** Sends probes that are due. @returns when to call again at the latest */
  advanceProbes(now: number): number {
    return this.path.advance(now);
  }

  private engineOf(valuesPerPacket: number): AllreduceEngine {
    const { config } = this;
    const packetSteps = config.packetSteps?.filter((step) => step <= valuesPerPacket);
    const sized = { ...config, valuesPerPacket, ...(packetSteps !== undefined && { packetSteps }) };
    return new AllreduceEngine(sized, this.rto, this.output.transmit);
  }
}
