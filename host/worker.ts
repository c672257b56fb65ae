/** A member of a job: the one object that programs hold (docs/workers.md). */
import { EventEmitter } from 'node:events';
import type { AllreduceStats, Format, Tensors } from './allreduce/index.js';
import { ArgumentError } from './errors.js';
import { LocalWorker } from './local-worker.js';
import { type AllreduceOptions, type JoinOptions, settings } from './options.js';
import { announcementsOf } from './session/announcements.js';
import type { JobInfo } from './session/messages.js';
import { isProgramThere, type StartThread, startWorkerThread } from './thread/start.js';
import { ThreadedWorker } from './thread/threaded-worker.js';
import type { EmitWorkerEvent, WorkerEvents } from './worker-events.js';
import { formatOfJob, type WorkerSide } from './worker-side.js';

export class Worker extends EventEmitter<WorkerEvents> implements AsyncDisposable {
  private readonly side: WorkerSide;

  private constructor(
    /** Which of the job's workers this is. */
    readonly rank: number,
    side: WorkerSide,
  ) {
    super();
    this.side = side;
  }

  /**
   * Becomes rank `rank` of a job. Resolves when the controller has accepted; operations then wait for
   * the job's other workers.
   * @throws ArgumentError, JoinError (no such job, rank taken), ShapeMismatchError (of what is announced), ControllerUnreachableError, TransportError,
   *   ThreadError, or the signal's reason
   */
  static async join(options: Readonly<JoinOptions>): Promise<Worker> {
    settings(options);
    const start = threadFor(options);
    const local = { ...options, announcements: announcementsOf(options.announce ?? []) };
    // Nobody can listen before there is a worker.
    const made: { worker?: EventEmitter } = {};
    const emit: EmitWorkerEvent = (name, ...args) => void made.worker?.emit(name, ...args);
    const side =
      typeof start === 'function'
        ? await ThreadedWorker.join(local, emit, start)
        : await LocalWorker.join({ ...local, ...start }, emit);
    const worker = new Worker(options.rank, side);
    made.worker = worker;
    return worker;
  }

  /** The job as the controller described it at the last (re)connection. */
  get job(): Readonly<JobInfo> {
    return this.side.state.job;
  }

  /** Element format: Float32Array for `fp32`, Int32Array for `int32`. */
  get format(): Format {
    return formatOfJob(this.job);
  }

  /** Current epoch; undefined before the first one is prepared. */
  get epoch(): number | undefined {
    return this.side.state.epoch;
  }

  /** Members of the current epoch. */
  get ranks(): readonly number[] {
    return this.side.state.ranks;
  }

  /** Number of the last operation that is complete here; a worker that joins late starts with the job's number. */
  get completed(): number {
    return this.side.state.completed;
  }

  /** For people: the way that packets take from here, and why not a faster one. */
  get transportDescription(): string {
    return this.side.state.transportDescription;
  }

  /** Values of a whole chunk in the current epoch: as many as the program and the ways of all members carry. */
  get packetValues(): number {
    return this.side.state.packetValues;
  }

  get closed(): boolean {
    return this.side.closed;
  }

  /**
   * Sums tensors over all members of the job, in place. Every worker calls with the same names and shapes, in the
   * same order; calls of one worker are executed one after the other. If it fails, the tensors contain
   * their input again, and the call still counts as one of the job's operations.
   *
   * @param tensors one, a list, or a record or map by name (whose order does not matter), of any lengths, including 0;
   *   the memory must not be touched until the promise settles
   * @throws ArgumentError (no number is used up; also for memory of a call that is in progress), ShapeMismatchError, AbortedError, MembershipError,
   *   StalledError, SwitchUnreachableError, ControllerUnreachableError, ClosedError, ThreadError
   */
  async allreduce(tensors: Tensors, options: Readonly<AllreduceOptions> = {}): Promise<AllreduceStats> {
    return await this.side.allreduce(tensors, options);
  }

  /** Waits for the calls in progress, then leaves the job: an elastic one goes on without this worker, another needs one at its rank. */
  leave(): Promise<void> {
    return this.side.leave();
  }

  /** Leaves the job immediately; calls in progress reject with ClosedError. */
  async close(): Promise<void> {
    await this.side.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** How the worker's thread starts; otherwise what its description says instead. @throws ArgumentError if it must have one and cannot */
function threadFor({ thread, transport, credentials }: Readonly<JoinOptions>): StartThread | { placement: string } {
  if (thread === false) return { placement: '' };
  const bound = [transport !== undefined && 'transport', credentials !== undefined && 'credentials'].filter(Boolean);
  let why: string | undefined;
  if (bound.length > 0) why = `${bound.join(' and ')} cannot leave it`;
  else if (typeof thread === 'function') return thread;
  else if (!isProgramThere()) why = 'the program of a thread is not beside that of the worker';
  if (why === undefined) return startWorkerThread;
  if (thread === undefined) return { placement: `, on the caller's thread (${why})` };
  throw new ArgumentError(`the worker has to stay on the caller's thread: ${why}; leave "thread" out`);
}
