import type { RawSocket } from '../../emulator/index.js';
import { dressDatagram } from '../../emulator/ports/udp-frame.js';
import { Opcode, SERVICE_UDP_PORT } from '../../protocol/constants.js';
import { HEADER_BYTES, messageBytes, Offset, writeHeader } from '../../protocol/message.js';

/** Ethernet, IPv4 without options, UDP. */
const FRAME_HEADER_BYTES = 42;
const PROTOCOL_UDP = 17;
/** When nothing has arrived for so long, nothing more will: some thousand times what an answer takes. */
const LOST_MS = 5000;
/** How long to wait for packets between two looks at the clock. */
const WAIT_MS = 20;

export interface Load {
  /** Values per packet. */
  readonly values: number;
  /** Slots of the job, which is also how many rounds are in flight. */
  readonly slots: number;
  readonly job: number;
  readonly epoch: number;
  /** Of worker r: where its packets come from. */
  readonly workers: readonly { readonly mac: Uint8Array; readonly address: Uint8Array; readonly udpPort: number }[];
  readonly service: { readonly mac: Uint8Array; readonly address: Uint8Array };
}

export interface Measurement {
  readonly seconds: number;
  /** Packets that the switch took from workers; it has sent them as many. */
  readonly contributions: number;
  /** Contributions whose result did not come. If there are any, the rest says nothing. */
  readonly lost: number;
  /** Results with a wrong sum. */
  readonly wrong: number;
  /** Share of the time in which the generator was at work, not waiting for the switch. */
  readonly busy: number;
}

/** The value that a worker contributes at every place: the sum of all workers' is exact, and tells who is in it. */
export function contributed(rank: number): number {
  return 2 ** rank;
}

interface Member {
  readonly socket: RawSocket;
  /** A contribution; the fields that change are written into it before each sending. */
  readonly frame: Uint8Array;
  readonly view: DataView;
  readonly take: (memory: Uint8Array, length: number) => void;
  /** Chunks that were sent, and the highest of them plus one. */
  sent: number;
  next: number;
  received: number;
}

/**
 * Workers of one job as fast as they go, on this thread: as the protocol wants, each sends chunk g + S when it has
 * the result of g, and none is repeated. So what is lost is missed.
 */
export class Generator {
  private readonly members: readonly Member[];
  private sum = 0;
  private wrong = 0;
  /** Chunks from here on are not sent. */
  private end = Infinity;

  /** @param sockets one for each worker, at the other end of its switch port's cable */
  constructor(
    private readonly load: Load,
    sockets: readonly RawSocket[],
  ) {
    this.members = load.workers.map((_, rank) => this.member(rank, sockets[rank]!));
    for (const rank of load.workers.keys()) this.sum += contributed(rank);
  }

  /** Fills the window. To be called once; {@link run} goes on from there, and may be called again and again. */
  start(): void {
    for (const member of this.members) {
      for (let chunk = 0; chunk < this.load.slots; chunk++) this.send(member, chunk);
      member.socket.flush();
    }
  }

  /** Blocks the thread for about `milliseconds`. */
  run(milliseconds: number): Measurement {
    const begin = this.totals();
    const start = performance.now();
    const end = start + milliseconds;
    const waited = this.pump((now) => now < end);
    const seconds = (performance.now() - start) / 1000;
    const totals = this.totals();
    return {
      seconds,
      contributions: totals.received - begin.received,
      lost: waited.isStalled ? totals.sent - totals.received : 0,
      wrong: this.wrong,
      busy: 1 - waited.milliseconds / 1000 / seconds,
    };
  }

  /** Takes in what is under way. @returns contributions whose result does not come */
  drain(): number {
    // Every worker must contribute to what any has begun, or it is never complete.
    this.end = Math.max(...this.members.map(({ next }) => next));
    this.pump(() => this.members.some(({ received }) => received < this.end));
    const { sent, received } = this.totals();
    return sent - received;
  }

  private totals(): { sent: number; received: number } {
    let [sent, received] = [0, 0];
    for (const member of this.members) {
      sent += member.sent;
      received += member.received;
    }
    return { sent, received };
  }

  private pump(goesOn: (now: number) => boolean): { milliseconds: number; isStalled: boolean } {
    let milliseconds = 0;
    let last = performance.now();
    for (let now = last, before = this.totals().received; goesOn(now); now = performance.now()) {
      for (const { socket, take } of this.members) {
        while (socket.receive(take));
        socket.flush();
      }
      const { received } = this.totals();
      if (received > before) {
        before = received;
        last = now;
        continue;
      }
      if (now - last > LOST_MS) return { milliseconds, isStalled: true };
      // A result goes to all workers at once, so it is enough to wait for one: the one that misses most.
      const slowest = this.members.reduce((a, b) => (b.sent - b.received > a.sent - a.received ? b : a));
      slowest.socket.wait(WAIT_MS);
      milliseconds += performance.now() - now;
    }
    return { milliseconds, isStalled: false };
  }

  private send(member: Member, chunk: number): void {
    if (chunk >= this.end) return;
    const { slots } = this.load;
    const { view } = member;
    member.sent++;
    if (chunk >= member.next) member.next = chunk + 1;
    view.setUint16(FRAME_HEADER_BYTES + Offset.slot, chunk % slots);
    view.setUint32(FRAME_HEADER_BYTES + Offset.chunk, chunk);
    view.setUint8(FRAME_HEADER_BYTES + Offset.set, Math.floor(chunk / slots) % 2);
    member.socket.send(member.frame);
  }

  private member(rank: number, socket: RawSocket): Member {
    const { load } = this;
    const worker = load.workers[rank]!;
    const message = new Uint8Array(messageBytes(load.values));
    const payload = new DataView(message.buffer);
    writeHeader(payload, {
      opcode: Opcode.CONTRIBUTE,
      flags: 0,
      job: load.job,
      worker: rank,
      slot: 0,
      epoch: load.epoch,
      operation: 1,
      chunk: 0,
      signature: 0,
      count: load.values,
      set: 0,
    });
    for (let i = 0; i < load.values; i++) payload.setFloat32(HEADER_BYTES + 4 * i, contributed(rank), true);
    const frame = dressDatagram({ mac: worker.mac, address: worker.address, port: worker.udpPort }, { ...load.service, port: SERVICE_UDP_PORT }, message);
    const expected = new Uint8Array(Float32Array.of(load.workers.reduce((sum, _, r) => sum + contributed(r), 0)).buffer);
    const member: Member = {
      socket,
      frame,
      view: new DataView(frame.buffer),
      sent: 0,
      next: 0,
      received: 0,
      take: (memory, length) => {
        if (length !== frame.length || memory[23] !== PROTOCOL_UDP || memory[FRAME_HEADER_BYTES + Offset.opcode] !== Opcode.RESULT) return;
        member.received++;
        // The first value and the last: checking all would measure the check.
        const first = FRAME_HEADER_BYTES + HEADER_BYTES;
        for (let i = 0; i < 4; i++) {
          if (memory[first + i] !== expected[i] || memory[length - 4 + i] !== expected[i]) {
            this.wrong++;
            break;
          }
        }
        const at = FRAME_HEADER_BYTES + Offset.chunk;
        const chunk = ((memory[at]! << 24) | (memory[at + 1]! << 16) | (memory[at + 2]! << 8) | memory[at + 3]!) >>> 0;
        this.send(member, chunk + load.slots);
      },
    };
    return member;
  }
}
