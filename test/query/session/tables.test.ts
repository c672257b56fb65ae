import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  findTables,
  neverNullColumns,
  parseDataArgument,
  shareOut,
  shareSelect,
  tableNameOf,
} from '../../../query/session/tables.js';
import { duck, folder } from './support/site.js';

async function connect() {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  onTestFinished(() => {
    connection.closeSync();
    instance.closeSync();
  });
  return connection;
}

describe('a table has the name', () => {
  it.each([
    ['lineitem*.parquet', 'lineitem'],
    ['data/lineitem_1.parquet', 'lineitem'],
    ['lineitem-2026-01.csv.gz', 'lineitem'],
    ['part_supp.parquet', 'part_supp'],
    ['/data/orders/*.parquet', 'orders'],
    ['/data/orders/0001.parquet', 'orders'],
  ])('of its files: %s', (pattern, name) => {
    expect(tableNameOf(pattern)).toBe(name);
  });

  it('that it is given', () => {
    expect(parseDataArgument('t=a/*.parquet')).toEqual({ name: 't', pattern: 'a/*.parquet' });
    expect(() => parseDataArgument('/1.parquet')).toThrow(
      /no table name can be derived from "\/1\.parquet"; write NAME=\/1\.parquet/,
    );
  });
});

describe('files', () => {
  it('that are not there are named', async () => {
    await expect(findTables(await connect(), ['nowhere*.parquet'])).rejects.toMatchObject({
      code: 'FPISA_FILE_DATA',
      message: 'no file matches nowhere*.parquet, from which to read table nowhere',
    });
    await expect(findTables(await connect(), ['test'])).rejects.toMatchObject({
      code: 'FPISA_FILE_DATA',
      message: "test is a folder; name the files in it from which to read table test, such as 'test/*.parquet'",
    });
  });

  it('of several --data are one table only if they have the same columns', async () => {
    const path = folder();
    for (const format of ['csv', 'parquet']) {
      const write = (name: string, select: string): Promise<void> =>
        duck(`COPY (${select}) TO '${join(path, `${name}.${format}`)}'`);
      await write('s-1', 'SELECT 1 AS k, 2 AS v');
      await write('s-2', "SELECT 'a' AS V, 3.5 AS k");
      await write('s-3', 'SELECT 1 AS k, 2 AS v, 3 AS w');
      await write('s-4', 'SELECT 1 AS k');
      const data = (...numbers: number[]): string[] => numbers.map((n) => join(path, `s-${n}.${format}`));
      const [table] = await findTables(await connect(), data(1, 2, 1));
      expect(table!.files).toHaveLength(2);
      for (const numbers of [
        [1, 3],
        [3, 1],
        [1, 2, 4],
      ])
        await expect(findTables(await connect(), data(...numbers))).rejects.toMatchObject({
          code: 'FPISA_FILE_DATA',
          message: expect.stringMatching(
            /^--data names files of other columns for one table, s: \S+ has k.*; \S+ has k.*; give one of them another name, such as other=\S+$/,
          ) as string,
        });
    }
  });

  it('of several formats cannot be one table', async () => {
    const path = folder();
    await duck(
      `COPY (SELECT 1 AS a) TO '${join(path, 't.parquet')}'`,
      `COPY (SELECT 1 AS a) TO '${join(path, 't.csv')}'`,
    );
    await expect(findTables(await connect(), [join(path, 't.*')])).rejects.toThrow(
      /have several formats \(csv, parquet\)/,
    );
    await duck(`COPY (SELECT 1 AS a) TO '${join(path, 't.json')}'`);
    await expect(findTables(await connect(), [join(path, 't.json')])).rejects.toThrow(
      /the format of .* is unknown: names must end in .parquet, .csv/,
    );
  });

  it('that are not what their name says are refused with DuckDB’s words', async () => {
    const path = folder();
    await duck(`COPY (SELECT 'no parquet' AS a) TO '${join(path, 't.parquet')}' (FORMAT csv)`);
    await expect(findTables(await connect(), [join(path, 't.parquet')])).rejects.toThrow(
      /t\.parquet cannot be read: [^\n]*(magic|too small)[^\n]*$/,
    );
  });
});

describe('shares', () => {
  it('hold every row once, whatever the files and workers', { timeout: 300_000 }, async () => {
    const path = folder();
    // Of the same types together, though a part alone would be read otherwise.
    for (let file = 0; file < 3; file++) {
      await duck(
        `COPY (SELECT i AS id, i % 4 AS k, CASE WHEN ${file} = 2 THEN 'x' ELSE '7' END AS s FROM range(${file * 100}, ${file * 100 + 30 * file + 1}) t(i)) TO '${join(path, `p-${file}.parquet`)}'`,
      );
      await duck(
        `COPY (SELECT i AS id, i / 2.0 AS k, 'a,"b' || i AS s FROM range(${file * 100}, ${file * 100 + 30 * file + 1}) t(i)) TO '${join(path, `c-${file}.csv`)}'`,
      );
    }
    // The name of the column by which DuckDB numbers rows.
    await duck(`COPY (SELECT i AS id, -i AS file_row_number FROM range(50) t(i)) TO '${join(path, 'n-0.parquet')}'`);
    const connection = await connect();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom('p-*.parquet', 'p-0.parquet', 'p-2.parquet', 'n-0.parquet', 'c-*.csv', 'c-2.csv'),
        async (workers, pattern) => {
          const tables = await findTables(connection, [join(path, pattern)]);
          const rowsOf = new Map<string, number>();
          for (const { path: file } of tables[0]!.files)
            if (file.endsWith('.parquet'))
              rowsOf.set(
                file,
                Number((await connection.runAndReadAll(`SELECT count(*) FROM '${file}'`)).getRows()[0]![0]),
              );
          const selects = shareOut(tables, workers).map((share) => `(${shareSelect(share[0]!, rowsOf)})`);
          const reader = pattern.endsWith('csv') ? 'read_csv' : 'read_parquet';
          const rows = async (sql: string): Promise<string[]> =>
            (await connection.runAndReadAll(sql))
              .getRowsJson()
              .map((row) => JSON.stringify(row))
              .sort();
          expect(await rows(selects.join(' UNION ALL '))).toEqual(
            await rows(`SELECT * FROM ${reader}('${join(path, pattern)}')`),
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it('hold a CSV column of infinities only as DuckDB reads it', async () => {
    const path = folder();
    const file = join(path, 'q.csv');
    writeFileSync(file, 'k,d\n1,inf\n2,-inf\n3,inf\n');
    const connection = await connect();
    const [share] = shareOut(await findTables(connection, [file]), 1)[0]!;
    const rows = async (sql: string): Promise<unknown> => (await connection.runAndReadAll(sql)).getRowsJson();
    expect(await rows(shareSelect(share!, new Map()))).toEqual(await rows(`SELECT * FROM '${file}'`));
  });

  it('are known not to have NULL where the files’ statistics say so, all of them', async () => {
    const path = folder();
    const connection = await connect();
    await duck(
      `COPY (SELECT i AS a, CASE WHEN i < 9 THEN i END AS b, {f: CASE WHEN i < 9 THEN i END} AS s, i AS j FROM range(10) t(i)) TO '${join(path, 't-0.parquet')}'`,
      `COPY (SELECT i AS a, i AS b, {f: i} AS s, '1'::JSON AS j FROM range(10) t(i)) TO '${join(path, 't-1.parquet')}'`,
    );
    const [both, first, second] = ['t-*.parquet', 't-0.parquet', 't-1.parquet'].map((name) => join(path, name));
    const neverNull = async (pattern: string): Promise<string[]> =>
      (await findTables(connection, [pattern]))[0]!.columns
        .filter(({ isNeverNull }) => isNeverNull)
        .map(({ name }) => name);
    // A JSON null becomes NULL when it is cast to the other files' type.
    expect(await neverNull(both!)).toEqual(['a']);
    expect(await neverNull(first!)).toEqual(['a', 'j']);
    expect(await neverNull(second!)).toEqual(['a', 'b', 'j']);
    expect(
      await neverNullColumns(
        connection,
        [
          { name: 'a', type: 'DOUBLE' },
          { name: 'b', type: 'BIGINT' },
        ],
        [second!],
      ),
    ).toEqual(['b']);
    expect(await neverNullColumns(connection, [{ name: 'a', type: 'DOUBLE' }], [])).toEqual(['a']);
  });

  it('are not, of a column that is told by the names of folders', async () => {
    const path = folder();
    const paths = ['h=5', 'h=__HIVE_DEFAULT_PARTITION__'].map((name) => join(path, name, 't.parquet'));
    for (const file of paths) {
      mkdirSync(dirname(file));
      await duck(`COPY (SELECT i AS a, i AS h FROM range(10) t(i)) TO '${file}'`);
    }
    const connection = await connect();
    const [table] = await findTables(connection, [`t=${join(path, '*', 't.parquet')}`]);
    // NULL in the second, although both files have the column without NULL.
    expect(
      (await connection.runAndReadAll(`SELECT count(h) FROM '${join(path, '*', 't.parquet')}'`)).getRows(),
    ).toEqual([[10n]]);
    expect(table!.columns.map(({ name, isNeverNull }) => [name, isNeverNull])).toEqual([
      ['a', true],
      ['h', false],
    ]);
  });

  it('are of equal size, by bytes', () => {
    const files = [9, 8, 1, 1, 1, 6].map((bytes, i) => ({ path: `f${i}`, bytes }));
    const table = { name: 't', format: 'parquet' as const, files, columns: [], rows: 0, csvOptions: '' };
    const load = shareOut([table], 2).map(([share]) =>
      share!.parts.reduce((sum, { path }) => sum + files.find((file) => file.path === path)!.bytes, 0),
    );
    expect(load).toEqual([12, 14]);
  });
});
