/**
 * One operation in one epoch: its chunks through the slot window, each repeated until its result has
 * arrived. A pure state machine: packets and the time are passed in as arguments, packets are sent through
 * `transmit`.
 */
import { Flag, Opcode } from '../../protocol/constants.js';
import { HEADER_BYTES, Offset, PROBE_BYTES } from '../../protocol/message.js';
import { readProbeReply, type SlotState } from '../../protocol/probe.js';
import { CongestionWindow } from '../transport/congestion.js';
import { isOurs, type PacketFields, PacketPool, uint16, uint32 } from './packets.js';
import { LossRecovery, type RecoveryOutput } from './recovery.js';
import type { RetransmissionTimeout } from '../transport/rto.js';
import type { Workload } from './tensors.js';
import { operationBase, SlotWindow } from './windowing.js';

/** New chunks per message read: the one whose slot became free, and one that the burst limit held back. */
const PER_MESSAGE = 2;

export interface EngineConfig {
  /** Job number as in packets. */
  job: number;
  rank: number;
  /** Slots of the job. */
  slots: number;
  valuesPerPacket: number;
  /** Values that a packet may hold, ascending; the last is `valuesPerPacket`, which is the default. */
  packetSteps?: readonly number[];
  /** Chunk number at which each epoch begins: 0, except in tests of its wraparound. */
  firstChunk?: number;
  /** Maximum of packets sent before the caller may read its socket again. */
  burst: number;
}

/** Counted since the operation began, across all its restarts. */
export interface Counters {
  packetsSent: number;
  packetsReceived: number;
  retransmissions: number;
  strays: number;
}

/**
 * How a message was classified.
 * - `stray`: not one that this operation waits for; counted.
 * - `accepted`: a result, and more are missing.
 * - `received`: the last result of the data; the commit follows.
 * - `complete`: the commit's result; every worker holds all results.
 * - `refused`: according to the switch, this contribution contradicts the others'.
 * - `probed`: the answer to a probe, see {@link AllreduceEngine.probed}.
 */
export type Verdict = 'stray' | 'accepted' | 'received' | 'complete' | 'refused' | 'probed';

export class AllreduceEngine {
  private readonly window: SlotWindow;
  private readonly pool: PacketPool;
  private congestion: CongestionWindow;
  private readonly recovery: LossRecovery;
  private readonly output: RecoveryOutput;
  /** In the bitmaps of this worker's switch: its bit, and those of all that contribute there. */
  private ownBit = 0;
  private allBits = 0;
  /** Probes sent so far. */
  private probes = 0;
  /** First chunk number after the operations of this epoch so far. */
  private nextChunk = 0;
  private work: Workload | undefined;
  private fields: PacketFields;
  private counters: Counters = { packetsSent: 0, packetsReceived: 0, retransmissions: 0, strays: 0 };
  /** The latest answer to a probe. */
  probed: SlotState | undefined;
  /** When any message of this job last arrived from the switch. */
  lastHeard: number | undefined;

  constructor(
    private readonly config: Readonly<EngineConfig>,
    private readonly rto: RetransmissionTimeout,
    private readonly transmit: (packet: Uint8Array) => void,
  ) {
    this.window = new SlotWindow(config.slots);
    this.pool = new PacketPool(config.slots, config.packetSteps ?? [config.valuesPerPacket]);
    this.congestion = new CongestionWindow(config.slots);
    this.recovery = new LossRecovery(this.window, rto);
    this.output = {
      repeat: (slot) => this.repeat(slot),
      probe: (slot) => this.probe(slot),
      timedOut: () => this.congestion.timeout(),
    };
    this.fields = { job: config.job, rank: config.rank, epoch: 0, operation: 0, signature: 0 };
  }

  /** Values of a whole chunk. */
  get packetValues(): number {
    return this.config.valuesPerPacket;
  }

  /** Data chunks that `work` needs; its commit is one more. */
  dataChunks(work: Workload): number {
    return Math.ceil(work.elements / this.config.valuesPerPacket);
  }

  /**
   * Discards everything in flight and begins `epoch`.
   * @param ownBit this worker's in the bitmaps of its switch
   * @param allBits those of all members that contribute there
   */
  enterEpoch(epoch: number, ownBit: number, allBits: number): void {
    this.stop();
    this.fields.epoch = epoch;
    this.ownBit = ownBit;
    this.allBits = allBits;
    this.recovery.enterEpoch();
    // Other members, perhaps another switch: what was learned about the path may not hold.
    this.congestion = new CongestionWindow(this.config.slots);
    this.nextChunk = this.config.firstChunk ?? 0;
  }

  /**
   * Begins operation number `operation` in the current epoch; {@link advance} sends its packets.
   * @throws ArgumentError if `work` has too many chunks
   */
  start(operation: number, work: Workload, counters: Counters): void {
    const dataChunks = this.dataChunks(work);
    const base = operationBase(this.nextChunk, dataChunks + 1, this.config.slots);
    this.nextChunk = base + dataChunks + 1;
    this.window.start(base, dataChunks);
    this.window.limit(this.congestion.chunks);
    this.work = work;
    this.counters = counters;
    this.fields.operation = operation;
    this.fields.signature = work.signature;
    this.pool.begin(this.fields);
    this.recovery.begin();
    this.probed = undefined;
  }

  /** Sends nothing more, and counts every result that still arrives as a stray. */
  stop(): void {
    this.work = undefined;
  }

  /** Whether all results of the data have arrived (the commit's may not have). False when stopped. */
  get received(): boolean {
    return this.work !== undefined && this.window.allDataArrived;
  }

  /** Chunks with a result, and all chunks, both including the commit. */
  get progress(): { done: number; total: number } {
    return { done: this.window.finished, total: this.window.chunks };
  }

  outstandingSlots(): number[] {
    return this.work === undefined ? [] : this.window.outstandingSlots();
  }

  /** Chunk number that `slot` waits for; undefined if it does not wait for a chunk. */
  outstandingChunk(slot: number): number | undefined {
    const chunk = this.window.chunkIn(slot);
    return this.work === undefined || chunk < 0 ? undefined : this.window.number(chunk);
  }

  /**
   * Sends what is due.
   * @returns when to call again at the latest: `now` if the burst limit held something back
   */
  advance(now: number): number {
    if (this.work === undefined) return Infinity;
    let budget = this.config.burst;
    if (now >= this.recovery.due) budget = this.recovery.recover(now, budget, this.output);
    return this.sendNew(now, budget);
  }

  /**
   * The part of {@link advance} that is safe while more messages wait to be read: sends new chunks in exchange for
   * those that arrived, but retransmits none, since the result that seems to be missing may be among the unread messages.
   * @returns when to call {@link advance} at the latest
   */
  refill(now: number): number {
    return this.work === undefined ? Infinity : this.sendNew(now, PER_MESSAGE);
  }

  receive(message: Uint8Array, now: number): Verdict {
    if (!isOurs(message, this.config.job)) return this.stray();
    this.lastHeard = now;
    const opcode = message[Offset.opcode]!;
    if (opcode === Opcode.RESULT) return this.result(message, now);
    if (opcode === Opcode.REFUSED) return this.awaited(message) === undefined ? this.stray() : 'refused';
    if (opcode === Opcode.PROBE_REPLY && message.length >= PROBE_BYTES) {
      this.probed = readProbeReply(new DataView(message.buffer, message.byteOffset, message.byteLength));
      this.answered(uint16(message, Offset.slot), uint32(message, Offset.chunk), now);
      return 'probed';
    }
    return this.stray();
  }

  /** Requests the state of `slot` from the switch. @returns the number that the answer will have */
  probe(slot: number): number {
    const sequence = ++this.probes;
    this.transmit(this.pool.probeOf(slot, sequence));
    return sequence;
  }

  private result(message: Uint8Array, now: number): Verdict {
    const slot = this.awaited(message);
    if (slot === undefined || message.length !== this.pool.bytesIn(slot)) {
      this.noteNeedless(message);
      return this.stray();
    }
    const chunk = this.window.chunkIn(slot);
    const count = this.count(chunk);
    if (uint16(message, Offset.count) !== count) return this.stray();
    const flags = uint16(message, Offset.flags);
    if (count > 0) {
      const networkOrder = (flags & Flag.NETWORK_ORDER) !== 0;
      this.work!.store(chunk * this.config.valuesPerPacket, count, message.subarray(HEADER_BYTES), networkOrder);
    }
    this.measure(slot, flags, now);
    this.counters.packetsReceived++;
    this.window.finish(this.window.number(chunk));
    if (this.window.complete) return 'complete';
    return this.window.allDataArrived ? 'received' : 'accepted';
  }

  /** Updates the estimates from the time that the result of `slot` took; its flags are those of the packet that it answers. */
  private measure(slot: number, flags: number, now: number): void {
    const afterLoss = (flags & Flag.RETRANSMISSION) !== 0;
    const repeated = afterLoss && (flags & Flag.REPEATED) !== 0;
    const trip = this.recovery.result(slot, { afterLoss, repeated }, now);
    this.rto.result(trip);
    if (trip.transmissions === 1 && !afterLoss) this.congestion.result(trip.sinceFirst);
    else if (this.recovery.isLossy) this.congestion.afterLoss(trip.sinceLast);
    this.window.limit(this.congestion.chunks);
  }

  /** A packet of this worker may have been answered with a result that it already has. */
  private noteNeedless(message: Uint8Array): void {
    const slot = uint16(message, Offset.slot);
    const { epoch, operation } = this.fields;
    const isCurrent = uint32(message, Offset.epoch) === epoch && uint32(message, Offset.operation) === operation;
    if (!isCurrent || slot >= this.config.slots) return;
    if ((uint16(message, Offset.flags) & Flag.REPEATED) !== 0) this.recovery.needless(slot);
  }

  /** What probe `sequence` found in `slot` tells whether its packet arrived, or its result was lost. */
  private answered(slot: number, sequence: number, now: number): void {
    const chunk = this.outstandingChunk(slot);
    if (chunk === undefined) return;
    const { epoch, operation } = this.fields;
    const held = this.probed!.sets.find(
      (set) => set.epoch === epoch && set.chunk === chunk && set.operation === operation,
    );
    const bitmap = held?.bitmap ?? 0;
    const isOwnThere = (bitmap & this.ownBit) !== 0;
    const missing = !isOwnThere ? 'own' : (bitmap & this.allBits) === this.allBits ? 'none' : 'others';
    this.recovery.probed(sequence, missing, now);
  }

  /** The slot whose outstanding chunk `message` is about; undefined if it matches no slot. */
  private awaited(message: Uint8Array): number | undefined {
    if (this.work === undefined) return undefined;
    const slot = uint16(message, Offset.slot);
    if (slot >= this.config.slots) return undefined;
    const chunk = this.window.chunkIn(slot);
    const matches =
      chunk >= 0 &&
      uint32(message, Offset.chunk) === this.window.number(chunk) &&
      uint32(message, Offset.epoch) === this.fields.epoch &&
      uint32(message, Offset.operation) === this.fields.operation &&
      uint32(message, Offset.signature) === this.fields.signature &&
      message[Offset.set] === this.window.set(chunk);
    return matches ? slot : undefined;
  }

  private sendNew(now: number, budget: number): number {
    const { window } = this;
    while (window.sendable > 0) {
      if (budget-- <= 0) return now;
      this.send(window.take()!, now);
      // An in-process network may have answered within transmit(), and ended the operation.
      if (this.work === undefined) return Infinity;
    }
    return this.recovery.due;
  }

  private send(chunk: number, now: number): void {
    const { window, pool } = this;
    const slot = window.slot(chunk);
    const count = this.count(chunk);
    this.work!.load(chunk * this.config.valuesPerPacket, count, pool.payload(slot, count));
    const packet = pool.contribution(slot, window.set(chunk), window.number(chunk), count);
    this.recovery.sent(slot, now);
    this.counters.packetsSent++;
    this.transmit(packet);
  }

  private repeat(slot: number): void {
    this.counters.packetsSent++;
    this.counters.retransmissions++;
    this.transmit(this.pool.again(slot));
  }

  /** Elements in `chunk`; none in the commit. */
  private count(chunk: number): number {
    const { valuesPerPacket } = this.config;
    return Math.max(0, Math.min(valuesPerPacket, this.work!.elements - chunk * valuesPerPacket));
  }

  private stray(): Verdict {
    this.counters.strays++;
    return 'stray';
  }
}
