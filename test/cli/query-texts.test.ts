/** What `fpisa query` prints of a value is what DuckDB's own cast to text gives, for every type. */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { answerOf, csvLines, tableLines } from '../../cli/query/format.js';
import { textsOf } from '../../cli/query/texts.js';
import { Output } from '../../cli/output.js';

let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:')).connect();
});
afterAll(() => connection.closeSync());

const FLOATS = `(VALUES (0.1::FLOAT, 0.1::DOUBLE), ('-0'::FLOAT, '-0'::DOUBLE), (1e8::FLOAT, 1e8::DOUBLE),
  (1e16::FLOAT, 1e16::DOUBLE), ('nan'::FLOAT, '-inf'::DOUBLE), (NULL, 1e-5::DOUBLE)) t(f, d)`;

/** What `--json` prints. */
function printed(value: unknown): string {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  onTestFinished(() => write.mockRestore());
  new Output(true).object(value);
  return String(write.mock.calls.at(-1)![0]);
}

describe('the texts of an answer', () => {
  it('are those of DuckDB, for each of its types', async () => {
    const all = (await connection.runAndReadAll('DESCRIBE SELECT * FROM test_all_types()')).getRows();
    expect(all.length).toBeGreaterThan(50);
    for (const [column] of all) {
      const reader = await connection.runAndReadAll(`SELECT "${String(column)}" FROM test_all_types()`);
      const own = await connection.runAndReadAll(`SELECT CAST("${String(column)}" AS VARCHAR) FROM test_all_types()`);
      expect(await textsOf(reader, connection), String(column)).toEqual(own.getRows());
    }
  });

  it('have the digits and signs of floating-point values that DuckDB gives them', async () => {
    const reader = await connection.runAndReadAll(`SELECT f, d, [f] AS l FROM ${FLOATS}`);
    expect(csvLines(reader, await textsOf(reader, connection))).toEqual([
      'f,d,l',
      '0.1,0.1,[0.1]',
      '-0.0,-0.0,[-0.0]',
      '100000000.0,100000000.0,[100000000.0]',
      '1e+16,1e+16,[1e+16]',
      'nan,-inf,[nan]',
      ',1e-05,[NULL]',
    ]);
    expect(tableLines(reader, await textsOf(reader, connection))[5]).toMatch(/│ +-0\.0 │ +-0\.0 │ +\[-0\.0\] │/);
  });

  it('are there for equal names, more rows than a chunk has, no rows, and tuples', async () => {
    const many = await connection.runAndReadAll('SELECT i AS a, -i AS a FROM range(5000) t(i)');
    expect((await textsOf(many, connection))[4999]).toEqual(['4999', '-4999']);
    expect(await textsOf(await connection.runAndReadAll('SELECT 1 WHERE false'), connection)).toEqual([]);
    expect(await textsOf(await connection.runAndReadAll('SELECT (1, 2), NULL'), connection)).toHaveLength(1);
  });
});

describe('JSON of an answer', () => {
  it('has the shortest number of each FLOAT, and the sign of zero', async () => {
    const { rows } = answerOf(await connection.runAndReadAll(`SELECT f, d, [f] AS l FROM ${FLOATS}`));
    expect(printed(rows)).toBe(
      '[[0.1,0.1,[0.1]],[-0.0,-0.0,[-0.0]],[100000000,100000000,[100000000]],[10000000000000000,10000000000000000,[10000000000000000]],["NaN","-Infinity",["NaN"]],[null,0.00001,[null]]]\n',
    );
    expect(Object.is(JSON.parse(printed(-0)), -0)).toBe(true);
  });

  it('reads back as the FLOAT that it was', async () => {
    const reader = await connection.runAndReadAll(
      `SELECT CAST(CAST(CAST(hash(i) % 4278190080 AS UINTEGER) AS BIT) AS FLOAT) AS f FROM range(2000) t(i)`,
    );
    const values = reader.getColumns()[0] as number[];
    const finite = answerOf(reader).rows.filter(([value]) => typeof value === 'number');
    expect(finite.length).toBeGreaterThan(1500);
    expect(finite.map(([value]) => Math.fround(value as number))).toEqual(values.filter(Number.isFinite));
  });
});
