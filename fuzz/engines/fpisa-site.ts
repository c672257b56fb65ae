import type { Control, MatchKey } from '../../emulator/control.js';
import type { Program } from '../../emulator/json/program.js';
import { encapsulate } from '../../net/frames.js';
import { Opcode, SERVICE_UDP_PORT } from '../../protocol/constants.js';
import { HEADER_BYTES, PROBE_BYTES, writeHeader } from '../../protocol/message.js';
import type { Dice } from './dice.js';
import type { Kept, Site } from './site.js';

const WORKERS = 3;
const SLOTS = 4;
const JOBS = 3;
const SERVICE_IP = 0x0a0000fe;
const NO_MAC = new Uint8Array(6);
const PARENT_PORT = 5;
const exact = (value: number): MatchKey => ({ kind: 'exact', value: BigInt(value) });
const portOf = (worker: number): number => worker + 1;
const ipOf = (worker: number): number => 0x0a000001 + worker;
const ipBytes = (ip: number): Uint8Array => Uint8Array.of(ip >>> 24, ip >>> 16, ip >>> 8, ip);
const udpOf = (worker: number): number => 40_000 + worker;

/** Jobs and their workers' packets for the fpisa program, which no random packet gets through. */
export class FpisaSite implements Site {
  private readonly values: number;
  private readonly chunks = new Int32Array(JOBS);
  /** Mode, integers, guard, rounding, left shifts and alignment of each job; including profiles that no controller writes. */
  private readonly profiles: readonly (readonly bigint[])[];

  constructor(
    program: Program,
    private readonly dice: Dice,
  ) {
    this.profiles = Array.from({ length: JOBS }, () =>
      [dice.below(2), dice.oneIn(4) ? 1 : 0, dice.below(8), dice.below(2), dice.below(10), dice.below(2)].map(BigInt),
    );
    this.values = (program.headers.find(({ name }) => name === 'values')?.fixedBytes ?? 0) / 4;
  }

  /** Whether this is the fpisa program. */
  static fits(program: Program): boolean {
    return program.tables.some(({ name }) => name === 'fpisa.member');
  }

  setUp(control: Control): void {
    control.insertEntry('fpisa.local', {
      keys: [exact(SERVICE_IP)],
      priority: 0,
      call: { action: 'fpisa.serve', args: [] },
    });
    for (let job = 0; job < JOBS; job++) this.addJob(control, job);
    control.setMulticastGroup(
      1,
      Array.from({ length: WORKERS }, (_, worker) => ({ egressPort: portOf(worker), instance: worker + 1 })),
    );
  }

  packet(): Kept {
    const { dice } = this;
    const job = dice.below(JOBS);
    const worker = dice.below(WORKERS);
    if (dice.oneIn(12)) this.chunks[job]!++;
    const chunk = this.chunks[job]! + dice.below(3) - (dice.oneIn(16) ? 9 : 0);
    const opcode = dice.oneIn(16) ? dice.below(7) : dice.oneIn(10) ? Opcode.PROBE : Opcode.CONTRIBUTE;
    const message = new Uint8Array(opcode === Opcode.PROBE ? PROBE_BYTES : HEADER_BYTES + 4 * this.values);
    const view = new DataView(message.buffer);
    writeHeader(view, {
      opcode,
      flags: dice.oneIn(4) ? dice.below(8) : 0,
      job,
      worker,
      slot: ((chunk % SLOTS) + SLOTS) % SLOTS,
      epoch: dice.oneIn(20) ? dice.below(4) : 1,
      operation: dice.oneIn(20) ? 2 : 1,
      chunk: chunk >>> 0,
      signature: dice.oneIn(30) ? 1 : 0,
      count: dice.oneIn(20) ? dice.below(2 * this.values) : this.values,
      set: (chunk >> 2) & 1,
    });
    for (let at = HEADER_BYTES; at + 4 <= message.length; at += 4) view.setUint32(at, this.float(), true);
    return { port: portOf(worker), bytes: this.frame(message, worker) };
  }

  private addJob(control: Control, job: number): void {
    for (let worker = 0; worker < WORKERS; worker++) {
      control.insertEntry('fpisa.member', {
        keys: [exact(portOf(worker)), exact(ipOf(worker)), exact(udpOf(worker)), exact(job), exact(worker)],
        priority: 0,
        call: {
          action: 'fpisa.join',
          args: [
            1n << BigInt(worker),
            (1n << BigInt(WORKERS)) - 1n,
            1n,
            BigInt(job * SLOTS),
            BigInt(SLOTS),
            1n,
            ...this.profiles[job]!,
          ],
        },
      });
      control.insertEntry('fpisa.receiver', {
        keys: [exact(job), exact(worker + 1), exact(portOf(worker))],
        priority: 0,
        call: {
          action: 'fpisa.address',
          args: [0x020000000001n + BigInt(worker), BigInt(ipOf(worker)), BigInt(udpOf(worker))],
        },
      });
    }
  }

  /** Mostly close exponents; zeros, subnormal and special numbers. */
  private float(): number {
    const { dice } = this;
    const word = dice.word();
    if (dice.oneIn(8)) return dice.pick([0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 1, 0x7f7fffff]);
    return dice.oneIn(4) ? word : ((word & 0x83ffffff) | 0x3c000000) >>> 0;
  }

  private frame(message: Uint8Array, worker: number): Uint8Array {
    const from = this.dice.oneIn(30) ? ipOf(PARENT_PORT) : ipOf(worker);
    return encapsulate(
      { mac: NO_MAC, ip: ipBytes(from), udpPort: udpOf(worker) },
      { mac: NO_MAC, ip: ipBytes(SERVICE_IP), udpPort: SERVICE_UDP_PORT },
      message,
    );
  }
}
