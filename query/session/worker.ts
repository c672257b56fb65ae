/** One worker of a query: reads its share, evaluates the worker's part of each step, and sends what comes out. */
import {
  Client,
  credentials,
  Metadata,
  status,
  type ClientDuplexStream,
  type deserialize,
  type ServiceError,
} from '@grpc/grpc-js';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { FpisaError } from '../../protocol/errors.js';
import { grpcReason } from '../../protocol/grpc-reason.js';
import {
  QUERY_BUILDS,
  type LaneOp,
  type Operator,
  type Order,
  type QueryBuild,
} from '../../protocol/query/constants.js';
import { readHeader, emptyHeader } from '../../protocol/query/message.js';
import { DgramTransport, localIpTowards } from '../../host/transport/dgram.js';
import { duckdb } from '../duckdb.js';
import type { KeyColumn, PruneStep } from '../plan/plan.js';
import { identifier } from '../plan/tree.js';
import { ChunkEncoder } from '../plan/chunk-encoder.js';
import { RowSender } from '../stream/sender.js';
import { QueryMasterService } from '../../protocol/generated/fpisa-query.js';
import {
  QueryAbortedError,
  QueryAttachError,
  QueryEvaluationError,
  QueryFailedError,
  QueryMasterUnreachableError,
  QueryWorkerLostError,
} from './errors.js';
import { toWire } from './lane-wire.js';
import type {
  BeginMessage,
  KeyColumnMessage,
  MasterMessage,
  SetupMessage,
  StepMessage,
  WorkerMessage,
} from './messages.js';
import { exportRows } from './parquet.js';
import { WorkerRowSet } from './row-set.js';
import { StreamGate } from './stream-gate.js';
import { viewShare } from './worker-share.js';
import { OversizedRows } from './oversized-rows.js';

export interface WorkerOptions {
  /** `host:port` where the query's master listens. */
  readonly master: string;
  readonly rank: number;
  readonly version: string;
  readonly signal?: AbortSignal;
  /** This machine's address as the switch sees it; detected by default. */
  readonly ip?: string;
  readonly udpPort?: number;
  readonly switchPort?: number;
  readonly mac?: string;
  /** This worker's own files, in the form of the master's `--data`, instead of its share of these tables. */
  readonly data?: readonly string[];
  /** How long to look for the master. */
  readonly waitMs?: number;
}

type Call = ClientDuplexStream<WorkerMessage, MasterMessage>;

/** Workers may be started before the master, by hand and on other machines: they look for it this long. */
const WAIT_MS = 30_000;
/**
 * The master is silent while workers send rows, so a connection that was cut shows only by pings. A master that is busy
 * with its own part of the query may answer one late: it has 5 s.
 */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 5_000 };
/** Often enough for a progress bar that people watch, and five messages a second are negligible compared to the rows. */
const PROGRESS_MS = 200;
/** Streams of the switch are numbered from 0: no message has this one. */
const NO_STREAM = -1;

/**
 * Takes part in one query, until the master ends it.
 * @throws QueryFailedError if there is no answer, QueryAttachError, QueryMasterUnreachableError, QueryWorkerLostError when the master is gone
 */
export async function runQueryWorker(options: WorkerOptions): Promise<void> {
  // A worker without DuckDB must not take a rank in a query.
  duckdb();
  const { path, requestSerialize, responseDeserialize } = QueryMasterService.attach;
  const client = new Client(options.master, credentials.createInsecure(), KEEPALIVE);
  try {
    const { waitMs = WAIT_MS, master } = options;
    await new Promise<void>((resolve, reject) =>
      client.waitForReady(Date.now() + waitMs, (error) =>
        error
          ? reject(new QueryMasterUnreachableError(`no query master answered at ${master} within ${waitMs / 1000} s`))
          : resolve(),
      ),
    );
    const call: Call = client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize as deserialize<MasterMessage>,
      new Metadata(),
    );
    const worker = new QueryWorker(options, call);
    await worker.run();
  } finally {
    client.close();
  }
}

class QueryWorker {
  private instance: DuckDBInstance | undefined;
  private connection: DuckDBConnection | undefined;
  private transport: DgramTransport | undefined;
  private sender: RowSender | undefined;
  private build: QueryBuild = QUERY_BUILDS[0];
  private epoch = 0;
  private rowSets = new Map<string, WorkerRowSet>();
  /** Messages are handled one at a time; only `begin` interrupts. */
  private work: Promise<void> = Promise.resolve();
  private attempt = 0;
  private gate = new StreamGate();
  private readonly header = emptyHeader();

  constructor(
    private readonly options: WorkerOptions,
    private readonly call: Call,
  ) {}

  async run(): Promise<void> {
    const { rank, switchPort, version, signal } = this.options;
    const stop = (): void => void this.call.cancel();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        this.call.on('data', (message: MasterMessage) => {
          if (message.finish?.failure)
            reject(new QueryFailedError(`the query failed at its master: ${message.finish.failure}`));
          else if (message.finish) resolve();
          else this.receive(message);
        });
        this.call.on('error', (error: Partial<ServiceError> & Error) =>
          reject(
            // How the master's registry refuses a worker.
            error.code === status.FAILED_PRECONDITION
              ? new QueryAttachError(error.details ?? error.message)
              : new QueryWorkerLostError(
                  `the query's master at ${this.options.master} is lost: ${grpcReason(error.details ?? error.message)}`,
                ),
          ),
        );
        this.call.on('end', () =>
          reject(new QueryWorkerLostError(`the query's master at ${this.options.master} ended the query`)),
        );
        this.send({ hello: { rank, pid: process.pid, switchPort: switchPort ?? 0, version } });
      });
      this.call.end();
    } finally {
      signal?.removeEventListener('abort', stop);
      this.interrupt();
      await this.work;
      await this.transport?.close();
      this.connection?.closeSync();
      this.instance?.closeSync();
    }
    signal?.throwIfAborted();
  }

  private receive(message: MasterMessage): void {
    if (message.begin) this.interrupt();
    if (message.open) return this.gate.open(message.open.stream);
    const { attempt } = this;
    this.work = this.work.then(async () => {
      try {
        if (message.setup) await this.setUp(message.setup);
        else if (message.begin) await this.begin(message.begin);
        else if (attempt === this.attempt && message.step) await this.step(message.step, attempt);
        else if (attempt === this.attempt && message.ship) await this.ship(message.ship.rowSet);
      } catch (error) {
        // An interrupted piece of work fails in many ways, none of which needs to be reported.
        if (attempt === this.attempt) this.send({ failure: { ...failureOf(error), epoch: this.epoch } });
      }
    });
  }

  private interrupt(): void {
    this.attempt++;
    this.gate.close(new QueryAbortedError('the query was restarted'));
    this.gate = new StreamGate();
    this.sender?.fail(new QueryAbortedError('the query was restarted'));
    this.connection?.interrupt();
  }

  private send(message: WorkerMessage): void {
    this.call.write(message);
  }

  /** Waits while the master accepts no more. */
  private async sendPiece(relation: string, data: Uint8Array): Promise<void> {
    if (!this.call.write({ piece: { relation, data } }))
      await new Promise((resolve) => this.call.once('drain', resolve));
  }

  private async setUp({ serviceIp, serviceUdpPort, threads, timeZone, tables: shares }: SetupMessage): Promise<void> {
    this.instance = await duckdb().DuckDBInstance.create(':memory:', { threads: String(threads) });
    const connection = (this.connection = await this.instance.connect());
    const tables = await viewShare(connection, shares, { ...this.options, timeZone });
    const ip = this.options.ip ?? (await localIpTowards(serviceIp, serviceUdpPort));
    this.transport = await DgramTransport.open({
      ip,
      ...(this.options.udpPort !== undefined && { udpPort: this.options.udpPort }),
    });
    this.transport.onMessage = (message) => this.arrived(message);
    await this.transport.connect({ ip: serviceIp, udpPort: serviceUdpPort });
    this.send({
      ready: { ip, udpPort: this.transport.localAddress.udpPort, mac: this.options.mac ?? '', tables },
    });
  }

  /** Ignores what is not a message of the stream under way. */
  private arrived(message: Uint8Array): void {
    if (this.sender === undefined) return;
    try {
      if (
        readHeader(new DataView(message.buffer, message.byteOffset, message.byteLength), this.header).stream ===
        this.stream
      )
        this.sender.receive(message);
    } catch (error) {
      // Too short, or without the magic number or the version: readHeader says which, but the reason does not matter here.
      if (!(error instanceof FpisaError)) throw error;
    }
  }

  private stream = NO_STREAM;

  private async begin({ epoch, build, rowSets }: BeginMessage): Promise<void> {
    this.epoch = epoch;
    this.build = QUERY_BUILDS.find(({ name }) => name === build) ?? QUERY_BUILDS[0];
    this.rowSets = new Map(
      rowSets.map((rowSet, index) => [rowSet.name, new WorkerRowSet(this.connection!, rowSet, `fpisa_rows_${index}`)]),
    );
    this.send({ begun: { epoch } });
  }

  /** Resolves when the switch accepts the stream's rows. */
  private async senderOf(
    message: StepMessage,
    gate: StreamGate,
    onVerdict?: (first: number, count: number, mask: number) => void,
  ): Promise<RowSender> {
    const { stream, flowSlots } = message;
    await gate.opened(stream);
    this.stream = stream;
    this.sender = new RowSender(this.transport!, {
      build: this.build,
      stream,
      rank: this.options.rank,
      epoch: this.epoch,
      slots: flowSlots,
      ...(onVerdict && { onVerdict }),
    });
    return this.sender;
  }

  private async step(message: StepMessage, attempt: number): Promise<void> {
    // The gate of this attempt: the next one gets its own.
    const { gate } = this;
    // Nothing of this step is sent yet, whatever the last one sent.
    this.sender = undefined;
    const progress = setInterval(
      () => this.send({ progress: { rows: this.sender?.statistics.rows ?? 0 } }),
      PROGRESS_MS,
    );
    const checkIsWanted = (): void => {
      if (attempt !== this.attempt) throw new QueryAbortedError('the query was restarted');
    };
    try {
      const { unfit, kept } = message.aggregate
        ? await this.aggregate(message, gate, checkIsWanted)
        : await this.prune(message, gate, checkIsWanted);
      const { rows, absorbed, packets, repeats, bytes } = this.sender!.statistics;
      this.send({ stepDone: { stream: message.stream, rows, absorbed, packets, repeats, bytes, unfit, kept } });
    } catch (error) {
      // DuckDB's errors do not have their own class.
      throw error instanceof FpisaError ? error : new QueryEvaluationError((error as Error).message, { cause: error });
    } finally {
      clearInterval(progress);
    }
  }

  private async aggregate(
    message: StepMessage,
    gate: StreamGate,
    checkIsWanted: () => void,
  ): Promise<{ unfit: number; kept: number }> {
    const { select, keys, lanes } = message.aggregate!;
    const columns = lanes.map(({ name, op }) => ({ name, op: op as LaneOp }));
    const encoder = new ChunkEncoder(keys.map(keyColumnOf), columns);
    const unfit = new OversizedRows(await this.instance!.connect(), `fpisa_unfit_${message.stream}`, select);
    const result = await this.connection!.stream(select);
    const sender = await this.senderOf(message, gate);
    for (;;) {
      const chunk = await result.fetchChunk();
      checkIsWanted();
      if (chunk === null || chunk.rowCount === 0) break;
      const encoded = encoder.encode(chunk);
      await unfit.add(chunk, encoded.unfit);
      await sender.send(toWire(encoded.batch, columns));
    }
    await sender.end();
    unfit.close();
    if (unfit.rows > 0) {
      const described = (await this.connection!.runAndReadAll(`DESCRIBE ${identifier(unfit.table)}`))
        .getRows()
        .map(([name, type]) => ({ name: String(name), type: String(type) }));
      await exportRows(this.connection!, `SELECT * FROM ${identifier(unfit.table)}`, described, (piece) =>
        this.sendPiece(`unfit ${message.stream}`, piece),
      );
    }
    return { unfit: unfit.rows, kept: 0 };
  }

  private async prune(
    message: StepMessage,
    gate: StreamGate,
    checkIsWanted: () => void,
  ): Promise<{ unfit: number; kept: number }> {
    const { operator, rowSet, column, order, keys, isDistinct } = message.prune!;
    const step = {
      operator: operator as Operator,
      rowSet,
      column,
      order: order as Order,
      keys: keys.map(keyColumnOf),
      n: 0,
      filter: 0,
      isDistinct,
    } as PruneStep;
    const { unseen, kept } = await this.rowSets
      .get(rowSet)!
      .prune(step, { senderOf: (onVerdict) => this.senderOf(message, gate, onVerdict), checkIsWanted });
    return { unfit: unseen, kept };
  }

  private async ship(name: string): Promise<void> {
    try {
      const { select, columns } = await this.rowSets.get(name)!.remainder();
      const rows = await exportRows(this.connection!, select, columns, (piece) => this.sendPiece(name, piece));
      this.send({ shipped: { rowSet: name, rows, columns } });
    } catch (error) {
      throw error instanceof FpisaError ? error : new QueryEvaluationError((error as Error).message, { cause: error });
    }
  }
}

function keyColumnOf({ name, kind, bytes, sqlType }: KeyColumnMessage): KeyColumn {
  return {
    name,
    sqlType,
    type: (kind === 'int' || kind === 'float' ? { kind, bytes } : { kind }) as KeyColumn['type'],
  };
}

function failureOf(error: unknown): { code: string; message: string } {
  return { code: error instanceof FpisaError ? error.code : 'FPISA_INTERNAL', message: (error as Error).message };
}
