import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBDecimalValue, DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { findTables } from '../../../query/session/tables.js';
import { compareAnswers, verifyAnswer } from '../../../query/session/verify.js';
import { difference } from '../support/cluster.js';
import { folder } from './support/site.js';

const NONE = { columns: [] };

function answer(
  rows: readonly (readonly (number | string | null | bigint | DuckDBDecimalValue)[])[],
  types = ['VARCHAR', 'DOUBLE'],
) {
  return { rows, names: types.map((_, i) => `c${i}`), types };
}

describe('two answers', () => {
  const expected = answer([
    ['a', 1],
    ['b', 2],
    ['b', 3],
    [null, NaN],
  ]);

  it('are the same in any order, if none was asked for', () => {
    expect(
      compareAnswers(
        answer([
          [null, NaN],
          ['b', 3 * (1 + 1e-14)],
          ['a', 1],
          ['b', 2],
        ]),
        expected,
        NONE,
        1e-12,
      ),
    ).toBeUndefined();
  });

  it.each<[why: string, rows: (number | string | null)[][], message: RegExp]>([
    ['a row is missing', [['a', 1]], /1 row instead of 4/],
    [
      'a row is twice there and another not',
      [
        ['a', 1],
        ['a', 1],
        ['b', 3],
        [null, NaN],
      ],
      /row \("a", 1\) is not in DuckDB's answer/,
    ],
    [
      'a value is beyond the bound',
      [
        ['a', 1 + 1e-11],
        ['b', 2],
        ['b', 3],
        [null, NaN],
      ],
      /which has \("a", 1\)/,
    ],
    [
      'NULL is something else',
      [
        ['a', 1],
        ['b', 2],
        ['b', 3],
        ['', NaN],
      ],
      /row \("", NaN\)/,
    ],
    [
      'NaN is NULL',
      [
        ['a', 1],
        ['b', 2],
        ['b', 3],
        [null, null],
      ],
      /row \(NULL, NULL\)/,
    ],
  ])('differ when %s', (_, rows, message) => {
    expect(compareAnswers(answer(rows), expected, NONE, 1e-12)).toMatch(message);
  });

  it('differ when the order that was asked for is another one, ties apart', () => {
    const byFirst = { columns: [0] };
    expect(
      compareAnswers(
        answer([
          ['a', 1],
          ['b', 3],
          ['b', 2],
          [null, NaN],
        ]),
        expected,
        byFirst,
        1e-12,
      ),
    ).toBeUndefined();
    expect(
      compareAnswers(
        answer([
          ['b', 3],
          ['a', 1],
          ['b', 2],
          [null, NaN],
        ]),
        expected,
        byFirst,
        1e-12,
      ),
    ).toMatch(/row 1 has c0 "b" instead of "a"/);
  });

  it('differ in decimals by the last digit', () => {
    const types = ['DECIMAL(20,2)'];
    expect(
      compareAnswers(
        answer([[new DuckDBDecimalValue(12_345_678_901_234_567_890n, 20, 2)]], types),
        answer([[new DuckDBDecimalValue(12_345_678_901_234_567_891n, 20, 2)]], types),
        NONE,
        1e-12,
      ),
    ).toMatch(/not in DuckDB's answer/);
  });

  it('differ in types', () => {
    expect(compareAnswers(answer([], ['BIGINT']), answer([], ['HUGEINT']), NONE, 1e-12)).toBe(
      'column c0 has type BIGINT instead of HUGEINT',
    );
  });
});

describe('an infinity', () => {
  it.each([
    [Infinity, 1e300],
    [1e300, Infinity],
    [-Infinity, Infinity],
    [NaN, Infinity],
  ])('is not any other value: %d, %d', (a, b) => {
    expect(compareAnswers(answer([['a', a]]), answer([['a', b]]), NONE, 1e-5)).toMatch(/not in DuckDB's answer/);
    // The tests' own comparison had the same formula.
    expect(difference([[a]], [[b]])).toMatch(/row 0/);
  });

  it('is itself', () => {
    expect(compareAnswers(answer([['a', -Infinity]]), answer([['a', -Infinity]]), NONE, 1e-5)).toBeUndefined();
    expect(difference([[Infinity]], [[Infinity]])).toBeUndefined();
  });
});

describe('an answer against its query', () => {
  /** @param rows the answer's, as SQL */
  async function verify(sql: string, csv: string, rows: string, tolerance = 1e-12) {
    const path = folder();
    writeFileSync(join(path, 't.csv'), csv);
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const tables = await findTables(connection, [join(path, 't.csv')]);
    return verifyAnswer(sql, tables, await connection.runAndReadAll(rows), tolerance, 'UTC');
  }

  const TIES = 'k,v,s\n1,9007199254740993,a\n1,9007199254740991,b\n1,9007199254740993,d\n2,5,E\n';
  const TEXTS = 's,v\nZ,1\nY,2\na,3\nA,4\n';

  it.each([
    ['SELECT s, k FROM t WHERE v = 9007199254740993 ORDER BY k LIMIT 1', TIES, `SELECT 'd' AS s, 1::BIGINT AS k`],
    ['SELECT s FROM t ORDER BY k LIMIT 1', TIES, `SELECT 'b' AS s`],
    [
      'SELECT k, v, s AS k FROM t ORDER BY k DESC LIMIT 1',
      TIES,
      `SELECT 1::BIGINT AS k, 9007199254740993 AS v, 'd' AS k`,
    ],
    ['SELECT DISTINCT ON (k) k, s FROM t', TIES, `SELECT * FROM (VALUES (2::BIGINT, 'E'), (1, 'b')) t(k, s)`],
    ['SELECT s, v FROM t ORDER BY s COLLATE NOCASE LIMIT 1', TEXTS, `SELECT 'A' AS s, 4::BIGINT AS v`],
    ['SELECT DISTINCT s COLLATE NOCASE AS s FROM t', TEXTS, `SELECT * FROM (VALUES ('Z'), ('A'), ('Y')) t(s)`],
    [
      'SELECT s COLLATE NOCASE AS s, count(*) AS n FROM t GROUP BY 1',
      TEXTS,
      `SELECT * FROM (VALUES ('Z', 1::BIGINT), ('A', 2), ('Y', 1)) t(s, n)`,
    ],
    ['SELECT [sum(k / 3.0)] AS l FROM t', TIES, 'SELECT [5 / 3.0::DOUBLE + 1e-15] AS l'],
  ])('%s: another right one is right', async (sql, csv, rows) => {
    expect(await verify(sql, csv, rows)).toMatchObject({
      verified: true,
      difference: undefined,
      unverifiable: undefined,
    });
  });

  it.each([
    [
      'SELECT s, k FROM t WHERE v = 9007199254740993 ORDER BY k LIMIT 1',
      TIES,
      `SELECT 'b' AS s, 1::BIGINT AS k`,
      /\("b", 1\) is not in/,
    ],
    ['SELECT s FROM t ORDER BY k LIMIT 1', TIES, `SELECT 'E' AS s`, /\("E"\) is not in DuckDB's answer at this place/],
    [
      'SELECT s, v FROM t ORDER BY s COLLATE NOCASE LIMIT 1',
      TEXTS,
      `SELECT 'Y' AS s, 2::BIGINT AS v`,
      /at this place of the order/,
    ],
    [
      'SELECT s, v FROM t ORDER BY s COLLATE NOCASE',
      TEXTS,
      `SELECT s, v FROM (VALUES ('A', 4::BIGINT), ('Y', 2), ('a', 3), ('Z', 1)) t(s, v)`,
      /at this place of the order/,
    ],
    [
      'SELECT DISTINCT s COLLATE NOCASE AS s FROM t',
      TEXTS,
      `SELECT * FROM (VALUES ('Z'), ('A'), ('a')) t(s)`,
      /not in|less often/,
    ],
    [
      'SELECT k, v, s AS k FROM t ORDER BY k LIMIT 1',
      TIES,
      `SELECT 1::BIGINT AS k, 9007199254740993 AS v, 'd' AS k`,
      /row 1 has k "d" instead of "E"/,
    ],
    [
      'SELECT *, v AS x FROM t ORDER BY 2 LIMIT 1',
      TIES,
      `SELECT 1::BIGINT AS k, 9007199254740991 AS v, 'b' AS s, 9007199254740991 AS x`,
      /row 1 has v/,
    ],
    [
      'SELECT * REPLACE (-k AS k) FROM t ORDER BY k LIMIT 1',
      TIES,
      `SELECT -1::BIGINT AS k, 9007199254740991 AS v, 'b' AS s`,
      /row 1 has k -1 instead of -2/,
    ],
    ['SELECT DISTINCT ON (k) k, s FROM t', TIES, `SELECT * FROM (VALUES (2::BIGINT, 'E'), (1, 'x')) t(k, s)`, /"x"/],
  ])('%s: a wrong one is not', async (sql, csv, rows, message) => {
    const verdict = await verify(sql, csv, rows);
    expect(verdict.verified).toBe(false);
    expect(verdict.difference).toMatch(message);
  });

  it.each([
    ['SELECT random() AS r FROM t LIMIT 1', 'SELECT 2::DOUBLE AS r', /^random\(\) has another value each time/],
    ['SELECT s FROM t WHERE random() < 0.5', `SELECT 'q' AS s`, /^random\(\)/],
    ['SELECT current_timestamp AS c', `SELECT '2001-01-01'::TIMESTAMPTZ AS c`, /each time/],
    [
      'SELECT k, first(s) AS f FROM t GROUP BY k',
      `SELECT * FROM (VALUES (1::BIGINT, 'b'), (2, 'E')) t(k, f)`,
      /^first\(\) depends on the order of rows/,
    ],
    [
      'SELECT max(s) AS m FROM (SELECT s FROM t ORDER BY k LIMIT 1)',
      `SELECT 'b' AS m`,
      /tied rows LIMIT keeps in a subquery/,
    ],
    [
      'SELECT s, row_number() OVER (ORDER BY k) AS n FROM t WHERE k = 1',
      `SELECT * FROM (VALUES ('b', 1::BIGINT), ('a', 2), ('d', 3)) t(s, n)`,
      /tied/,
    ],
  ])('%s cannot be verified', async (sql, rows, why) => {
    const verdict = await verify(sql, TIES, rows);
    expect(verdict).toMatchObject({ verified: false, difference: undefined });
    expect(verdict.unverifiable).toMatch(why);
  });

  it('is verified all the same where the choice does not show', async () => {
    expect((await verify('SELECT s FROM t WHERE random() >= 0 AND k = 2', TIES, `SELECT 'E' AS s`)).verified).toBe(
      true,
    );
  });

  it('is found wrong in fp32, where a sum has become infinite', async () => {
    const sql = 'SELECT k, sum(v) AS v FROM t GROUP BY k ORDER BY k';
    const rows = `SELECT * FROM (VALUES (1::BIGINT, 'inf'::DOUBLE), (2, 'inf'::DOUBLE)) t(k, v)`;
    expect((await verify(sql, 'k,v\n1,1e300\n2,3.0\n2,1e39\n', rows, 1e-5)).difference).toMatch(/Infinity/);
  });
});
