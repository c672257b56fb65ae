/** Queries on real interfaces: the same answers as DuckDB's, with each switch that this machine has. */
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, describe, expect, it } from 'vitest';
import { endAll, expectNothingLeft, run, temporaryFolder } from './support/run.js';
import { TARGETS } from './support/targets.js';

afterAll(endAll);

interface Answer {
  readonly columns: readonly { readonly name: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly verified: boolean;
  readonly statistics: {
    readonly absorbed: number;
    readonly tuplesSent: number;
    readonly toMaster: { readonly shipped: number };
  };
}

/** Falling, so that a Top-N prunes whichever worker comes first; of rising rows each is the greatest so far. */
async function visits(folder: string): Promise<string> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT i % 20 AS page, i / 4.0::DOUBLE AS stay FROM range(1000) t(i) ORDER BY i DESC) TO '${join(folder, 'visits.parquet')}'`,
  );
  connection.closeSync();
  instance.closeSync();
  return join(folder, 'visits.parquet');
}

for (const { kind, missing } of TARGETS) {
  describe(`fpisa mininet --query --switch ${kind}`, { timeout: 300_000 }, () => {
    it('aggregates a small file over links that lose packets', async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const files = temporaryFolder();
      const network = run([
        '--switch',
        kind,
        '--workers',
        '2',
        '--loss',
        '0.05',
        '--json',
        '--no-combine',
        '--data',
        await visits(files.path),
        '--query',
        'SELECT page, sum(stay), count(*) FROM visits GROUP BY page ORDER BY page',
      ]);
      const { code, report, errors } = await network.end;
      const answer = report as unknown as Answer;
      expect(answer, errors).toMatchObject({
        verified: true,
        columns: [{ name: 'page' }, { name: 'sum(stay)' }, { name: 'count_star()' }],
        statistics: { tuplesSent: 1000, absorbed: 1000 },
      });
      expect(answer.rows[3]).toEqual(['3', 6162.5, '50']);
      expect(code).toBe(0);
      await expectNothingLeft(network);
      files.remove();
    });

    it('prunes the rows of a Top-N', async ({ skip }) => {
      if (missing !== undefined) skip(missing);
      const files = temporaryFolder();
      const { code, report, errors } = await run([
        '--switch',
        kind,
        '--workers',
        '2',
        '--json',
        '--no-combine',
        '--data',
        await visits(files.path),
        '--query',
        'SELECT page, stay FROM visits ORDER BY stay DESC LIMIT 3',
      ]).end;
      const answer = report as unknown as Answer;
      expect(answer, errors).toMatchObject({
        verified: true,
        rows: [
          ['19', 249.75],
          ['18', 249.5],
          ['17', 249.25],
        ],
      });
      expect(answer.statistics.toMaster.shipped).toBeLessThan(1000);
      expect(code).toBe(0);
      files.remove();
    });
  });
}

describe('arguments of fpisa mininet --query', () => {
  it.each([
    [['--query', 'SELECT 1'], /--query needs tables: give --data FILES for each, or --sample/],
    [['--query', 'SELECT 1', '--sample', '--tree'], /--tree applies to allreduce: a query runs on one switch/],
    [['--sample'], /--data and --sample are tables of a query: give --query/],
  ])('%j', async (args, message) => {
    const { code, report } = await run([...args, '--json']).end;
    expect(report!.error!.message).toMatch(message);
    expect(code).toBe(2);
  });
});
