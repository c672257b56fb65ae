/** What bench:query measures, but for Spark, which not every machine has. */
import type { TablePatterns } from '../../../bench/query/data.js';
import type { RunnerAnswer } from '../../../bench/query/duckdb-runner.js';
import type { FpisaAnswer } from '../../../bench/query/fpisa-runner.js';
import { Alone, WithSwitch } from '../../../bench/query/systems.js';
import { ensureBuilt } from '../../cli/support/built.js';

export class Query {
  private constructor(
    private readonly duckdb: Alone,
    private readonly fpisa: WithSwitch,
  ) {}

  static async start(tables: TablePatterns): Promise<Query> {
    await ensureBuilt();
    return new Query(await Alone.duckdb(tables, 2), await WithSwitch.start(tables, 2, 2));
  }

  /** Answers of DuckDB, of workers that combine, and of workers that do not. */
  async run(sql: string): Promise<[RunnerAnswer, FpisaAnswer, FpisaAnswer]> {
    return [
      (await this.duckdb.run(sql, true)).answer,
      (await this.fpisa.run(sql, true, true)).answer,
      (await this.fpisa.run(sql, false, true)).answer,
    ];
  }

  async close(): Promise<void> {
    await this.duckdb.close();
    await this.fpisa.close();
  }
}
