/**
 * The operations of one epoch: their chunks through the slot window, each repeated until its result has
 * arrived. The chunks of an operation follow as soon as the commit of the one before is on its way; its own commit
 * waits for that one's result, so at most two operations are in progress. A pure state machine: packets and the time are
 * passed in as arguments, packets are sent through `transmit`.
 */
import { Flag, Opcode } from '../../protocol/constants.js';
import { HEADER_BYTES, Offset, PROBE_BYTES } from '../../protocol/message.js';
import { readProbeReply, type SlotState } from '../../protocol/probe.js';
import { CongestionWindow } from '../transport/congestion.js';
import type { ChunkPlan } from './chunk-plan.js';
import { packetBytes, type PacketLayout } from './packet-store.js';
import { isOurs, type PacketFields, PacketWriter } from './packets.js';
import { uint16, uint32 } from '../../net/big-endian.js';
import { type Counters, type EngineConfig, mostInFlight, type Transmit, type Verdict } from './engine-types.js';
import { LossRecovery, type RecoveryOutput } from './recovery.js';
import type { RetransmissionTimeout } from '../transport/rto.js';
import type { Workload } from './tensors.js';
import { CHUNK_MODULUS, operationBase, PREVIOUS_COMMIT, SlotWindow } from './windowing.js';

/** New chunks per message read: the one whose slot became free, and one that the burst limit held back. */
const PER_MESSAGE = 2;

/** An operation in progress. */
interface Running {
  readonly work: Workload;
  readonly plan: ChunkPlan;
  readonly number: number;
  readonly counters: Counters;
}

export class AllreduceEngine {
  private readonly window: SlotWindow;
  private readonly writer = new PacketWriter();
  private readonly layout: PacketLayout;
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
  /** The operation that sends. */
  private current: Running | undefined;
  /** The one before, of which only the commit is in flight. */
  private committing: Running | undefined;
  private fields: PacketFields;
  /** Of the operation that sends, or sent last. */
  private counters: Counters = { packetsSent: 0, packetsReceived: 0, retransmissions: 0, strays: 0 };
  /** The latest answer to a probe. */
  probed: SlotState | undefined;
  /** When any message of this job last arrived from the switch. */
  lastHeard: number | undefined;

  constructor(
    private readonly config: Readonly<EngineConfig>,
    private readonly rto: RetransmissionTimeout,
    private readonly transmit: Transmit,
  ) {
    this.window = new SlotWindow(config.slots);
    const { valuesPerPacket, packetSteps = [valuesPerPacket] } = config;
    this.layout = { valuesPerPacket, steps: packetSteps };
    this.congestion = new CongestionWindow(mostInFlight(config));
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
    return work.chunksOf(this.layout);
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
    this.congestion = new CongestionWindow(mostInFlight(this.config));
    this.nextChunk = this.config.firstChunk ?? 0;
  }

  /**
   * Begins operation number `operation` in the current epoch, after the one whose commit is in flight if
   * {@link canFollow}; {@link advance} sends its packets.
   * @throws ArgumentError if `work` has too many chunks
   */
  start(operation: number, work: Workload, counters: Counters): void {
    const dataChunks = this.dataChunks(work);
    const base = operationBase(this.nextChunk, dataChunks + 1, this.config.slots);
    this.committing = this.canFollow(work) ? this.current : undefined;
    this.nextChunk = base + dataChunks + 1;
    if (this.committing === undefined) {
      this.window.start(base, dataChunks);
      this.recovery.begin();
    } else this.window.follow(dataChunks);
    this.window.limit(this.congestion.chunks);
    this.run({ work, plan: work.plan(this.layout), number: operation, counters });
    this.probed = undefined;
  }

  /** Whether {@link start} may be called with `work` while another operation is in progress. */
  canFollow(work: Workload): boolean {
    if (this.current === undefined || this.committing !== undefined || !this.window.isCommitting) return false;
    // Not across the wraparound of the chunk number, where slots are not continuous.
    return this.nextChunk + this.dataChunks(work) + 1 <= CHUNK_MODULUS;
  }

  /** Takes back the last {@link start}, of operation number `operation`, if the commit before it is still in flight. */
  retreat(operation: number): void {
    const { committing } = this;
    if (committing === undefined || this.current?.number !== operation) return;
    this.window.retreat(this.dataChunks(committing.work));
    this.run(committing);
    this.committing = undefined;
  }

  /** Sends nothing more, and counts every result that still arrives as a stray. */
  stop(): void {
    this.current = this.committing = undefined;
  }

  /** Whether all results of the data have arrived (the commit's may not have), and the operation is the only one in progress. */
  get received(): boolean {
    return this.current !== undefined && this.committing === undefined && this.window.allDataArrived;
  }

  /** Chunks with a result, and all chunks, both including the commit, of the operation that sends. */
  get progress(): { done: number; total: number } {
    return { done: this.window.finished, total: this.window.chunks };
  }

  /** The same of the first operation in progress. */
  get firstProgress(): { done: number; total: number } {
    if (this.committing === undefined) return this.progress;
    const done = this.dataChunks(this.committing.work);
    return { done, total: done + 1 };
  }

  outstandingSlots(): number[] {
    return this.current === undefined ? [] : this.window.outstandingSlots();
  }

  /** Chunk number that `slot` waits for; undefined if it does not wait for a chunk. */
  outstandingChunk(slot: number): number | undefined {
    const chunk = this.window.chunkIn(slot);
    return this.current === undefined || chunk === undefined ? undefined : this.window.number(chunk);
  }

  /**
   * Sends what is due.
   * @returns when to call again at the latest: `now` if the burst limit held something back
   */
  advance(now: number): number {
    if (this.current === undefined) return Infinity;
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
    return this.current === undefined ? Infinity : this.sendNew(now, PER_MESSAGE);
  }

  receive(message: Uint8Array, now: number): Verdict {
    if (!isOurs(message, this.config.job)) return this.stray();
    this.lastHeard = now;
    const opcode = message[Offset.opcode]!;
    if (opcode === Opcode.RESULT) return this.result(message, now);
    if (opcode === Opcode.REFUSED) return this.refused(message);
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
    const probe = this.writer.probeOf(slot, sequence);
    this.transmit(probe, 0, probe.length);
    return sequence;
  }

  private result(message: Uint8Array, now: number): Verdict {
    const slot = this.awaited(message);
    const chunk = slot === undefined ? undefined : this.window.chunkIn(slot)!;
    const count = chunk === undefined ? 0 : this.count(chunk);
    if (slot === undefined || chunk === undefined || message.length !== packetBytes(count, this.layout)) {
      this.noteNeedless(message);
      return this.stray();
    }
    if (uint16(message, Offset.count) !== count) return this.stray();
    const flags = uint16(message, Offset.flags);
    const { plan, counters } = this.operationOf(chunk);
    if (count > 0) plan.store(chunk, message, HEADER_BYTES, (flags & Flag.NETWORK_ORDER) !== 0);
    this.measure(slot, flags, now);
    counters.packetsReceived++;
    this.window.finish(this.window.number(chunk));
    if (chunk === PREVIOUS_COMMIT) {
      this.committing = undefined;
      return 'complete';
    }
    if (this.window.complete) {
      this.stop();
      return 'complete';
    }
    return this.received ? 'received' : 'accepted';
  }

  /** A refusal of the second operation in progress is left for when it is the first: its packet is repeated then. */
  private refused(message: Uint8Array): Verdict {
    const slot = this.awaited(message);
    if (slot === undefined) return this.stray();
    return this.committing === undefined || this.window.chunkIn(slot) === PREVIOUS_COMMIT ? 'refused' : 'stray';
  }

  private run(operation: Running): void {
    this.current = operation;
    this.counters = operation.counters;
    this.fields.operation = operation.number;
    this.fields.signature = operation.work.signature;
    this.writer.begin(this.fields, operation.work.networkOrder);
  }

  private operationOf(chunk: number): Running {
    return chunk === PREVIOUS_COMMIT ? this.committing! : this.current!;
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
    const number = uint32(message, Offset.operation);
    const isCurrent =
      uint32(message, Offset.epoch) === this.fields.epoch &&
      (number === this.current?.number || number === this.committing?.number);
    if (!isCurrent || slot >= this.config.slots) return;
    if ((uint16(message, Offset.flags) & Flag.REPEATED) !== 0) this.recovery.needless(slot);
  }

  /** What probe `sequence` found in `slot` tells whether its packet arrived, or its result was lost. */
  private answered(slot: number, sequence: number, now: number): void {
    const chunk = this.current === undefined ? undefined : this.window.chunkIn(slot);
    if (chunk === undefined) return;
    const { epoch } = this.fields;
    const { number } = this.operationOf(chunk);
    const held = this.probed!.sets.find(
      (set) => set.epoch === epoch && set.chunk === this.window.number(chunk) && set.operation === number,
    );
    const bitmap = held?.bitmap ?? 0;
    const isOwnThere = (bitmap & this.ownBit) !== 0;
    const missing = !isOwnThere ? 'own' : (bitmap & this.allBits) === this.allBits ? 'none' : 'others';
    this.recovery.probed(sequence, missing, now);
  }

  /** The slot whose outstanding chunk `message` is about; undefined if it matches no slot. */
  private awaited(message: Uint8Array): number | undefined {
    if (this.current === undefined) return undefined;
    const slot = uint16(message, Offset.slot);
    if (slot >= this.config.slots) return undefined;
    const chunk = this.window.chunkIn(slot);
    if (chunk === undefined) return undefined;
    const { number, work } = this.operationOf(chunk);
    const matches =
      uint32(message, Offset.chunk) === this.window.number(chunk) &&
      uint32(message, Offset.epoch) === this.fields.epoch &&
      uint32(message, Offset.operation) === number &&
      uint32(message, Offset.signature) === work.signature &&
      message[Offset.set] === this.window.set(chunk);
    return matches ? slot : undefined;
  }

  private sendNew(now: number, budget: number): number {
    const { window } = this;
    while (window.sendable > 0 && this.isReady(window.upcoming)) {
      if (budget-- <= 0) return now;
      this.send(window.take()!, now);
      // An in-process network may have answered within transmit(), and ended the operation.
      if (this.current === undefined) return Infinity;
    }
    return this.recovery.due;
  }

  private send(chunk: number, now: number): void {
    const { window } = this;
    const { plan, counters } = this.current!;
    const { packets } = plan;
    const slot = window.slot(chunk);
    const count = this.count(chunk);
    if (chunk >= packets.loaded) {
      if (count > 0) plan.load(chunk);
      packets.pad(chunk, count);
    }
    const at = packets.at(chunk);
    this.writer.contribution(packets.view, at, slot, window.set(chunk), window.number(chunk), count);
    this.recovery.sent(slot, now);
    counters.packetsSent++;
    this.transmit(packets.bytes, at, packetBytes(count, this.layout));
  }

  private repeat(slot: number): void {
    const chunk = this.window.chunkIn(slot)!;
    const {
      plan: { chunks, packets },
      counters,
    } = this.operationOf(chunk);
    counters.packetsSent++;
    counters.retransmissions++;
    const at = packets.at(chunk === PREVIOUS_COMMIT ? chunks : chunk);
    this.writer.again(packets.view, at);
    this.transmit(packets.bytes, at, packetBytes(this.count(chunk), this.layout));
  }

  /** Whether nothing that the plan waits for is missing. The commit waits for all data anyway. */
  private isReady(chunk: number): boolean {
    const { plan } = this.current!;
    return chunk >= plan.chunks || plan.isReady(chunk);
  }

  /** Values in `chunk`; none in a commit. */
  private count(chunk: number): number {
    const { plan } = this.current!;
    return chunk === PREVIOUS_COMMIT || chunk >= plan.chunks ? 0 : plan.count(chunk);
  }

  private stray(): Verdict {
    this.counters.strays++;
    return 'stray';
  }
}
