/**
 * A worker's long-lived call to the controller. It is made again whenever it breaks, with a growing
 * pause; earlier messages are not repeated, since Hello and the controller's Membership synchronise both
 * sides.
 */
import * as grpc from '@grpc/grpc-js';
import { Backoff } from '../../net/backoff.js';
import { NotAControllerError } from '../../protocol/errors.js';
import { ControllerUnreachableError, JoinError, ShapeMismatchError, type WorkerError } from '../errors.js';
import { MembershipClient, type MembershipStream } from './client.js';
import type { ControllerMessage, Hello, WorkerMessage } from './messages.js';
import { grpcReason } from '../../protocol/grpc-reason.js';

export interface SessionOptions {
  /** `host:port`. */
  controller: string;
  credentials: grpc.ChannelCredentials;
  /** The first connection is tried for this long. */
  joinTimeoutMs: number;
  /** The first message of each call. */
  hello(): Hello;
  /** Messages in order; the first of each call is a welcome. */
  onMessage(message: ControllerMessage): void;
  /** The call broke and will be made again. */
  onBroken(reason: string): void;
  /** The controller refused this worker for good; no further call is made. */
  onRefused(error: WorkerError | NotAControllerError): void;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;
const LIST_JOBS_TIMEOUT_MS = 2000;
/** How long to wait for a Leave to reach the controller. */
const FAREWELL_MS = 1000;

/** Answers that another attempt cannot change. */
const FINAL: ReadonlySet<grpc.status> = new Set([
  grpc.status.INVALID_ARGUMENT,
  grpc.status.NOT_FOUND,
  grpc.status.ALREADY_EXISTS,
  grpc.status.PERMISSION_DENIED,
  grpc.status.FAILED_PRECONDITION,
  grpc.status.OUT_OF_RANGE,
  grpc.status.UNIMPLEMENTED,
  grpc.status.UNAUTHENTICATED,
  grpc.status.RESOURCE_EXHAUSTED,
]);

export class ControllerSession {
  private client: MembershipClient | undefined;
  private stream: MembershipStream | undefined;
  private closed = false;
  /** Welcomed at least once. */
  private welcomed = false;
  /** Since when the controller has answered that the rank is taken, after a welcome. */
  private takenSince: number | undefined;
  private readonly backoff = new Backoff(FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
  /** The caller that waits for the first welcome. */
  private opening: { succeeded(): void; failed(error: Error): void } | undefined;
  private retry: NodeJS.Timeout | undefined;
  private lastReason = 'no attempt has been made yet';

  constructor(private readonly options: SessionOptions) {}

  /**
   * Makes the first call, trying again until `joinTimeoutMs` has passed; resolves with its welcome.
   * @throws JoinError or ShapeMismatchError if the controller refuses, ControllerUnreachableError if none answers,
   *   NotAControllerError
   */
  open(signal?: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const settle = (end: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
        this.opening = undefined;
        end();
      };
      const fail = (error: Error) =>
        settle(() => {
          void this.close();
          reject(error);
        });
      const aborted = () => fail(signal!.reason as Error);
      const { controller, joinTimeoutMs } = this.options;
      const timer = setTimeout(() => {
        fail(
          new ControllerUnreachableError(
            `no controller answered at ${controller} within ${joinTimeoutMs} ms: ${this.lastReason}`,
          ),
        );
      }, joinTimeoutMs);
      this.opening = { succeeded: () => settle(resolve), failed: fail };
      if (signal?.aborted) aborted();
      else {
        signal?.addEventListener('abort', aborted, { once: true });
        this.connect();
      }
    });
  }

  /** Sends `message`, if there is a call; otherwise it is dropped. */
  send(message: WorkerMessage): void {
    this.stream?.write(message);
  }

  /** Ends the membership: sends Leave, if there is a call, and waits a moment for it to arrive. */
  async leave(): Promise<void> {
    const { stream } = this;
    if (stream !== undefined && !this.closed) {
      this.closed = true;
      stream.write({ leave: {} });
      stream.end();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, FAREWELL_MS);
        stream.once('close', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    await this.close();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.retry);
    this.drop();
  }

  private connect(): void {
    const client = new MembershipClient(this.options.controller, this.options.credentials);
    const stream = client.join();
    this.client = client;
    this.stream = stream;
    let welcome = false;
    stream.on('data', (message: ControllerMessage) => {
      if (this.closed || stream !== this.stream) return;
      if (message.welcome !== undefined) {
        welcome = this.welcomed = true;
        this.takenSince = undefined;
        this.backoff.reset();
        this.opening?.succeeded();
      }
      this.options.onMessage(message);
    });
    // Every call ends with exactly one status, even when its connection broke.
    stream.on('status', (status: grpc.StatusObject) => {
      if (this.closed || stream !== this.stream) return;
      void this.ended(client, status, welcome);
    });
    // Already handled as the status; without a listener this would end the process.
    stream.on('error', () => undefined);
    stream.write({ hello: this.options.hello() });
  }

  private async ended(client: MembershipClient, status: grpc.StatusObject, welcome: boolean): Promise<void> {
    // grpc-js appends a note on name resolution, which is empty for addresses.
    this.lastReason = grpcReason(status.details) || grpc.status[status.code];
    this.stream = undefined;
    if (FINAL.has(status.code) && !this.isOwnShadow(status)) {
      const jobs = await this.jobs(client);
      this.drop();
      if (this.closed) return;
      const error = this.refusal(status, jobs);
      if (this.opening !== undefined) this.opening.failed(error);
      else this.options.onRefused(error);
      return;
    }
    this.drop();
    if (welcome) this.options.onBroken(this.lastReason);
    this.retry = setTimeout(() => this.connect(), this.backoff.next());
  }

  /**
   * After a break the controller may reserve the rank for this worker's old call until it notices the break; if it
   * does so for longer, another process has taken the rank.
   */
  private isOwnShadow(status: grpc.StatusObject): boolean {
    if (status.code !== grpc.status.ALREADY_EXISTS || !this.welcomed) return false;
    this.takenSince ??= performance.now();
    return performance.now() - this.takenSince < this.options.joinTimeoutMs;
  }

  private refusal(status: grpc.StatusObject, jobs: readonly string[] | undefined): WorkerError | NotAControllerError {
    const cause = Object.assign(new Error(status.details), { code: status.code });
    if (status.code === grpc.status.UNIMPLEMENTED) return new NotAControllerError(this.options.controller, { cause });
    const { job, rank } = this.options.hello();
    if (status.metadata.get('fpisa-code')[0] === 'FPISA_TENSORS_DIFFER')
      return new ShapeMismatchError(
        `job '${job}' cannot take rank ${rank}: ${this.lastReason}`,
        [],
        undefined,
        this.lastReason,
      );
    return new JoinError(
      `the controller at ${this.options.controller} refused rank ${rank} of job '${job}': ${this.lastReason}${this.listOf(status, jobs)}`,
      jobs ?? [],
      { cause },
    );
  }

  /** The list of jobs, if the job was not found and the controller's message does not list them itself. */
  private listOf(status: grpc.StatusObject, jobs: readonly string[] | undefined): string {
    if (status.code !== grpc.status.NOT_FOUND || jobs === undefined || this.lastReason.includes('(jobs: ')) return '';
    return jobs.length === 0 ? '; the controller has no jobs' : `; the controller's jobs are ${jobs.join(', ')}`;
  }

  private async jobs(client: MembershipClient): Promise<string[] | undefined> {
    try {
      return (await client.listJobs(LIST_JOBS_TIMEOUT_MS)).map((job) => job.name);
    } catch {
      return undefined;
    }
  }

  private drop(): void {
    this.stream?.cancel();
    this.stream = undefined;
    this.client?.close();
    this.client = undefined;
  }
}
