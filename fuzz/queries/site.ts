/** A query's switch, master and workers in this process, over one set of random tables; and DuckDB alone over the same files. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection, type DuckDBResultReader } from '@duckdb/node-api';
import { loadCompiler } from '../../emulator/compiler/cache.js';
import { P4RuntimeServer, PortRunner, SwitchDevice, UdpPort } from '../../emulator/index.js';
import {
  findTables,
  QUERY_UDP_PORT,
  QuerySession,
  QuerySwitch,
  runQueryWorker,
  WorkerRegistry,
  type DataTable,
  type PlanOptions,
  type QueryOutcome,
} from '../../query/index.js';
import { writeTables } from './data.js';

const VERSION = 'fuzz';
const SERVICE = { address: '10.0.0.254', mac: '02:00:0a:00:00:fe', udpPort: QUERY_UDP_PORT };

export interface SiteOptions {
  /** Of the tables' contents. */
  readonly seed: number;
  readonly workers: number;
  readonly groupSlots: number;
  /** What the switch sends in place of a packet: a planted mistake, which must be found. */
  readonly tamper?: ((frame: Uint8Array) => Uint8Array) | undefined;
}

export class FuzzSite {
  private constructor(
    readonly tables: readonly DataTable[],
    private readonly session: QuerySession,
    private readonly whole: DuckDBConnection,
    private readonly stops: (() => unknown)[],
  ) {}

  static async open({ seed, workers, groupSlots, tamper = (frame) => frame }: SiteOptions): Promise<FuzzSite> {
    const stops: (() => unknown)[] = [];
    try {
      const folder = await mkdtemp(join(tmpdir(), 'fpisa-fuzz-'));
      stops.unshift(() => rm(folder, { recursive: true, force: true }));
      const connect = async (): Promise<DuckDBConnection> => {
        // One thread: DuckDB's own answers are then the same each time.
        const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
        const connection = await instance.connect();
        stops.unshift(() => instance.closeSync());
        stops.unshift(() => connection.closeSync());
        return connection;
      };
      const whole = await connect();
      const data = await writeTables(whole, folder, seed);
      const connection = await connect();
      const tables = await findTables(connection, data);
      for (const { name, files } of tables)
        await whole.run(`CREATE VIEW "${name}" AS SELECT * FROM read_parquet('${files[0]!.path}')`);
      await loadCompiler();
      const switchDevice = new SwitchDevice({ engine: 'compiled' });
      const runner = new PortRunner(switchDevice);
      stops.unshift(() => runner.close());
      const ports = new Map<number, string>();
      for (let number = 1; number <= workers + 1; number++) {
        const port = new UdpPort({ number, bindPort: 0, service: SERVICE });
        const send = port.send.bind(port);
        port.send = (frame) => send(tamper(frame));
        await runner.attach(port);
        ports.set(number, `${port.address.address}:${port.address.port}`);
      }
      const server = new P4RuntimeServer(switchDevice, { deviceId: 1n });
      const address = `127.0.0.1:${await server.listen('127.0.0.1:0')}`;
      stops.unshift(() => server.close());
      const device = await QuerySwitch.connect({
        address,
        deviceId: 1,
        serviceIp: SERVICE.address,
        serviceMac: SERVICE.mac,
        ports,
      });
      stops.unshift(() => device.close());
      const registry = new WorkerRegistry(workers, VERSION);
      const master = `127.0.0.1:${await registry.listen('127.0.0.1:0')}`;
      const running = Array.from({ length: workers }, (_, rank) => runQueryWorker({ master, rank, version: VERSION }));
      for (const worker of running) worker.catch(() => undefined);
      stops.unshift(async () => {
        await registry.close();
        await Promise.allSettled(running);
      });
      const session = await QuerySession.open({
        registry,
        device,
        tables,
        connection,
        portOf: (rank) => rank + 1,
        port: workers + 1,
        limits: { groupSlots },
      });
      stops.unshift(() => session.close());
      return new FuzzSite(tables, session, whole, stops);
    } catch (error) {
      for (const stop of stops) await stop();
      throw error;
    }
  }

  run(sql: string, options: PlanOptions): Promise<QueryOutcome> {
    return this.session.run(sql, options);
  }

  alone(sql: string): Promise<DuckDBResultReader> {
    return this.whole.runAndReadAll(sql);
  }

  async close(): Promise<void> {
    for (const stop of this.stops) await stop();
  }
}
