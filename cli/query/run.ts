/** `fpisa query` from arguments to the answer: starts what is not running, and ends it again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { counted } from '../../net/count.js';
import {
  findTables,
  QuerySession,
  TOLERANCE,
  verifyAnswer,
  WorkerRegistry,
  type DataTable,
  type QueryOutcome,
  type Verification,
} from '../../query/session/index.js';
import type { QueryPlan } from '../../query/plan/plan.js';
import { plan, type PlanOptions } from '../../query/plan/planner.js';
import { SERVICE_UDP_PORT } from '../../protocol/query/constants.js';
import { duckdb } from '../../query/duckdb.js';
import { QuerySwitch } from '../../query/switch/switch.js';
import type { Route } from '../../controlplane/controller/state.js';
import { DisposalStack } from '../disposal-stack.js';
import type { SwitchReady } from '../switch/ready.js';
import { Child } from '../child-process.js';
import { UsageError } from '../errors.js';
import { listening } from '../listen.js';
import { DEFAULT_SERVICE_IP, DEFAULT_SERVICE_MAC, faultArguments, type FaultFlags } from '../options.js';
import { unlessInterrupted } from '../signals.js';
import type { Texts } from './format.js';
import { writeSample } from './sample.js';
import { textsOf } from './texts.js';

export interface QueryRunOptions extends FaultFlags {
  readonly sql: string;
  readonly data: readonly string[];
  readonly sample: boolean;
  readonly workers: number;
  readonly combine: boolean;
  readonly sums: 'fp64' | 'fp32';
  readonly verify: boolean;
  readonly groupSlots?: number;
  /** P4Runtime of a switch that is already running; otherwise one is started. */
  readonly p4runtime?: string;
  readonly deviceId: number;
  readonly serviceIp?: string;
  readonly serviceMac?: string;
  /** UDP ports of that switch. */
  readonly port: ReadonlyMap<number, string>;
  readonly routes?: readonly Route[];
  /** Where workers that are started by hand attach; otherwise they are started here. */
  readonly listen?: string;
  readonly ip?: string;
  readonly udpPort?: number;
  readonly switchPort?: number;
  readonly mac?: string;
  readonly wait: number;
  readonly version: string;
  readonly signal: AbortSignal;
  readonly onStage?: (text: string) => void;
  readonly onProgress?: (share: number) => void;
}

export interface QueryRunResult extends QueryOutcome {
  /** The rows as DuckDB writes them. */
  readonly texts: Texts;
  readonly verdict: Verification | undefined;
}

function planOptions({ combine, sums }: Pick<QueryRunOptions, 'combine' | 'sums'>): PlanOptions {
  return { combine, sums };
}

/** The tables, and a DuckDB in which they were found. */
async function withTables<T>(
  data: readonly string[],
  sample: boolean,
  use: (tables: DataTable[], connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  if (data.length === 0 && !sample)
    throw new UsageError('a query needs tables: give --data FILES for each, or --sample for a small one to try');
  const instance = await duckdb().DuckDBInstance.create(':memory:');
  const folder = sample ? await mkdtemp(join(tmpdir(), 'fpisa-sample-')) : undefined;
  const connection = await instance.connect();
  try {
    const arguments_ = folder === undefined ? data : [...data, await writeSample(connection, folder)];
    return await use(await findTables(connection, arguments_), connection);
  } finally {
    connection.closeSync();
    instance.closeSync();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

export function explain(
  options: Pick<QueryRunOptions, 'sql' | 'data' | 'sample' | 'combine' | 'sums'>,
): Promise<QueryPlan> {
  return withTables(options.data, options.sample, (tables) =>
    plan(
      options.sql,
      tables.map(({ name, columns, rows }) => ({ name, columns, ...(rows !== undefined && { rows }) })),
      planOptions(options),
    ),
  );
}

/** @throws QueryError, ChildError when a process dies, InterruptedError at the signal */
export async function runQuery(options: QueryRunOptions): Promise<QueryRunResult> {
  return withTables(options.data, options.sample, async (tables, connection) => {
    // Errors in the query should be reported before anything is started for it.
    await plan(
      options.sql,
      tables.map(({ name, columns }) => ({ name, columns })),
      planOptions(options),
    );
    const disposal = new DisposalStack();
    let failure: Error | undefined;
    try {
      return await unlessInterrupted(options.signal, () => carryOut(options, tables, connection, disposal));
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      await disposal.dispose(failure);
    }
  });
}

async function carryOut(
  options: QueryRunOptions,
  tables: readonly DataTable[],
  connection: DuckDBConnection,
  disposal: DisposalStack,
): Promise<QueryRunResult> {
  const { workers, signal } = options;
  const { device, died, portOf, masterPort } = await switchFor(options, disposal);
  const registry = new WorkerRegistry(workers, options.version);
  disposal.add(registry, (failure) => registry.close(failure));
  const address = options.listen ?? '127.0.0.1:0';
  const port = await listening("the query's master", address, '--listen', (where) => registry.listen(where));
  const deaths = [died];
  if (options.listen === undefined) {
    for (let rank = 0; rank < workers; rank++) {
      const child = new Child(`worker ${rank}`, [
        'query',
        'worker',
        '--json',
        '--master',
        `127.0.0.1:${port}`,
        '--rank',
        String(rank),
      ]);
      disposal.add(child, () => child.stop());
      deaths.push(child.fault());
    }
    options.onStage?.(`${counted(workers, 'worker')}, each with its share of the files`);
  } else {
    options.onStage?.(
      `waiting for ${counted(workers, 'worker')} at ${address.replace(/:0$/, `:${port}`)}: fpisa query worker --master HOST:${port} --rank 0${workers > 1 ? ` … ${workers - 1}` : ''}`,
    );
  }
  const death = Promise.race(deaths);
  death.catch(() => undefined);
  const run = async (): Promise<QueryRunResult> => {
    const session = await QuerySession.open({
      registry,
      device,
      tables,
      connection,
      portOf,
      port: masterPort,
      waitMs: options.wait * 1000,
      ...(options.ip !== undefined && { ip: options.ip }),
      ...(options.udpPort !== undefined && { udpPort: options.udpPort }),
      ...(options.mac !== undefined && { mac: options.mac }),
      ...(options.groupSlots !== undefined && { limits: { groupSlots: options.groupSlots } }),
      ...(options.onProgress !== undefined && { onProgress: options.onProgress }),
    });
    disposal.add(session, () => session.close());
    const outcome = await session.run(options.sql, planOptions(options));
    signal.throwIfAborted();
    const texts = await textsOf(outcome.reader, connection);
    if (!options.verify) return { ...outcome, texts, verdict: undefined };
    options.onStage?.('comparing with DuckDB alone');
    const [[timeZone]] = (await connection.runAndReadAll(`SELECT current_setting('TimeZone')`)).getRows() as [[string]];
    return {
      ...outcome,
      texts,
      verdict: await verifyAnswer(options.sql, tables, outcome.reader, TOLERANCE[options.sums], timeZone),
    };
  };
  const result = run();
  result.catch(() => undefined);
  return Promise.race([result, death]);
}

interface SwitchPlace {
  readonly device: QuerySwitch;
  /** Never resolves; rejects when the process that was started for it ends. */
  readonly died: Promise<never>;
  readonly portOf: (rank: number) => number;
  readonly masterPort: number;
}

/** Rank r is at port r + 1 of a switch that is started here, the master at the port after the workers'. */
async function switchFor(options: QueryRunOptions, disposal: DisposalStack): Promise<SwitchPlace> {
  const {
    workers,
    p4runtime,
    serviceIp = DEFAULT_SERVICE_IP,
    serviceMac = DEFAULT_SERVICE_MAC,
    deviceId,
    routes = [],
    signal,
  } = options;
  if (p4runtime !== undefined) {
    const device = await QuerySwitch.connect({
      address: p4runtime,
      deviceId,
      serviceIp,
      serviceMac,
      ports: options.port,
      routes,
      signal,
    });
    disposal.add(device, () => device.close());
    const ports = [...options.port.keys()].sort((a, b) => a - b);
    const masterPort = options.switchPort ?? ports[workers];
    if (masterPort === undefined)
      throw new UsageError(
        `with --p4runtime the master needs a port of the switch: give --switch-port NUMBER, or --port NUMBER=HOST:UDPPORT for ${workers === 1 ? 'the worker' : `each of the ${workers} workers`} and one more`,
      );
    const portOf = (rank: number): number => {
      const port = ports[rank];
      if (port === undefined)
        throw new UsageError(
          `worker ${rank} has no port of the switch: start it with --switch-port NUMBER, or give --port NUMBER=HOST:UDPPORT for each worker`,
        );
      return port;
    };
    return { device, died: new Promise(() => undefined), portOf, masterPort };
  }
  options.onStage?.('starting the switch');
  const child = new Child<SwitchReady>('the switch', [
    ...[
      'switch',
      '--json',
      '--p4runtime',
      '127.0.0.1:0',
      '--ports',
      String(workers + 1),
      '--service-udp-port',
      String(SERVICE_UDP_PORT),
    ],
    ...['--service-ip', serviceIp, '--service-mac', serviceMac],
    ...faultArguments(options),
  ]);
  disposal.add(child, () => child.stop());
  const died = child.fault();
  died.catch(() => undefined);
  const { p4runtime: address, ports } = await child.next();
  const device = await QuerySwitch.connect({
    address,
    serviceIp,
    serviceMac,
    ports: new Map(Object.entries(ports).map(([port, place]) => [Number(port), place])),
    signal,
  });
  disposal.add(device, () => device.close());
  return { device, died, portOf: (rank) => rank + 1, masterPort: workers + 1 };
}
