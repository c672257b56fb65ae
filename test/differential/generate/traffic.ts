/** An endless stream of packets for a site: right ones, late ones, repeated ones, contradicting ones, broken ones. */
import { packetSteps, stepFor } from '../../../protocol/packet-steps.js';
import { Flag, Opcode } from '../../../protocol/constants.js';
import { messageBytes } from '../../../protocol/message.js';
import { MESSAGE_OFFSET, fromWorker, ipv4Frame, probe, udpFrame, type FrameOptions } from '../../p4/support/frames.js';
import type { SeededRandom } from '../random.js';
import { CPU_PORT, type Packet } from '../scenario.js';
import { contributionOf, fromParent, mutate, packetOut, place, probeOf } from './frames.js';
import type { Job, Site } from './site.js';
import { drawElement } from './values.js';

export type Source =
  | 'contribution'
  | 'repetition'
  | 'stale'
  | 'disagreement'
  | 'misfit'
  | 'probe'
  | 'parent'
  | 'packetOut'
  | 'ordinary'
  | 'malformed'
  | 'noise';

/** How often each source is drawn, in any unit. */
export type Mixture = Partial<Readonly<Record<Source, number>>>;

/** Packets that may be retransmitted. */
const HISTORY = 48;
const SIGNATURE = 0x51f0;

interface JobState {
  readonly job: Job;
  nextChunk: number;
  /** Contributions of rounds that have begun, in the order of sending. */
  queue: Packet[];
}

export class Traffic {
  private readonly jobs: JobState[];
  private readonly history: Packet[] = [];
  private readonly sources: readonly Source[];

  /** @param n values per packet of the build */
  constructor(
    private readonly site: Site,
    private readonly n: number,
    private readonly random: SeededRandom,
    mixture: Mixture,
    firstChunk = 0,
  ) {
    this.jobs = site.jobs.map((job) => ({ job, nextChunk: firstChunk, queue: [] }));
    this.sources = (Object.entries(mixture) as [Source, number][]).flatMap(([source, weight]) =>
      new Array<Source>(weight).fill(source),
    );
  }

  take(count: number): Packet[] {
    return Array.from({ length: count }, () => {
      const packet = this[this.random.pick(this.sources)]();
      this.history[this.random.below(HISTORY)] = packet;
      return packet;
    });
  }

  private contribution(): Packet {
    const state = this.random.pick(this.jobs);
    if (state.queue.length === 0) this.beginRounds(state);
    return state.queue.shift()!;
  }

  /** Several concurrent rounds of a job, so that their contributions mix; occasionally one is lost and arrives late. */
  private beginRounds(state: JobState): void {
    const { random, n } = this;
    const steps = packetSteps(n);
    const { job } = state;
    const packets: Packet[] = [];
    for (let rounds = random.between(1, Math.min(3, job.slots)); rounds > 0; rounds--) {
      const chunk = state.nextChunk;
      state.nextChunk = (state.nextChunk + 1) >>> 0;
      const commit = random.chance(0.1);
      const full = steps.length === 1 ? n : random.pick(steps);
      const count = commit ? 0 : random.chance(0.7) ? full : random.between(1, n);
      const length = steps[stepFor(count, steps)]!;
      const elements = Array.from({ length: count }, () => drawElement(random, job.workers));
      for (const rank of random.shuffled(Array.from({ length: job.workers }, (_, index) => index))) {
        const words = Array.from({ length }, (_, i) => elements[i]?.[rank] ?? 0);
        const flags = (random.chance(0.3) ? Flag.NETWORK_ORDER : 0) | (random.chance(0.1) ? Flag.RETRANSMISSION : 0);
        const header = { ...place(job, chunk), count, flags, operation: 1 + (chunk >>> 4), signature: SIGNATURE };
        const options: FrameOptions = random.chance(0.05)
          ? { ipOptions: new Uint8Array(4 * random.between(1, 10)).fill(1) }
          : {};
        packets.push(contributionOf(job, rank, header, words, options));
        if (random.chance(0.08))
          packets.push(contributionOf(job, rank, { ...header, flags: flags | Flag.RETRANSMISSION }, words, options));
      }
    }
    state.queue = random.shuffled(packets, job.workers);
  }

  private repetition(): Packet {
    const known = this.history.filter((packet) => packet !== undefined);
    return known.length === 0 ? this.contribution() : this.random.pick(known);
  }

  private stale(): Packet {
    const { random } = this;
    const { job, nextChunk } = random.pick(this.jobs);
    const chunk = (nextChunk - random.between(1, 6 * job.slots)) >>> 0;
    return contributionOf(
      job,
      random.below(job.workers),
      { ...place(job, chunk), operation: 1 + (chunk >>> 4), signature: SIGNATURE },
      this.words(),
    );
  }

  private disagreement(): Packet {
    const { random } = this;
    const { job, nextChunk } = random.pick(this.jobs);
    const chunk = (nextChunk - random.between(0, 2)) >>> 0;
    const other = random.pick([
      { operation: random.word() },
      { signature: random.word() },
      { operation: 1, signature: 0 },
    ]);
    return contributionOf(
      job,
      random.below(job.workers),
      { ...place(job, chunk), operation: 1 + (chunk >>> 4), signature: SIGNATURE, ...other },
      this.words(),
    );
  }

  /** One property of it does not match the membership table. */
  private misfit(): Packet {
    const { random, n } = this;
    const { job, nextChunk } = random.pick(this.jobs);
    const rank = random.below(job.workers);
    const header = { ...place(job, nextChunk), operation: 1, signature: SIGNATURE };
    const [change, options] = random.pick<[object, FrameOptions]>([
      [{ epoch: job.epoch + random.pick([-1, 1, 7]) }, {}],
      [{ epoch: random.word() }, {}],
      [{ slot: random.pick([job.slots, job.slots + 1, 511, 512, 65_535]) }, {}],
      [{ set: random.pick([2, 3, 255]) }, {}],
      [{ count: random.pick([n + 1, n + 2, 65_535]) }, {}],
      [{ job: random.pick([job.number + 1, 255, 256, 65_535]) }, {}],
      [{ worker: random.pick([rank + 1, 32, 65_535]) }, {}],
      [{}, { srcIp: random.word() }],
      [{}, { srcPort: random.below(65_536) }],
      [{}, { dstPort: random.below(65_536) }],
      [{ opcode: random.pick([0, Opcode.RESULT, Opcode.PROBE_REPLY, Opcode.REFUSED, 6, 255]) }, {}],
      [{ flags: random.below(65_536) }, {}],
    ]);
    const packet = contributionOf(job, rank, { ...header, ...change }, this.words(), options);
    if (random.chance(0.2)) return { port: random.pick([0, 40, 100, 511, packet.port + 1]), bytes: packet.bytes };
    if (random.chance(0.1)) packet.bytes[MESSAGE_OFFSET + random.below(3)]! ^= 1 << random.below(8);
    return packet;
  }

  private probe(): Packet {
    const { random } = this;
    const { job } = random.pick(this.jobs);
    const slot = random.chance(0.8) ? random.below(job.slots) : random.pick([job.slots, 511, 65_535]);
    const rank = random.below(job.workers);
    const header = {
      slot,
      ...(random.chance(0.1) && { epoch: random.word() }),
      ...(random.chance(0.1) && { worker: rank + 1 }),
    };
    const steps = packetSteps(this.n);
    if (steps.length === 1 || random.chance(0.4)) return probeOf(job, rank, header);
    // As long as a contribution, which tells what the path carries; or of a length that no packet has.
    return probeOf(
      job,
      rank,
      header,
      messageBytes(random.chance(0.9) ? random.pick(steps) : random.between(15, this.n)),
    );
  }

  /** What a parent switch may send, and what others send in its name. */
  private parent(): Packet {
    const { random } = this;
    const children = this.jobs.filter(({ job }) => job.parent !== undefined);
    if (children.length === 0) return this.contribution();
    const { job, nextChunk } = random.pick(children);
    const header = {
      ...place(job, (nextChunk - random.below(3)) >>> 0),
      opcode: (random.chance(0.8) ? Opcode.RESULT : Opcode.REFUSED) as number,
    };
    if (packetSteps(this.n).length > 1 && random.chance(0.3)) header.opcode = Opcode.PROBE_REPLY;
    const packet = fromParent(job, header, this.words());
    switch (random.below(10)) {
      case 0:
        return { ...packet, port: random.below(CPU_PORT) };
      case 1:
        return fromParent(job, header, this.words(), { srcIp: random.word() });
      case 2:
        return fromParent(job, { ...header, epoch: job.epoch + random.pick([-1, 1]) }, this.words());
      case 3:
        return fromParent(job, { ...header, job: random.below(256) }, this.words());
      case 4:
        return fromParent(job, header, this.words().slice(random.between(1, this.n)));
      default:
        return packet;
    }
  }

  private packetOut(): Packet {
    const { random } = this;
    switch (random.below(5)) {
      case 0:
      case 1: {
        const slot = random.chance(0.9) ? random.below(32) : random.pick([511, 512, 65_535]);
        return packetOut(
          random.below(8),
          udpFrame(probe({ slot, job: random.below(4), epoch: random.below(3) }), fromWorker(0)),
        );
      }
      case 2:
        return packetOut(random.between(1, 60), random.bytes(random.between(14, 200)));
      case 3:
        return packetOut(random.between(1, 60), this.contribution().bytes);
      default:
        return { port: CPU_PORT, bytes: random.bytes(random.between(1, 40)) };
    }
  }

  /** IPv4 for other hosts: any protocol, size, time to live and options. */
  private ordinary(): Packet {
    const { random } = this;
    const route = this.site.routes.length === 0 ? undefined : random.pick(this.site.routes);
    const wild = route === undefined || random.chance(0.2);
    const dstIp = wild ? random.word() : (route.address | (random.word() >>> Math.max(1, route.prefixLength))) >>> 0;
    const to = { ...fromWorker(random.below(4)), dstIp };
    const options: FrameOptions = {
      ttl: random.pick([0, 1, 2, 64, 255]),
      ...(random.chance(0.3) && { ipOptions: random.bytes(4 * random.between(1, 10)) }),
    };
    const payload = random.bytes(random.chance(0.1) ? random.between(600, 1440) : random.below(200));
    const frame = random.chance(0.5)
      ? udpFrame(payload, { ...to, dstPort: random.pick([53, 0xf15a]) }, options)
      : ipv4Frame(payload, random.pick([1, 6, 17, 132]), to, options);
    return { port: random.below(40), bytes: frame };
  }

  private malformed(): Packet {
    const sources: Source[] = [
      'contribution',
      'contribution',
      'repetition',
      'probe',
      'packetOut',
      'ordinary',
      'parent',
    ];
    return mutate(this[this.random.pick(sources)](), this.random);
  }

  private noise(): Packet {
    const { random } = this;
    const bytes = random.bytes(random.chance(0.2) ? random.between(200, 1500) : random.between(1, 200));
    if (bytes.length > 14 && random.chance(0.7)) bytes.set([0x08, 0x00, 0x45], 12);
    return { port: random.pick([0, 1, 2, 39, 100, CPU_PORT, 511]), bytes };
  }

  private words(): number[] {
    return Array.from({ length: this.n }, () => drawElement(this.random, 1)[0]!);
  }
}
