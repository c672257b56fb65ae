/** The master's side of its workers: which are attached, what they answer, and whether one is lost. */
import { EventEmitter } from 'node:events';
import { Metadata, Server, ServerCredentials, status, type ServerDuplexStream } from '@grpc/grpc-js';
import { QueryStateLostError, type QueryError } from '../errors.js';
import { QueryMasterService } from '../../protocol/generated/fpisa-query.js';
import {
  QueryAbortedError,
  QueryAttachError,
  QueryEvaluationError,
  QueryWorkerFailedError,
  QueryWorkerLostError,
} from './errors.js';
import type { FailureMessage, HelloMessage, MasterMessage, WorkerMessage } from './messages.js';

type Call = ServerDuplexStream<WorkerMessage, MasterMessage>;
type Answer = 'ready' | 'begun' | 'stepDone' | 'shipped';

/** Silence after which a worker's connection is pinged, and how long the answer may take. */
const KEEPALIVE_MS = 5_000;

interface RegistryEvents {
  piece: [rank: number, relation: string, data: Uint8Array];
  progress: [rank: number, rows: number];
}

/** One worker's connection. */
export class WorkerLink {
  private waiting: { readonly kind: Answer; readonly resolve: (message: WorkerMessage) => void } | undefined;

  constructor(
    readonly hello: HelloMessage,
    private readonly call: Call,
  ) {}

  /** Identifies it in messages. */
  get name(): string {
    return `worker ${this.hello.rank} (process ${this.hello.pid} at ${this.call.getPeer()})`;
  }

  send(message: MasterMessage): void {
    this.call.write(message);
  }

  /** Sends a message, and resolves with the answer; a failure is reported by the registry instead. */
  ask<Kind extends Answer>(message: MasterMessage, kind: Kind): Promise<NonNullable<WorkerMessage[Kind]>> {
    return new Promise((resolve) => {
      this.waiting = { kind, resolve: (answer) => resolve(answer[kind]!) };
      this.send(message);
    });
  }

  answer(message: WorkerMessage): void {
    const { waiting } = this;
    // Late answers of an aborted attempt are ignored.
    if (waiting === undefined || message[waiting.kind] === undefined || message[waiting.kind] === null) return;
    this.waiting = undefined;
    waiting.resolve(message);
  }

  end(): void {
    this.call.end();
  }
}

export class WorkerRegistry extends EventEmitter<RegistryEvents> {
  private readonly server = new Server({
    'grpc.keepalive_time_ms': KEEPALIVE_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_MS,
  });
  private readonly links: (WorkerLink | undefined)[];
  private reject!: (error: QueryError) => void;
  private arrived!: () => void;
  private isOver = false;
  /** A lost worker does not reconnect. */
  private lost: QueryWorkerLostError | undefined;
  /** Of the attempt under way; failures of earlier ones are ignored. */
  epoch = 0;
  /** Rejects when a worker is lost or has failed. Replaced for each attempt. */
  failed!: Promise<never>;
  /** Resolves when all have attached. */
  readonly complete: Promise<void>;

  constructor(
    readonly workers: number,
    /** A worker with another one is refused: masters and workers of different releases do not understand each other. */
    private readonly version: string,
  ) {
    super();
    this.links = Array.from({ length: workers }, () => undefined);
    this.renew();
    this.complete = new Promise((resolve) => (this.arrived = resolve));
    this.server.addService(QueryMasterService, { attach: (call: Call) => this.attach(call) });
  }

  /** @param address `host:port`; port 0 takes a free one. @returns the port */
  listen(address: string): Promise<number> {
    return new Promise((resolve, reject) =>
      this.server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
  }

  /** By rank; all of them, once {@link complete} has resolved. */
  get all(): readonly WorkerLink[] {
    return this.links.filter((link) => link !== undefined);
  }

  get missing(): readonly number[] {
    return this.links.flatMap((link, rank) => (link === undefined ? [rank] : []));
  }

  /** Listens for failures of the next attempt. */
  renew(): void {
    this.failed = new Promise((_, reject) => (this.reject = reject));
    // Callers that wait see the rejection; without one it must not count as unhandled.
    this.failed.catch(() => undefined);
    if (this.lost !== undefined) this.reject(this.lost);
  }

  fail(error: QueryError): void {
    this.reject(error);
  }

  /** Ends every wait for workers. @param failure why the query has no answer: reported to its workers, too */
  async close(failure?: Error): Promise<void> {
    this.isOver = true;
    this.reject(new QueryAbortedError('the query has ended'));
    for (const link of this.all) {
      link.send({ finish: { failure: failure?.message ?? '' } });
      link.end();
    }
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        this.server.forceShutdown();
        resolve();
      }, KEEPALIVE_MS / 5);
      this.server.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
  }

  private attach(call: Call): void {
    let link: WorkerLink | undefined;
    let isGone = false;
    const gone = (): void => {
      if (isGone) return;
      isGone = true;
      if (link !== undefined && !this.isOver) {
        this.lost ??= new QueryWorkerLostError(`${link.name} disconnected during the query`);
        this.reject(this.lost);
      }
      if (!this.isOver) call.end();
    };
    call.on('data', (message: WorkerMessage) => {
      // One that attaches twice would hide the loss of its first rank.
      if (message.hello && link !== undefined) gone();
      else if (message.hello) link = this.welcome(message.hello, call);
      else if (link !== undefined) this.receive(link, message);
    });
    call.on('end', gone);
    call.on('cancelled', gone);
    call.on('error', gone);
  }

  private welcome(hello: HelloMessage, call: Call): WorkerLink | undefined {
    const refuse = (why: string): undefined => {
      call.emit('error', { code: status.FAILED_PRECONDITION, details: why, metadata: new Metadata() });
      return undefined;
    };
    const { rank, version } = hello;
    if (version !== this.version)
      return refuse(
        `the query's master is version ${this.version}, this worker is version ${version}: use the same version on all machines`,
      );
    if (rank >= this.workers)
      return refuse(`this query has ranks 0 to ${this.workers - 1}, so there is no worker ${rank}`);
    if (this.links[rank] !== undefined)
      return refuse(`worker ${rank} is already attached; missing: ${this.missing.join(', ') || 'none'}`);
    const link = new WorkerLink(hello, call);
    this.links[rank] = link;
    if (this.missing.length === 0) this.arrived();
    return link;
  }

  private receive(link: WorkerLink, message: WorkerMessage): void {
    const { rank } = link.hello;
    if (message.piece) this.emit('piece', rank, message.piece.relation, message.piece.data);
    else if (message.progress) this.emit('progress', rank, message.progress.rows);
    else if (message.failure) {
      if (message.failure.epoch === this.epoch) this.reject(errorOf(link, message.failure));
    } else link.answer(message);
  }
}

function errorOf(link: WorkerLink, { code, message }: FailureMessage): QueryError {
  if (code === 'FPISA_QUERY_STATE_LOST') return new QueryStateLostError(message);
  if (code === 'FPISA_QUERY_EVALUATION') return new QueryEvaluationError(message);
  if (code === 'FPISA_QUERY_ATTACH') return new QueryAttachError(message);
  // This one names the worker itself.
  const named = code === 'FPISA_QUERY_SHARE' ? message : `${link.name}: ${message}`;
  return new QueryWorkerFailedError(named, code);
}
