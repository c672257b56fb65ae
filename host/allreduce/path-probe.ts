/**
 * Finds out how long packets may be on the way to the switch and back, by probes as long as packets
 * (docs/protocol.md, "Packet size"); after RFC 8899, with the switch as the other end. A pure state machine.
 *
 * The lengths are tried together, so that losses meet all of them alike. How often the shortest is answered tells how
 * often a longer one would be if it came through, and a length is given up only when its silence would be a rare
 * accident otherwise. So a lossy path takes more tries, and a silent one is never taken for a narrow one.
 */
import type { Transmit } from './engine-types.js';
import { Opcode } from '../../protocol/constants.js';
import { emptyHeader, messageBytes, Offset, PROBE_BYTES, writeHeader } from '../../protocol/message.js';
import type { Path } from '../session/messages.js';
import { uint32 } from '../../net/big-endian.js';

/** The risk that is taken, each time, of giving up a length that comes through. */
const RISK = 1 / 2000;
/** How long an answer may take, before one has shown it; longer with each try that nothing answers. */
const FIRST_MS = 100;
const GROWTH = 1.5;
const LONGEST_MS = 1000;
/** The same once one has, in round trips, and at least. */
const ROUND_TRIPS = 4;
const LEAST_MS = 20;
/** Longer packets may come this much later than the shortest, which is sent first, and at least as much as two round trips. */
const GRACE_MS = 20;
/** Without any answer the search ends after this time, and in any case after the second one. */
const SILENCE_MS = 2000;
const LIMIT_MS = 8000;
/** Operations that have halted for so long may have met a path that carries less than it did; then twice as long, and so on. */
const DOUBT_MS = 1000;
const DOUBT_LONGEST_MS = 16_000;

export interface PathProbeConfig {
  readonly job: number;
  readonly rank: number;
  /** Values that packets may hold, ascending. */
  readonly steps: readonly number[];
}

export interface PathProbeOutput {
  readonly transmit: Transmit;
  path(message: Path): void;
}

export class PathProbe {
  /** By step; allocated when first needed. */
  private packets: Uint8Array[] = [];
  private searching = false;
  private epoch = 0;
  /** Values of the packets that are in doubt; undefined: the controller has asked, and gets an answer in any case. */
  private doubted: number | undefined;
  private startedAt = 0;
  /** Largest step that was answered; −1: none. */
  private best = -1;
  /** Tries of this search that are over. */
  private tries = 0;
  /** Number of the latest try, and of the last one before this search. */
  private sequence = 0;
  private before = 0;
  /** Tries whose shortest probe was answered. */
  private readonly heard = new Set<number>();
  /** Of the latest try. */
  private sentAt = 0;
  private overAt = 0;
  private roundTrip: number | undefined;
  /** Tries in a row without any answer. */
  private silences = 0;
  /** Since when operations have halted, as far as it was told, and when that gives rise to doubt. */
  private haltedSince = -Infinity;
  private doubtMs = DOUBT_MS;
  private doubtAt = Infinity;

  constructor(
    private readonly config: PathProbeConfig,
    private readonly output: PathProbeOutput,
  ) {}

  /** The controller asks what the path carries in `epoch`. */
  ask(epoch: number, now: number): void {
    const { steps } = this.config;
    if (this.canTry) this.search(epoch, undefined, now);
    else this.output.path({ epoch, values: steps.at(-1)! });
  }

  /**
   * Operations run in `epoch` with packets of up to `values`, and none has made progress since `since`.
   * @returns when to call again at the latest
   */
  doubt(epoch: number, values: number, since: number, now: number): number {
    if (!this.canTry || values <= this.config.steps[0]!) return Infinity;
    if (since !== this.haltedSince) {
      this.stop();
      this.haltedSince = since;
      this.doubtMs = DOUBT_MS;
      this.doubtAt = since + DOUBT_MS;
    }
    if (this.searching || now < this.doubtAt) return this.searching ? this.overAt : this.doubtAt;
    this.doubtMs = Math.min(2 * this.doubtMs, DOUBT_LONGEST_MS);
    this.search(epoch, values, now);
    return this.overAt;
  }

  stop(): void {
    this.searching = false;
  }

  /** When {@link advance} is to be called at the latest. */
  get due(): number {
    return this.searching ? this.overAt : Infinity;
  }

  /** @returns whether `message`, which must be of this job, is the answer to a probe like these, whoever sent it */
  receive(message: Uint8Array, now: number): boolean {
    if (message[Offset.opcode] !== Opcode.PROBE_REPLY || message.length <= PROBE_BYTES) return false;
    const sequence = uint32(message, Offset.chunk);
    // In a tree the answer goes to all workers of the leaf: the field says whose it is.
    const isOwn = uint32(message, Offset.operation) === this.config.rank + 1;
    if (!this.searching || !isOwn || uint32(message, Offset.epoch) !== this.epoch) return true;
    if (sequence <= this.before || sequence > this.sequence) return true;
    const step = this.config.steps.findIndex((values) => messageBytes(values) === message.length);
    this.best = Math.max(this.best, step);
    if (this.best === this.config.steps.length - 1) this.finish(now);
    else if (step === 0) this.heardShortest(sequence, now);
    return true;
  }

  /** Sends what is due. @returns when to call again at the latest */
  advance(now: number): number {
    if (this.searching && now >= this.overAt) {
      this.tries++;
      this.silences = this.heard.has(this.sequence) ? 0 : this.silences + 1;
      const elapsed = now - this.startedAt;
      const gone = this.best < 0 && elapsed >= SILENCE_MS;
      if (gone || elapsed >= LIMIT_MS || this.isSettled) this.finish(now);
      else this.try(now);
    }
    return this.due;
  }

  /** Probes of the shortest length must differ from those that ask for the state of a slot. */
  private get canTry(): boolean {
    const { steps } = this.config;
    return steps.length > 1 && messageBytes(steps[0]!) > PROBE_BYTES;
  }

  private search(epoch: number, doubted: number | undefined, now: number): void {
    this.epoch = epoch;
    this.doubted = doubted;
    this.searching = true;
    this.startedAt = now;
    this.best = -1;
    this.tries = this.silences = 0;
    this.before = this.sequence;
    this.heard.clear();
    this.roundTrip = undefined;
    this.try(now);
  }

  /** Whether the lengths that were not answered would have been, but for a rare accident. */
  private get isSettled(): boolean {
    // Laplace's estimate, which is never 0 or 1.
    const share = (this.heard.size + 1) / (this.tries + 2);
    return this.best >= 0 && (1 - share) ** this.tries < RISK;
  }

  private heardShortest(sequence: number, now: number): void {
    this.heard.add(sequence);
    if (sequence !== this.sequence) return;
    this.roundTrip ??= now - this.sentAt;
    this.overAt = Math.min(this.overAt, now + Math.max(GRACE_MS, 2 * this.roundTrip));
  }

  private try(now: number): void {
    this.sequence++;
    this.sentAt = now;
    const usual = this.roundTrip === undefined ? FIRST_MS : Math.max(LEAST_MS, ROUND_TRIPS * this.roundTrip);
    const patience = Math.min(LONGEST_MS, usual * GROWTH ** this.silences);
    this.overAt = Math.min(now + patience, this.startedAt + LIMIT_MS);
    // Each is longer than the one before, so that a transport does not send two as one message: what the kernel has yet
    // to cut passes links of virtual machines and namespaces that a packet of that length alone does not pass.
    if (this.best >= 0) this.send(0);
    for (let step = this.best + 1; step < this.config.steps.length; step++) this.send(step);
  }

  private send(step: number): void {
    const { job, rank, steps } = this.config;
    if (this.packets.length === 0) this.packets = steps.map((values) => new Uint8Array(messageBytes(values)));
    const packet = this.packets[step]!;
    writeHeader(new DataView(packet.buffer), {
      ...emptyHeader(Opcode.PROBE),
      job,
      worker: rank,
      epoch: this.epoch,
      operation: rank + 1,
      chunk: this.sequence,
    });
    this.output.transmit(packet, 0, packet.length);
  }

  private finish(now: number): void {
    const { doubted, epoch } = this;
    this.searching = false;
    this.doubtAt = now + this.doubtMs;
    const values = this.config.steps[this.best] ?? 0;
    if (doubted === undefined || (values > 0 && values < doubted)) this.output.path({ epoch, values });
  }
}
