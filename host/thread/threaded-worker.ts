/**
 * A worker whose session, engine and transport run on a thread of their own: a busy caller does not stop them, nor they
 * the caller. This is the caller's side.
 */
import type { Worker as Thread } from 'node:worker_threads';
import { LibcMissing, loadLibc, type Libc } from '../../net/linux/libc.js';
import { type AllreduceStats, checkQuantizes, MemoryInUse, type Tensors } from '../allreduce/index.js';
import { listTensors } from '../allreduce/tensor-list.js';
import { checkOp } from '../allreduce/tensors.js';
import { AbortedError, ThreadError } from '../errors.js';
import { guarded } from '../guarded.js';
import type { LocalOptions } from '../local-worker.js';
import type { AllreduceOptions } from '../options.js';
import type { EmitWorkerEvent } from '../worker-events.js';
import { formatOfJob, leftError, type WorkerSide, type WorkerState } from '../worker-side.js';
import { uncarry } from './carried-error.js';
import { LentTensors } from './lent-tensors.js';
import { probeMemory } from './lent-memory.js';
import { type ThreadReport, type ThreadRequest, threadOptions, type WorkerThreadData } from './messages.js';
import type { StartThread } from './start.js';

interface PendingCall {
  /** Holds the memory that the thread uses. */
  readonly lent: LentTensors;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: AllreduceOptions['onProgress'];
  /** The thread has it. */
  posted: boolean;
  resolve(stats: AllreduceStats): void;
  reject(error: Error): void;
}

export class ThreadedWorker implements WorkerSide {
  private current: WorkerState | undefined;
  /** By their number. */
  private readonly calls = new Map<number, PendingCall>();
  private lastCall = 0;
  private readonly memoryInUse = new MemoryInUse();
  /** Tensors are being copied, for a call that the thread has to learn of before any later one. */
  private copying: Promise<void> | undefined;
  private ended: Error | undefined;
  /** What the thread threw. */
  private thrown: Error | undefined;
  /** The thread said that the membership is over, and why. */
  private closing: { readonly error: Error | undefined } | undefined;
  /** The thread reads memory by its address, where this is known. */
  private lender: Libc | undefined;
  private joined: { resolve(): void; reject(error: Error): void } | undefined;
  private readonly exited: Promise<void>;

  private constructor(
    private readonly thread: Thread,
    private readonly options: Readonly<LocalOptions>,
    private readonly emit: EmitWorkerEvent,
    private readonly libc: Libc | undefined,
  ) {
    thread.on('message', (report: ThreadReport) => this.hear(report));
    thread.on('error', (error) => (this.thrown = error));
    this.exited = new Promise((resolve) => {
      thread.on('exit', () => {
        this.gone();
        resolve();
      });
    });
  }

  /** See {@link Worker.join}, which has checked the options. @throws ThreadError, and what the thread's worker throws */
  static async join(
    options: Readonly<LocalOptions>,
    emit: EmitWorkerEvent,
    start: StartThread,
  ): Promise<ThreadedWorker> {
    const { signal } = options;
    signal?.throwIfAborted();
    const loaded = await loadLibc();
    const libc = loaded instanceof LibcMissing ? undefined : loaded;
    const probe = libc && probeMemory(libc);
    const thread = start({
      options: { ...threadOptions(options), placement: ', on a thread of its own' },
      probe: probe?.probed,
    } satisfies WorkerThreadData);
    const worker = new ThreadedWorker(thread, options, emit, libc);
    const giveUp = (): void => worker.post({ end: 'close' });
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      await new Promise<void>((resolve, reject) => (worker.joined = { resolve, reject }));
    } catch (error) {
      await worker.exited;
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
      worker.joined = undefined;
      // The thread has read it by now.
      probe?.memory.fill(0);
    }
    return worker;
  }

  get state(): WorkerState {
    return this.current!;
  }

  get closed(): boolean {
    return this.ended !== undefined;
  }

  async allreduce(tensors: Tensors, options: Readonly<AllreduceOptions>): Promise<AllreduceStats> {
    if (this.ended !== undefined) throw this.ended;
    const { op, signal, quantize = false } = options;
    const { job } = this.state;
    if (quantize) checkQuantizes(job.name, formatOfJob(job));
    const format = quantize ? 'fp32' : formatOfJob(job);
    const list = listTensors(tensors, format, quantize ? 'quantize' : undefined);
    checkOp(op ?? 'sum', format);
    const memory = list.map(({ data }) => data);
    this.memoryInUse.claim(memory);
    const id = ++this.lastCall;
    const onProgress = guarded(options.onProgress);
    const cancel = (): void => {
      if (this.calls.get(id)?.posted) this.post({ cancel: id });
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      const lent = new LentTensors(list, this.lender);
      const stats = await new Promise<AllreduceStats>((resolve, reject) => {
        this.calls.set(id, { lent, signal, onProgress, posted: false, resolve, reject });
        const post = (): void => {
          const call = this.calls.get(id);
          if (call === undefined) return;
          call.posted = true;
          const listeners = { reports: onProgress !== undefined, cancellable: signal !== undefined };
          this.post({ call: { id, format, tensors: lent.tensors, op, quantize, ...listeners } });
          if (signal?.aborted) cancel();
        };
        if (this.copying === undefined && !lent.hasCopies) post();
        else
          this.afterCopies(() => lent.copyIn()).then(post, (error: unknown) => this.settle(id)?.reject(error as Error));
      });
      await lent.copyOut();
      return stats;
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.memoryInUse.release(memory);
    }
  }

  async leave(): Promise<void> {
    await this.copying;
    this.post({ end: 'leave' });
    await this.exited;
  }

  async close(): Promise<void> {
    this.ended ??= leftError(this.options);
    this.post({ end: 'close' });
    await this.exited;
  }

  private post(request: ThreadRequest): void {
    this.thread.postMessage(request);
  }

  /** Keeps the order of the calls. What follows the returned promise at once comes before what follows the next one. */
  private afterCopies(copy: () => Promise<void>): Promise<void> {
    const mine = (this.copying ?? Promise.resolve()).then(copy);
    // One call's failure is none of the next one's.
    const over = mine
      .catch(() => undefined)
      .then(() => {
        if (this.copying === over) this.copying = undefined;
      });
    this.copying = over;
    return mine;
  }

  private hear({ state, completed, joined, refused, event, closed, progress, succeeded, failed }: ThreadReport): void {
    if (state !== undefined) this.current = state;
    else if (completed !== undefined) this.current = { ...this.current!, completed };
    if (succeeded !== undefined) this.settle(succeeded.id)?.resolve(succeeded.stats);
    else if (progress !== undefined) this.calls.get(progress.id)?.onProgress?.(progress.report);
    else if (event !== undefined) this.emit(event.name, ...(event.args as never));
    else if (failed !== undefined) this.fail(failed.id, uncarry(failed.error));
    else if (joined !== undefined) {
      if (joined.readsAddresses) this.lender = this.libc;
      this.joined?.resolve();
    } else if (refused !== undefined) this.closing = { error: uncarry(refused) };
    else if (closed !== undefined) {
      this.closing = { error: closed.error && uncarry(closed.error) };
      this.ended ??= this.closing.error ?? leftError(this.options);
    }
  }

  private settle(id: number): PendingCall | undefined {
    const call = this.calls.get(id);
    this.calls.delete(id);
    return call;
  }

  private fail(id: number, error: Error): void {
    const call = this.settle(id);
    // The reason of the caller's signal need not be one that another thread can have.
    if (error instanceof AbortedError && error.cause !== undefined && call?.signal?.aborted)
      error.cause = call.signal.reason;
    call?.reject(error);
  }

  /** The thread is no more: nobody waits for it. */
  private gone(): void {
    const error = this.closing === undefined ? this.died() : this.closing.error;
    this.joined?.reject(error ?? leftError(this.options));
    this.ended ??= error ?? leftError(this.options);
    for (const id of [...this.calls.keys()]) this.fail(id, error ?? this.ended);
    if (this.current !== undefined) this.emit('closed', error as never);
  }

  private died(): ThreadError {
    const why = this.thrown?.message ?? 'it was stopped';
    const options = this.thrown && { cause: this.thrown };
    if (this.current === undefined)
      return new ThreadError(
        `the worker's thread did not start: ${why}; join with "thread: false" to do without one`,
        options,
      );
    return new ThreadError(
      `the thread of rank ${this.options.rank} in job '${this.options.job}' ended: ${why}; the tensors of its calls hold neither input nor result, so join again and begin from your own copies`,
      options,
    );
  }
}
