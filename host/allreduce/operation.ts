/** One allreduce call from its submission to its completion. */
import type { WorkerError } from '../errors.js';
import type { Counters } from './engine-types.js';
import { partialNote, type MissingRank } from './partial.js';
import type { TensorBatch } from './tensors.js';

export interface OperationProgress {
  /** Number of the operation within the job. */
  operation: number;
  /** Chunks whose result has arrived, and all chunks with the commit. A restart begins again at 0. */
  chunksDone: number;
  chunksTotal: number;
  retransmissions: number;
}

export interface AllreduceStats extends OperationResult {
  /** For people: the way that packets took from this worker, and why not a faster one. */
  transport: string;
}

export interface OperationResult {
  /** Number of the operation within the job. */
  operation: number;
  elements: number;
  /** Data chunks and the commit. */
  chunks: number;
  /** First transmissions and retransmissions. */
  packetsSent: number;
  /** Results that were used. */
  packetsReceived: number;
  retransmissions: number;
  /** Messages that no chunk was waiting for. */
  strays: number;
  /** Smoothed time from a chunk's transmission to its sum, in microseconds; undefined if never measured. */
  rttMicros: number | undefined;
  /** From the operation's first start to its completion. */
  elapsedMs: number;
  /** Membership epoch in which the sum was computed. */
  epoch: number;
  /** Members that the sum contains. */
  workers: number;
  /** Their ranks. */
  ranks: readonly number[];
  /** Workers that the job was created with. */
  jobWorkers: number;
  /** Ranks of the job that the sum does not contain: only an elastic job goes on without them. */
  missing: readonly MissingRank[];
  /** Of a sum without them, for people: `summed over 1 of 2 workers (rank 1 was lost)`. */
  partial: string | undefined;
  /** Times that a change of the membership made it begin again. */
  restarts: number;
  /** Values of a whole chunk: as many as the program's packets hold, or as the way of each worker carries. */
  packetValues: number;
}

/** Who is in an epoch, and who is not. */
export interface EpochMembers {
  readonly epoch: number;
  readonly ranks: readonly number[];
  readonly jobWorkers: number;
  readonly missing: readonly MissingRank[];
  readonly packetValues: number;
}

export interface OperationCallbacks {
  resolve(stats: OperationResult): void;
  reject(error: WorkerError): void;
  onProgress?: ((progress: OperationProgress) => void) | undefined;
}

/** At most about this many progress reports per operation. */
const PROGRESS_REPORTS = 100;

export class Operation {
  /** Undefined until the worker's first Resume gives the job's position. */
  number: number | undefined;
  readonly counters: Counters = { packetsSent: 0, packetsReceived: 0, retransmissions: 0, strays: 0 };
  /** How often it was started. */
  starts = 0;
  /** Epoch and members of the latest start. */
  epoch = 0;
  ranks: readonly number[] = [];
  private jobWorkers = 0;
  private missing: readonly MissingRank[] = [];
  private packetValues = 0;
  /**
   * The caller already has its answer, but the number is not used up: other workers may submit tensors
   * for it, and must be told once it is at the head of the queue.
   */
  failure: WorkerError | undefined;
  private givenUp = false;
  private startedAt = 0;
  private reportAt = 0;

  constructor(
    readonly batch: TensorBatch,
    readonly submittedAt: number,
    private readonly callbacks: OperationCallbacks,
  ) {}

  begin({ epoch, ranks, jobWorkers, missing, packetValues }: EpochMembers, now: number): void {
    if (this.starts++ === 0) this.startedAt = now;
    this.epoch = epoch;
    this.ranks = ranks;
    this.jobWorkers = jobWorkers;
    this.missing = missing;
    this.packetValues = packetValues;
    this.reportAt = 0;
  }

  report(done: number, total: number): void {
    const { onProgress } = this.callbacks;
    if (onProgress === undefined || (done < this.reportAt && done < total)) return;
    this.reportAt = done + Math.max(1, Math.floor(total / PROGRESS_REPORTS));
    onProgress({
      operation: this.number!,
      chunksDone: done,
      chunksTotal: total,
      retransmissions: this.counters.retransmissions,
    });
  }

  succeed(chunks: number, rttMs: number | undefined, now: number): void {
    this.batch.release();
    this.batch.finish(this.ranks.length);
    this.callbacks.resolve({
      operation: this.number!,
      elements: this.batch.elements,
      chunks,
      ...this.counters,
      rttMicros: rttMs === undefined ? undefined : rttMs * 1000,
      elapsedMs: now - this.startedAt,
      epoch: this.epoch,
      workers: this.ranks.length,
      ranks: this.ranks,
      jobWorkers: this.jobWorkers,
      missing: this.missing,
      partial: partialNote(this.ranks.length, this.jobWorkers, this.missing),
      restarts: this.starts - 1,
      packetValues: this.packetValues,
    });
  }

  /** Restores the input in the caller's memory and rejects; later calls do nothing. */
  fail(error: WorkerError): void {
    if (this.failure !== undefined) return;
    this.giveUp();
    this.failure = error;
    this.callbacks.reject(error);
  }

  /** Restores the input in the caller's memory, once: after that it may be another call's. */
  giveUp(): void {
    if (this.givenUp) return;
    this.givenUp = true;
    this.batch.restore();
    this.batch.release();
  }
}
