/** A query as it runs, in this process: the embedded switch behind P4Runtime and UDP, the master, and its workers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { expect, onTestFinished } from 'vitest';
import { QuerySwitch } from '../../../../query/switch/switch.js';
import type { FaultOptions } from '../../../../emulator/index.js';
import type { PlanOptions } from '../../../../query/plan/planner.js';
import {
  findTables,
  QuerySession,
  runQueryWorker,
  TOLERANCE,
  verifyAnswer,
  WorkerRegistry,
  type DataTable,
  type QueryOutcome,
} from '../../../../query/session/index.js';
import { SERVICE_UDP_PORT } from '../../../../protocol/query/constants.js';
import { DEVICE_ID, EmbeddedSwitch, SERVICE_IP, SERVICE_MAC } from '../../../e2e/support/embedded-switch.js';

const VERSION = 'test';
/** The rest of a test's rows is far more. */
const PACKETS_UNDER_WAY = 50;

export interface SiteOptions {
  readonly workers?: number;
  readonly faults?: FaultOptions;
  readonly groupSlots?: number;
  /** Files that a worker has itself. */
  readonly own?: (rank: number) => readonly string[];
}

/** A folder that is deleted after the test. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'fpisa-query-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Runs statements in a temporary DuckDB, to make files. */
export async function duck(...statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  for (const statement of statements) await connection.run(statement);
  connection.closeSync();
  instance.closeSync();
}

export class QuerySite {
  private readonly aborts: AbortController[] = [];
  readonly workers: Promise<void>[] = [];
  tables: DataTable[] = [];

  private constructor(
    readonly network: EmbeddedSwitch,
    private readonly options: SiteOptions,
    private readonly connection: DuckDBConnection,
  ) {}

  static async start(options: SiteOptions = {}): Promise<QuerySite> {
    const network = await EmbeddedSwitch.start({
      ports: (options.workers ?? 2) + 1,
      transport: 'udp',
      serviceUdpPort: SERVICE_UDP_PORT,
      ...(options.faults && { faults: options.faults }),
    });
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    onTestFinished(async () => {
      await network.stop();
      connection.closeSync();
      instance.closeSync();
    });
    return new QuerySite(network, options, connection);
  }

  get count(): number {
    return this.options.workers ?? 2;
  }

  /** Of the query that runs. */
  session: QuerySession | undefined;

  /** Runs a query over a switch that may have run others. @param during is called when rows are on their way */
  async run(
    sql: string,
    data: readonly string[],
    planOptions: PlanOptions = {},
    during?: (site: QuerySite) => void,
  ): Promise<QueryOutcome> {
    const { network, count, connection } = this;
    this.session = undefined;
    this.tables = await findTables(connection, data);
    const device = await QuerySwitch.connect({
      address: network.address,
      deviceId: DEVICE_ID,
      serviceIp: SERVICE_IP,
      serviceMac: SERVICE_MAC,
      ports: network.endpoints,
    });
    const registry = new WorkerRegistry(count, VERSION);
    try {
      const port = await registry.listen('127.0.0.1:0');
      this.aborts.length = this.workers.length = 0;
      for (let rank = 0; rank < count; rank++) {
        const abort = new AbortController();
        this.aborts.push(abort);
        const worker = runQueryWorker({
          master: `127.0.0.1:${port}`,
          rank,
          version: VERSION,
          signal: abort.signal,
          ...(this.options.own && { data: this.options.own(rank) }),
        });
        worker.catch(() => undefined);
        this.workers.push(worker);
      }
      const session = (this.session = await QuerySession.open({
        registry,
        device,
        tables: this.tables,
        connection,
        portOf: (rank) => rank + 1,
        port: count + 1,
        ...(this.options.groupSlots !== undefined && { limits: { groupSlots: this.options.groupSlots } }),
        onProgress: () => undefined,
      }));
      const running = session.run(sql, planOptions);
      if (during !== undefined) {
        const over = new AbortController();
        void this.underWay(over.signal).then((isUnderWay) => isUnderWay && during(this));
        running.then(
          () => over.abort(),
          () => over.abort(),
        );
      }
      return await running;
    } finally {
      await registry.close();
      await this.session?.close();
      device.close();
      await Promise.allSettled(this.workers);
    }
  }

  /** Resolves when a new switch has got some packets of rows. @returns false when the query ends before */
  private async underWay(over: AbortSignal): Promise<boolean> {
    while ((this.network.device?.current.statistics.received ?? 0) < PACKETS_UNDER_WAY) {
      if (over.aborted) return false;
      await setImmediate();
    }
    return true;
  }

  /** As {@link run}, and the answer must be that of DuckDB alone. */
  async verified(sql: string, data: readonly string[], planOptions: PlanOptions = {}): Promise<QueryOutcome> {
    const outcome = await this.run(sql, data, planOptions);
    const verdict = await verifyAnswer(sql, this.tables, outcome.reader, TOLERANCE[planOptions.sums ?? 'fp64'], 'UTC');
    expect(verdict.difference, sql).toBeUndefined();
    return outcome;
  }

  kill(rank: number): void {
    this.aborts[rank]!.abort(new Error('killed'));
  }
}
