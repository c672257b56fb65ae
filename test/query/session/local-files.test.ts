import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withLocalFiles } from '../../../query/session/local-files.js';
import type { TableShare } from '../../../query/session/tables.js';
import { duck, folder } from './support/site.js';

const SHARES: TableShare[] = ['orders', 'Customer'].map((name) => ({
  name,
  format: 'parquet',
  columns: [{ name: 'a', type: 'INTEGER' }],
  csvOptions: '',
  parts: [{ path: `/master/${name}.parquet`, part: 1, of: 2 }],
}));

async function own(...data: string[]): Promise<TableShare[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  onTestFinished(() => {
    connection.closeSync();
    instance.closeSync();
  });
  return withLocalFiles(connection, SHARES, data);
}

describe("a worker's own files", () => {
  it('are in the place of its share of their table, whole, each once; other tables stay', async () => {
    const path = folder();
    await duck(
      `COPY (SELECT 1 AS a) TO '${join(path, 'x1.parquet')}'`,
      `COPY (SELECT 2 AS a) TO '${join(path, 'x2.parquet')}'`,
    );
    const [orders, customer] = await own(`CUSTOMER=${join(path, '*.parquet')}`, `customer=${join(path, 'x1.parquet')}`);
    expect(orders).toBe(SHARES[0]);
    expect(customer).toEqual({
      ...SHARES[1]!,
      parts: ['x1', 'x2'].map((name) => ({ path: join(path, `${name}.parquet`), part: 0, of: 1 })),
    });
  });

  it("must be of a table of the query, there, and of the table's format", async () => {
    const path = folder();
    await duck(`COPY (SELECT 1 AS a) TO '${join(path, 'x.csv')}'`);
    await expect(own(`nation=${join(path, 'x.csv')}`)).rejects.toMatchObject({
      code: 'FPISA_FILE_DATA',
      message: '--data names the table nation, but the query has orders, Customer',
    });
    await expect(own(`orders=${join(path, 'y.parquet')}`)).rejects.toThrow(
      /no file matches .*y\.parquet, from which to read this worker's part of table orders/,
    );
    await expect(own(`orders=${join(path, 'x.csv')}`)).rejects.toThrow(
      /table orders consists of parquet files in this query, but .*x\.csv is not one/,
    );
  });
});
