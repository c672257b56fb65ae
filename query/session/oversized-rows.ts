/** Rows of an aggregation whose key is longer than that of a tuple (`unfit` in messages and statistics): they are collected in a table of the worker, and sent as they are. */
import type { DuckDBAppender, DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { identifier } from '../plan/tree.js';

export class OversizedRows {
  rows = 0;
  private appender: DuckDBAppender | undefined;

  constructor(
    private readonly connection: DuckDBConnection,
    /** Of the worker's DuckDB. */
    readonly table: string,
    private readonly select: string,
  ) {}

  async add(chunk: DuckDBDataChunk, rows: readonly number[]): Promise<void> {
    if (rows.length === 0) return;
    if (this.appender === undefined) {
      await this.connection.run(
        `CREATE OR REPLACE TABLE ${identifier(this.table)} AS SELECT * FROM (${this.select}) LIMIT 0`,
      );
      this.appender = await this.connection.createAppender(this.table);
    }
    for (const row of rows) {
      for (let column = 0; column < chunk.columnCount; column++) {
        const vector = chunk.getColumnVector(column);
        const value = vector.getItem(row);
        if (value === null) this.appender.appendNull();
        else this.appender.appendValue(value, vector.type);
      }
      this.appender.endRow();
    }
    this.rows += rows.length;
  }

  close(): void {
    this.appender?.closeSync();
    this.appender = undefined;
  }
}
