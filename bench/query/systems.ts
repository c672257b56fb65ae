/** The systems measured: Spark, DuckDB, and a query session with its switch, workers and master, each in its own processes. */
import { DEFAULT_SERVICE_IP, DEFAULT_SERVICE_MAC } from '../../protocol/constants.js';
import { SERVICE_UDP_PORT } from '../../protocol/query/constants.js';
import { shippedFile } from '../../net/package-files.js';
import { cpuSeconds } from '../process-time.js';
import type { TablePatterns } from './data.js';
import type { RunnerAnswer, RunnerSetup } from './duckdb-runner.js';
import type { FpisaAnswer, FpisaQuestion, FpisaSetup } from './fpisa-runner.js';
import { LineProcess } from '../line-process.js';

/** One run of a query. */
export interface Run<Cpu> {
  readonly answer: RunnerAnswer;
  /** Seconds. */
  readonly cpu: Cpu;
}

export interface SwitchRun {
  readonly answer: FpisaAnswer;
  readonly cpu: { readonly workers: number; readonly switch: number; readonly master: number };
}

/** A system without a switch. */
export class Alone {
  private constructor(
    private readonly runner: LineProcess,
    readonly versions: Readonly<Record<string, string>>,
  ) {}

  static async start(
    name: string,
    command: string,
    args: readonly string[],
    tables: TablePatterns,
    threads: number,
  ): Promise<Alone> {
    const runner = LineProcess.start(name, command, args);
    const setup: RunnerSetup = { tables: [...tables], threads };
    return new Alone(runner, await runner.ask(setup));
  }

  static duckdb(tables: TablePatterns, threads: number): Promise<Alone> {
    return Alone.start('DuckDB', process.execPath, [shippedFile('dist/bench/query/duckdb-runner.js')], tables, threads);
  }

  /** @param python interpreter that has PySpark */
  static spark(python: string, tables: TablePatterns, threads: number): Promise<Alone> {
    return Alone.start('Spark', python, [shippedFile('bench/query/spark_runner.py')], tables, threads);
  }

  async run(sql: string, answer = false): Promise<Run<number>> {
    const before = cpuSeconds(this.runner.pid);
    const given = await this.runner.ask<RunnerAnswer>({ sql, answer });
    return { answer: given, cpu: cpuSeconds(this.runner.pid) - before };
  }

  close(): Promise<void> {
    return this.runner.close();
  }
}

/** A switch, workers and a master that persist between queries. */
export class WithSwitch {
  private constructor(
    private readonly device: LineProcess,
    private readonly master: LineProcess,
    private readonly workers: readonly LineProcess[],
  ) {}

  static async start(tables: TablePatterns, workers: number, threads: number): Promise<WithSwitch> {
    const fpisa = shippedFile('bin/fpisa.js');
    const device = LineProcess.start('the switch', process.execPath, [
      ...[fpisa, 'switch', '--json', '--p4runtime', '127.0.0.1:0', '--ports', String(workers + 1)],
      ...[
        '--service-udp-port',
        String(SERVICE_UDP_PORT),
        '--service-ip',
        DEFAULT_SERVICE_IP,
        '--service-mac',
        DEFAULT_SERVICE_MAC,
      ],
    ]);
    const { p4runtime, ports } = await device.next<{ p4runtime: string; ports: Record<string, string> }>();
    const master = LineProcess.start('the master', process.execPath, [shippedFile('dist/bench/query/fpisa-runner.js')]);
    const setup: FpisaSetup = {
      tables: [...tables],
      workers,
      threads,
      p4runtime,
      ports,
      serviceIp: DEFAULT_SERVICE_IP,
      serviceMac: DEFAULT_SERVICE_MAC,
    };
    const { port } = await master.ask<{ port: number }>(setup);
    const processes = Array.from({ length: workers }, (_, rank) =>
      LineProcess.start(`worker ${rank}`, process.execPath, [
        fpisa,
        'query',
        'worker',
        '--master',
        `127.0.0.1:${port}`,
        '--rank',
        String(rank),
      ]),
    );
    await Promise.race([master.next(), ...processes.map((worker) => worker.fault())]);
    return new WithSwitch(device, master, processes);
  }

  async run(sql: string, combine: boolean, answer = false): Promise<SwitchRun> {
    const before = this.cpu();
    const question: FpisaQuestion = { sql, combine, answer };
    const given = await this.master.ask<FpisaAnswer>(question);
    const after = this.cpu();
    return {
      answer: given,
      cpu: {
        workers: after.workers - before.workers,
        switch: after.switch - before.switch,
        master: after.master - before.master,
      },
    };
  }

  async close(): Promise<void> {
    await this.master.close();
    await Promise.all(this.workers.map((worker) => worker.close('SIGTERM')));
    await this.device.close('SIGTERM');
  }

  private cpu(): SwitchRun['cpu'] {
    return {
      workers: this.workers.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
      switch: cpuSeconds(this.device.pid),
      master: cpuSeconds(this.master.pid),
    };
  }
}
