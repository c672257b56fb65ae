/** Names and positions that stand for an output mean what DuckDB binds them to, and a zero keeps its sign. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Operator } from '../../../protocol/query/constants.js';
import { Cluster } from '../support/cluster.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.create([
    'CREATE TABLE r AS SELECT i::INTEGER AS a, ((i * 7) % 20)::INTEGER AS b FROM range(20) t(i)',
    `CREATE TABLE z AS SELECT i % 3 AS k, CASE WHEN i % 3 = 0 THEN i / 2.0 - 1 ELSE '-0'::DOUBLE END AS d, '-0'::FLOAT AS f FROM range(12) t(i)`,
    `CREATE TABLE zeros AS SELECT (CASE WHEN i % 2 = 0 THEN '0' ELSE '-0' END)::DOUBLE AS d, 1 AS v FROM range(12) t(i)`,
  ]);
});

async function expectSame(sql: string, operator?: Operator): Promise<void> {
  const alone = await cluster.alone(sql);
  for (const combine of [true, false]) {
    const run = await cluster.run(sql, { combine });
    expect(run.names, sql).toEqual(alone.names);
    // In their order, and Object.is for floating-point values.
    expect(run.rows, sql).toStrictEqual(alone.rows);
    if (operator !== undefined) expect(run.plan.steps.map((step) => step.operator)).toContain(operator);
  }
}

describe('ORDER BY … LIMIT', () => {
  it.each([
    'SELECT *, a AS c FROM r ORDER BY 2 DESC LIMIT 2',
    'SELECT a AS c, * FROM r ORDER BY 3 LIMIT 3',
    'SELECT *, -b AS q FROM r ORDER BY q LIMIT 3',
    'SELECT *, -b AS b FROM r ORDER BY b LIMIT 3',
    'SELECT * EXCLUDE (a) FROM r ORDER BY 1 LIMIT 3',
    'SELECT * RENAME (a AS x) FROM r ORDER BY x DESC LIMIT 3',
    'SELECT x.* FROM r AS x ORDER BY 2, 1 LIMIT 3',
    'SELECT * FROM r ORDER BY ALL DESC LIMIT 3',
    "SELECT COLUMNS('b|a') FROM r ORDER BY 2 LIMIT 3",
    'SELECT a, b AS a FROM r ORDER BY a LIMIT 2',
    'SELECT b AS a, a FROM r ORDER BY a LIMIT 2',
    'SELECT -b AS x, b AS x FROM r ORDER BY x LIMIT 2',
    'SELECT -b AS a FROM r ORDER BY a + 1 LIMIT 2',
    // A worker's own sort gives no zero another sign.
    'SELECT -d, k FROM z ORDER BY k DESC, d, f LIMIT 7',
    'SELECT -f, 1 / d FROM z ORDER BY k, f, d DESC LIMIT 7',
  ])('%s', (sql) => expectSame(sql, Operator.TOP));

  it.each([
    'SELECT * REPLACE (-a AS a) FROM r ORDER BY a LIMIT 2',
    'SELECT COLUMNS(*) + 1 FROM r ORDER BY 2 LIMIT 2',
    'SELECT -b AS x FROM r ORDER BY x + 1 LIMIT 2',
  ])('%s, by the master', (sql) => expectSame(sql));
});

describe('ORDER BY of groups', () => {
  it.each([
    'SELECT a, b AS a, count(*) FROM r GROUP BY ALL ORDER BY a',
    'SELECT b AS a, a, count(*) FROM r GROUP BY ALL ORDER BY a',
    'SELECT a, -a AS k0, b AS k1 FROM r GROUP BY ALL ORDER BY k0, a',
    'SELECT sum(b) AS a, a AS b FROM r GROUP BY r.a ORDER BY a DESC, b',
    'SELECT a, sum(b) AS l0, -sum(b) AS "rows" FROM r GROUP BY a ORDER BY l0, "rows"',
    'SELECT -a AS k0 FROM r GROUP BY a ORDER BY r.a',
    'SELECT *, count(*) FROM r GROUP BY ALL ORDER BY 2',
    'SELECT a, sum(b) FROM r GROUP BY a ORDER BY sum(b) DESC',
    'SELECT DISTINCT b AS a, a FROM r ORDER BY ALL DESC',
    'SELECT b AS a, a FROM (SELECT DISTINCT a, b FROM r) ORDER BY a',
    'SELECT b AS a, a FROM r GROUP BY ALL UNION ALL SELECT 5, 6 ORDER BY a, 2',
  ])('%s', (sql) => expectSame(sql, Operator.GROUP));
});

describe('the sign of zero', () => {
  it.each([
    'SELECT k, min(d), max(d), min(f), 1 / max(d) FROM z GROUP BY k ORDER BY k',
    'SELECT min(d), max(d), 1 / max(d) FROM z WHERE k = 1',
    'SELECT d, count(*) FROM z GROUP BY d ORDER BY d',
    'SELECT DISTINCT d, f FROM z ORDER BY d',
    'SELECT DISTINCT f, 1 / f FROM z',
    'SELECT sum(d), avg(f), sum(f) FROM z WHERE k = 2',
  ])('is kept: %s', (sql) => expectSame(sql, Operator.GROUP));

  it('does not split a group, nor its HAVING', async () => {
    for (const sql of [
      'SELECT d = 0, count(*), sum(v) FROM zeros GROUP BY d',
      'SELECT d = 0, sum(v) FROM zeros GROUP BY d HAVING sum(v) > 10',
      'SELECT count(*) FROM (SELECT DISTINCT d FROM zeros)',
    ])
      await expectSame(sql, Operator.GROUP);
  });
});
