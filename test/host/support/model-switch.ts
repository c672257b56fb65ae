/**
 * The switch's half of the protocol as plain code (docs/protocol.md), with float64 sums. It knows
 * nothing of networks: whoever drives it says which rank a message came from.
 */
import { Flag, Opcode } from '../../../protocol/constants.js';
import {
  HEADER_BYTES,
  messageBytes,
  Offset,
  PROBE_BYTES,
  readHeader,
  VALUE_BYTES,
  writeHeader,
} from '../../../protocol/message.js';
import { stepFor } from '../../../protocol/packet-steps.js';
import type { SetState } from '../../../protocol/probe.js';

export interface Delivery {
  rank: number;
  message: Uint8Array;
}

export interface Installed {
  job: number;
  epoch: number;
  ranks: readonly number[];
  slotBase: number;
  slots: number;
}

/** Faults of the model itself, with which tests show that they would notice. */
export type Mutation = 'adds-duplicates' | 'answers-early' | 'keeps-old-sum';

interface Round extends SetState {
  sums: Float64Array;
}

const POOL = 512;

export class ModelSwitch {
  /** Messages dropped, by reason. */
  readonly drops = new Map<string, number>();
  private installed: Installed | undefined;
  private rounds: Round[] = [];

  constructor(
    readonly valuesPerPacket: number,
    readonly format: 'fp32' | 'int32' = 'fp32',
    private readonly mutation?: Mutation,
    /** Values that a packet may hold, ascending. */
    private readonly steps: readonly number[] = [valuesPerPacket],
  ) {
    this.restart();
  }

  /** Registers lose their content. */
  restart(): void {
    this.rounds = Array.from({ length: POOL * 2 }, () => ({
      epoch: 0,
      chunk: 0,
      operation: 0,
      signature: 0,
      bitmap: 0,
      contributions: 0,
      sums: new Float64Array(this.valuesPerPacket),
    }));
  }

  /** The membership table, for the one job that a test has. */
  install(job: Installed | undefined): void {
    this.installed = job;
  }

  handle(rank: number, message: Uint8Array): Delivery[] {
    const job = this.installed;
    if (job === undefined || !job.ranks.includes(rank)) return this.drop('NOT_MEMBER');
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const header = readHeader(view);
    if (header.job !== job.job || header.worker !== rank) return this.drop('NOT_MEMBER');
    if (header.slot >= job.slots || job.slotBase + header.slot >= POOL || header.set > 1) return this.drop('BAD_SLOT');
    const absolute = job.slotBase + header.slot;
    if (header.opcode === Opcode.PROBE)
      return message.length === PROBE_BYTES || this.isPathProbe(message, header.epoch)
        ? [{ rank, message: this.probe(message, absolute) }]
        : this.drop('BAD_LENGTH');
    if (header.opcode !== Opcode.CONTRIBUTE) return this.drop('BAD_OPCODE');
    const values = this.steps[stepFor(header.count, this.steps)]!;
    if (message.length !== messageBytes(values)) return this.drop('BAD_LENGTH');
    if (header.epoch !== job.epoch) return this.drop('WRONG_EPOCH');
    if (header.count > this.valuesPerPacket) return this.drop('BAD_COUNT');

    const round = this.rounds[absolute * 2 + header.set]!;
    const age = (header.chunk - round.chunk) | 0;
    const bit = 1 << rank;
    if (round.epoch !== header.epoch || age > 0 || round.contributions === 0) {
      const { epoch, chunk, operation, signature } = header;
      Object.assign(round, { epoch, chunk, operation, signature, bitmap: 0, contributions: 0 });
      if (this.mutation !== 'keeps-old-sum') round.sums.fill(0);
    } else if (age < 0) {
      return this.drop('STALE');
    } else if (round.operation !== header.operation || round.signature !== header.signature) {
      return [{ rank, message: answer(message, Opcode.REFUSED, header.flags) }];
    } else if ((round.bitmap & bit) !== 0 && this.mutation !== 'adds-duplicates') {
      if (round.contributions < job.ranks.length) return this.drop('DUPLICATE');
      return [{ rank, message: this.result(message, round, header.flags | Flag.REPEATED) }];
    }
    this.add(round, view, (header.flags & Flag.NETWORK_ORDER) === 0);
    round.bitmap = (round.bitmap | bit) >>> 0;
    round.contributions++;
    const needed = job.ranks.length - (this.mutation === 'answers-early' && job.ranks.length > 1 ? 1 : 0);
    if (round.contributions !== needed) return [];
    return job.ranks.map((to) => ({ rank: to, message: this.result(message, round, header.flags) }));
  }

  private add(round: Round, view: DataView, little: boolean): void {
    for (let i = 0, at = HEADER_BYTES; at < view.byteLength; i++, at += VALUE_BYTES) {
      const value = this.format === 'fp32' ? view.getFloat32(at, little) : view.getInt32(at, little);
      round.sums[i] = round.sums[i]! + value;
    }
  }

  private result(message: Uint8Array, round: Round, flags: number): Uint8Array {
    const out = answer(message, Opcode.RESULT, flags);
    const view = new DataView(out.buffer);
    const little = (flags & Flag.NETWORK_ORDER) === 0;
    round.sums.subarray(0, (out.length - HEADER_BYTES) / VALUE_BYTES).forEach((sum, i) => {
      if (this.format === 'fp32') view.setFloat32(HEADER_BYTES + i * 4, sum, little);
      else view.setInt32(HEADER_BYTES + i * 4, Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, sum)), little);
    });
    return out;
  }

  /** As long as a packet, of a program whose packets have several lengths. */
  private isPathProbe({ length }: Uint8Array, epoch: number): boolean {
    const { steps } = this;
    return (
      steps.length > 1 && epoch === this.installed?.epoch && steps.some((values) => messageBytes(values) === length)
    );
  }

  private probe(message: Uint8Array, absolute: number): Uint8Array {
    const out = message.slice();
    const view = new DataView(out.buffer);
    writeHeader(view, { ...readHeader(view), opcode: Opcode.PROBE_REPLY });
    view.setUint16(HEADER_BYTES, absolute);
    view.setUint16(HEADER_BYTES + 2, this.valuesPerPacket);
    for (const set of [0, 1]) {
      const round = this.rounds[absolute * 2 + set]!;
      const fields = [round.epoch, round.chunk, round.operation, round.signature, round.bitmap, round.contributions];
      fields.forEach((field, i) => view.setUint32(HEADER_BYTES + 8 + set * 24 + i * 4, field));
    }
    return out;
  }

  private drop(reason: string): Delivery[] {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + 1);
    return [];
  }
}

function answer(message: Uint8Array, opcode: number, flags: number): Uint8Array {
  const out = message.slice();
  const view = new DataView(out.buffer);
  view.setUint8(Offset.opcode, opcode);
  view.setUint16(Offset.flags, flags);
  return out;
}
