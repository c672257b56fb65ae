/** The master of a query: executes a plan with its workers and the switch, and finishes it in DuckDB. */
import { randomInt } from 'node:crypto';
import { cpus } from 'node:os';
import type { DuckDBConnection, DuckDBResultReader } from '@duckdb/node-api';
import { MASTER } from '../../protocol/query/constants.js';
import type { HostPlace, ProgrammableSwitch } from '../switch/provisioning.js';
import { DgramTransport, localIpTowards } from '../../host/transport/dgram.js';
import { QueryOverflowError, type QueryError } from '../errors.js';
import type { CatalogColumn } from '../plan/catalog.js';
import type { QueryPlan } from '../plan/plan.js';
import { QueryPlanner, type PlanOptions } from '../plan/planner.js';
import { isWideValueError } from '../plan/wide-values.js';
import { QueryAttemptRun } from './attempt.js';
import type { WorkerRegistry } from './worker-registry.js';
import { allocate, type AllocationLimits } from './allocation.js';
import { QueryAbortedError, QueryEvaluationError, QueryWorkersMissingError } from './errors.js';
import type { ReadyMessage } from './messages.js';
import { emptyStatistics, timed, type QueryStatistics } from './statistics.js';
import { shareOut, type DataTable } from './tables.js';

export interface QuerySessionOptions {
  readonly registry: WorkerRegistry;
  readonly device: ProgrammableSwitch;
  readonly tables: readonly DataTable[];
  /** DuckDB of the master. */
  readonly connection: DuckDBConnection;
  /** Switch port of a worker that does not name it itself. */
  readonly portOf: (rank: number) => number;
  /** Switch port of the master itself. */
  readonly port: number;
  readonly ip?: string;
  readonly udpPort?: number;
  readonly mac?: string;
  readonly limits?: AllocationLimits;
  /** How long to wait for the workers to attach. */
  readonly waitMs?: number;
  /** Share of the work that is done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

export interface QueryOutcome {
  readonly plan: QueryPlan;
  readonly notPushed: readonly string[];
  readonly reader: DuckDBResultReader;
  readonly statistics: QueryStatistics;
}

const WAIT_MS = 60_000;
const MAX_EPOCH = 0xffff_ffff;

export class QuerySession {
  /** Ends the attempt under way with an error. */
  private giveUp: (error: QueryError) => void = () => undefined;
  /** Settled when no attempt is under way. */
  private underWay: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly options: QuerySessionOptions,
    private readonly transport: DgramTransport,
    private readonly hosts: readonly HostPlace[],
    private readonly rows: ReadonlyMap<string, number>,
    private readonly planner: QueryPlanner,
  ) {}

  /** Waits for the workers and gives them their shares. @throws QueryError */
  static async open(options: QuerySessionOptions): Promise<QuerySession> {
    const { registry, device, tables, connection } = options;
    const { waitMs = WAIT_MS } = options;
    const late = timeout(waitMs, () => new QueryWorkersMissingError(registry.missing, registry.workers, waitMs));
    await Promise.race([registry.complete, registry.failed, device.lost, late.promise]).finally(late.clear);
    const [[timeZone]] = (await connection.runAndReadAll(`SELECT current_setting('TimeZone')`)).getRows() as [[string]];
    const shares = shareOut(tables, registry.workers);
    const threads = Math.max(1, Math.floor(cpus().length / registry.workers));
    const ready = await Promise.race([
      Promise.all(
        registry.all.map((link, rank) => {
          const { ip, udpPort } = device.serviceAt(link.hello.switchPort || options.portOf(rank));
          return link.ask(
            { setup: { serviceIp: ip, serviceUdpPort: udpPort, threads, timeZone, tables: shares[rank]! } },
            'ready',
          );
        }),
      ),
      registry.failed,
      device.lost,
    ]);
    const service = device.serviceAt(options.port);
    const ip = options.ip ?? (await localIpTowards(service.ip, service.udpPort));
    const rows = countRows(ready);
    const transport = await DgramTransport.open({
      ip,
      ...(options.udpPort !== undefined && { udpPort: options.udpPort }),
    });
    let planner: QueryPlanner;
    try {
      await transport.connect(service);
      planner = await QueryPlanner.open(
        tables.map(({ name, columns }) => ({
          name,
          columns: asTheWorkersHaveThem(name, columns, ready),
          rows: rows.get(name) ?? 0,
        })),
      );
    } catch (error) {
      await transport.close();
      throw error;
    }
    const hosts: HostPlace[] = [
      ...registry.all.map((link, rank) => placeOf(rank, link.hello.switchPort || options.portOf(rank), ready[rank]!)),
      { worker: MASTER, port: options.port, ip, udpPort: transport.localAddress.udpPort, mac: options.mac },
    ];
    return new QuerySession(options, transport, hosts, rows, planner);
  }

  /** @throws QueryError */
  async run(sql: string, planOptions: PlanOptions = {}): Promise<QueryOutcome> {
    const started = performance.now();
    const statistics = emptyStatistics();
    const notPushed: string[] = [];
    let withoutIntegers = planOptions.integerSums === false;
    let made = await timed(
      () => this.planner.plan(sql, planOptions),
      (ms) => (statistics.time.plan += ms),
    );
    for (;;) {
      const allocation = allocate(made, this.options.registry.workers, this.options.limits);
      statistics.attempts++;
      try {
        const reader = await this.attempt(made, allocation, statistics);
        statistics.time.total = performance.now() - started;
        return {
          plan: made,
          notPushed: [...new Set([...notPushed, ...made.explanation.notPushed, ...allocation.leftOut])],
          reader,
          statistics,
        };
      } catch (error) {
        // A worker's cast of a wide value to a lane fails just as a sum in the switch does; but an error that occurs
        // again without either is the query's own.
        const isWide =
          error instanceof QueryOverflowError || (error instanceof QueryEvaluationError && isWideValueError(error));
        if (!isWide || withoutIntegers) throw error;
        withoutIntegers = true;
        const other = await this.planner.plan(sql, { ...planOptions, integerSums: false });
        // Sums of narrow integers cannot overflow, so something else is wrong.
        if (JSON.stringify(other.steps, plainly) === JSON.stringify(made.steps, plainly)) throw error;
        made = other;
        notPushed.push(`Run again without sums of integers in the switch: ${error.message}.`);
      }
    }
  }

  /** A query that still runs is aborted: its promise rejects with QueryAbortedError. */
  async close(): Promise<void> {
    this.giveUp(new QueryAbortedError('the query was aborted'));
    await this.underWay;
    this.planner.close();
    await this.transport.close();
  }

  private attempt(
    made: QueryPlan,
    allocation: ReturnType<typeof allocate>,
    statistics: QueryStatistics,
  ): Promise<DuckDBResultReader> {
    const attempt = this.carryOut(made, allocation, statistics);
    this.underWay = attempt.catch(() => undefined);
    return attempt;
  }

  private async carryOut(
    made: QueryPlan,
    allocation: ReturnType<typeof allocate>,
    statistics: QueryStatistics,
  ): Promise<DuckDBResultReader> {
    const { registry, device, connection, onProgress } = this.options;
    const epoch = randomInt(1, MAX_EPOCH);
    registry.epoch = epoch;
    registry.renew();
    const run = new QueryAttemptRun({
      plan: made,
      allocation,
      epoch,
      registry,
      device,
      connection,
      transport: this.transport,
      hosts: this.hosts,
      statistics,
      rows: this.rows,
      ...(onProgress && { onProgress }),
    });
    const givenUp = new Promise<never>((_, reject) => (this.giveUp = reject));
    const failed = Promise.race([registry.failed, device.lost, givenUp]);
    try {
      return await Promise.race([run.run(), failed]);
    } catch (error) {
      run.fail(new QueryAbortedError('the query was aborted', { cause: error }) as QueryError);
      throw error;
    } finally {
      await run.close();
    }
  }
}

function plainly(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function placeOf(rank: number, port: number, { ip, udpPort, mac }: ReadyMessage): HostPlace {
  return { worker: rank, port, ip, udpPort, mac: mac || undefined };
}

function countRows(ready: readonly ReadyMessage[]): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  for (const { tables } of ready)
    for (const table of tables) rows.set(table.name, (rows.get(table.name) ?? 0) + table.rows);
  return rows;
}

/** Workers may have their own files, so what is true of the master's is not enough. */
function asTheWorkersHaveThem(
  table: string,
  columns: readonly CatalogColumn[],
  ready: readonly ReadyMessage[],
): readonly CatalogColumn[] {
  const neverNull = ready.map(({ tables }) => new Set(tables.find(({ name }) => name === table)?.neverNull));
  return columns.map(({ name, type }) => ({ name, type, isNeverNull: neverNull.every((names) => names.has(name)) }));
}

function timeout(ms: number, error: () => Error): { promise: Promise<never>; clear: () => void } {
  let timer: NodeJS.Timeout;
  const promise = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(error()), ms)));
  promise.catch(() => undefined);
  return { promise, clear: () => clearTimeout(timer) };
}
