import { beforeAll, describe, expect, it } from 'vitest';
import { Operator } from '../../../protocol/query/constants.js';
import { Cluster, difference } from '../support/cluster.js';
import { ODD_SETUP } from '../support/odd-values.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.create(ODD_SETUP);
});

const gaveUp = (reasons: readonly string[]): readonly string[] =>
  reasons.filter((reason) => /abandoned|write back/.test(reason));

async function check(sql: string, options = {}, slots = 64): ReturnType<Cluster['run']> {
  const alone = await cluster.alone(sql);
  const run = await cluster.run(sql, options, slots);
  expect(gaveUp(run.plan.explanation.notPushed)).toEqual([]);
  expect([run.names, run.types]).toEqual([alone.names, alone.types]);
  expect(difference(run.rows, alone.rows, { relative: 1e-11, ordered: /ORDER BY ALL/.test(sql) })).toBeUndefined();
  return run;
}

/** All of these are aggregated in the switch, and nothing else of the table reaches the master. */
const AGGREGATED = [
  'SELECT sum(x), count(*), count(x), avg(x), min(x), max(x) FROM t',
  'SELECT sum(x), count(*), count(x) FROM nothing',
  'SELECT k, sum(x) FROM nothing GROUP BY k',
  'SELECT count(*) FROM t WHERE k > 100',
  'SELECT k, sum(x) FROM t GROUP BY k',
  'SELECT k AS kk, sum(x) + 1 FROM t GROUP BY kk',
  'SELECT k, g, count(*) FROM t GROUP BY ALL',
  'SELECT k, sum(n) FROM t GROUP BY 1 ORDER BY ALL',
  'SELECT g, sum(n), avg(n) FROM t GROUP BY g',
  'SELECT y, count(*), count(y) FROM t GROUP BY y',
  'SELECT k, sum(y), min(y), max(y), avg(y) FROM t GROUP BY k',
  'SELECT k, min(dt), max(dt) FROM t GROUP BY k',
  'SELECT k, min(ts), max(tz) FROM t GROUP BY k',
  'SELECT dt, count(*) FROM t GROUP BY dt',
  'SELECT ts, tz, count(*) FROM t GROUP BY ts, tz',
  'SELECT b, m, count(g) FROM t GROUP BY b, m',
  'SELECT m, max(b), sum(b) FROM t GROUP BY m ORDER BY m DESC',
  'SELECT d, u, count(*) FROM t GROUP BY d, u',
  'SELECT f, count(*) FROM t GROUP BY f',
  'SELECT k, sum(d), avg(d), min(d), max(d) FROM t GROUP BY k',
  'SELECT k, sum(w), avg(w), max(w) FROM t GROUP BY k',
  'SELECT k, sum(h) FROM t GROUP BY k',
  'SELECT k, max(u), min(u) FROM t GROUP BY k',
  'SELECT k, sum(f), min(f), avg(f) FROM t GROUP BY k',
  'SELECT k, sum(d * (1 + d)) / count(*) AS r FROM t GROUP BY k HAVING sum(d) > 100 AND count(*) > 3',
  'SELECT k % 3 AS r, max(x) FROM t WHERE x IS NOT NULL GROUP BY k % 3 ORDER BY max(x) DESC',
  'SELECT year(dt), count(*) FROM t WHERE isfinite(dt) GROUP BY year(dt)',
  "SELECT CASE WHEN n > 0 THEN 'plus' ELSE 'minus' END AS sign, sum(n) FROM t GROUP BY sign",
  "SELECT g || '!', count(*) FROM t GROUP BY g",
  'SELECT sum(x) FILTER (WHERE k > 3), count(*) FILTER (WHERE b), count(n) FILTER (WHERE b) FROM t',
  'SELECT max(DISTINCT n), min(n) FROM t',
  'SELECT k FROM t GROUP BY k HAVING sum(x) >= 1000',
  'SELECT k, sum(n) FROM t GROUP BY k HAVING sum(n) < 0',
  'SELECT k, sum(d) FROM t GROUP BY k HAVING 30000.55 <= sum(d)',
  'SELECT k, min(x) FROM t GROUP BY k HAVING min(x) <= 0',
  'SELECT g, count(*) FROM t GROUP BY g HAVING count(*) > 90',
  'SELECT g, max(y) FROM t GROUP BY g HAVING max(y) > 5',
  'SELECT sum(x) FROM t HAVING sum(x) > 1e99',
  'SELECT min(x) FROM t HAVING count(n) <= 0',
  'SELECT min(x) FROM t HAVING count(*) < 3',
  'SELECT DISTINCT k, b FROM t',
  'SELECT DISTINCT g FROM t ORDER BY g DESC NULLS FIRST LIMIT 3',
  'SELECT DISTINCT k + 1 AS next FROM t ORDER BY next',
  'SELECT DISTINCT y FROM t',
  'SELECT DISTINCT * FROM (SELECT k, count(*) AS c FROM t GROUP BY k)',
  'SELECT a.k, sum(a.x) AS s FROM t AS a WHERE a.b GROUP BY a.k ORDER BY s DESC NULLS LAST, a.k LIMIT 3',
  'WITH c AS (SELECT k, sum(n) AS s FROM t GROUP BY k) SELECT max(s), count(*) FROM c',
  'SELECT s.k, s.total FROM (SELECT k, sum(x) AS total FROM t GROUP BY k) s WHERE s.total > 10',
  'SELECT k, sum(n) FROM t GROUP BY k UNION ALL SELECT NULL, sum(n) FROM t',
  'SELECT k, count(*) FROM t GROUP BY k HAVING count(*) > (SELECT count(*) / 9 FROM t)',
  "SELECT 1, 'x', k, count(*) FROM t GROUP BY ALL",
  'SELECT k AS n, sum(n) FROM t GROUP BY k',
  'SELECT sum(x) * 1e0, sum(d) * 1.5, count(*) * 12345678901234567890 FROM t',
  'SELECT "k", SUM("X") FROM T GROUP BY "K"',
  'SELECT -k AS k, count(*) FROM t GROUP BY k ORDER BY k',
  'SELECT k + 1 AS a, a * 2 AS b, count(*) FROM t GROUP BY ALL',
  'SELECT k, row_count FROM (SELECT k, count(*) AS row_count FROM t GROUP BY k) ORDER BY row_count, k NULLS FIRST',
];

describe.each([
  { combine: false, slots: 64 },
  { combine: false, slots: 2 },
  { combine: true, slots: 3 },
])('aggregated in the switch: %o', ({ combine, slots }) => {
  it.each(AGGREGATED)('%s', async (sql) => {
    const { plan, fetched } = await check(sql, { combine }, slots);
    expect(plan.rowSets).toEqual([]);
    expect(fetched).toBe(0);
    expect(plan.steps.every(({ operator }) => operator === Operator.GROUP)).toBe(true);
  });
});

/** Answered correctly although the switch does not do it, with the reason. */
const NOT_PUSHED: readonly (readonly [string, RegExp])[] = [
  ['SELECT k, stddev(x) FROM t WHERE x < 1e4 GROUP BY k', /no operation for stddev/],
  ['SELECT k, count(DISTINCT g) FROM t GROUP BY k', /count\(DISTINCT …\) needs every distinct value/],
  ['SELECT k, min(g) FROM t GROUP BY k', /no operation for min of VARCHAR/],
  ['SELECT k, max(h) FROM t GROUP BY k', /no operation for max of HUGEINT/],
  ['SELECT k, b, sum(n) FROM t GROUP BY ROLLUP (k, b)', /grouping sets/],
  ['SELECT h, count(*) FROM t GROUP BY h', /HUGEINT cannot be part of a key/],
  ['SELECT n, ts, tz, count(*) FROM t GROUP BY ALL', /need 25 bytes of key/],
  [
    'SELECT k, sum(x), sum(y), sum(n), sum(d), sum(f), sum(w), sum(h) FROM t WHERE y > 0 GROUP BY k',
    /need 7 lanes, and a tuple has 6/,
  ],
  ['SELECT k, sum(x) FROM t WHERE x > (SELECT avg(x) FROM t) GROUP BY k', /only the master can evaluate/],
  ['SELECT t.k, count(*) FROM t JOIN other ON t.k = other.k GROUP BY t.k', /over a join/],
  ['SELECT DISTINCT ON (k) k FROM t ORDER BY k, id', /$^|Top/],
  ['SELECT id FROM t ORDER BY [k], id LIMIT 5', /cannot order values of type INTEGER\[\]/],
  ['SELECT id, row_number() OVER (ORDER BY id) FROM t ORDER BY id LIMIT 5', /windows/],
  ['SELECT id FROM t ORDER BY id LIMIT 2000', /keeps at most 1024/],
  ['SELECT id FROM t ORDER BY id LIMIT 5%', /must be constants/],
  ['SELECT t.id FROM t, other WHERE t.k = other.k ORDER BY t.id, other.v LIMIT 5', /only over one table/],
  [
    'SELECT id FROM t WHERE k IN (SELECT k FROM other WHERE v > 30) ORDER BY id LIMIT 5',
    /before the master has evaluated WHERE/,
  ],
];

describe('not pushed, with the reason', () => {
  it.each(NOT_PUSHED)('%s', async (sql, reason) => {
    const { plan } = await check(sql);
    if (reason.source !== '$^|Top') expect(plan.explanation.notPushed.join('\n')).toMatch(reason);
  });

  it('does without integer sums once they have overflowed', async () => {
    const sql = 'SELECT k, sum(n * 9223372036854) FROM t GROUP BY k';
    const { plan } = await check(sql);
    expect(plan.explanation.notPushed.join()).toMatch(/exceeded 64 bits/);
    expect((await cluster.plan(sql)).explanation.notPushed).toEqual([]);
  });
});

const ORDERS = [
  'x',
  'x DESC',
  'y',
  'y DESC',
  'y NULLS FIRST',
  'y DESC NULLS FIRST',
  'n',
  'n DESC',
  'd DESC NULLS FIRST',
  'dt',
  'dt DESC NULLS FIRST',
  'ts',
  'ts DESC',
  'tz',
  'w',
  'w DESC',
  'u',
  'u DESC',
  'h DESC',
  'f',
  'k DESC',
  'k + n',
  '-x',
  'b',
  'g',
  'g DESC',
  'g NULLS FIRST',
  'm',
  'm DESC',
];

describe.each([false, true])('Top-N, combine %s', (combine) => {
  it.each(
    ORDERS.flatMap(
      (order) =>
        [
          [order, 7, 0],
          [order, 40, 25],
        ] as const,
    ),
  )('ORDER BY %s LIMIT %i OFFSET %i', async (order, limit, offset) => {
    // The last column makes the answer definite.
    const { plan, fetched } = await check(
      `SELECT id, ${order.split(' ')[0]} FROM t ORDER BY ${order}, id LIMIT ${limit} OFFSET ${offset}`,
      { combine },
    );
    expect(plan.steps).toMatchObject([{ operator: Operator.TOP, n: limit + offset }]);
    expect(fetched).toBeLessThan(600);
    expect(plan.explanation.notPushed).toEqual([]);
  });

  it.each([
    'SELECT * FROM t WHERE k = 3 ORDER BY x DESC, id LIMIT 5',
    'SELECT id AS i, x * 2 AS twice FROM t ORDER BY twice DESC, i LIMIT 5',
    'SELECT a.id, a.n FROM t a WHERE a.b ORDER BY 2, 1 LIMIT 5',
    'SELECT sum(i) FROM (SELECT id AS i FROM t ORDER BY n DESC, id LIMIT 20)',
    'SELECT id FROM nothing ORDER BY id LIMIT 5',
    'SELECT id FROM t ORDER BY id LIMIT 10 OFFSET 1014',
  ])('%s', async (sql) => {
    const { plan } = await check(sql, { combine });
    expect(plan.steps.filter(({ operator }) => operator === Operator.TOP)).toHaveLength(1);
  });

  it('keeps enough rows where ties make the answer a choice', async () => {
    const run = await cluster.run('SELECT k, id FROM t ORDER BY k LIMIT 50', { combine });
    const alone = await cluster.alone('SELECT k FROM t ORDER BY k LIMIT 50');
    expect(
      difference(
        run.rows.map(([k]) => [k!]),
        alone.rows,
      ),
    ).toBeUndefined();
    const all = new Set((await cluster.alone('SELECT k, id FROM t')).rows.map(String));
    expect(run.rows.every((row) => all.has(String(row)))).toBe(true);
  });

  it('takes any rows where there is no order', async () => {
    const { rows, fetched } = await cluster.run('SELECT id FROM t LIMIT 4', { combine });
    expect([rows.length, fetched]).toEqual([4, 12]);
  });
});

const JOINS = [
  'SELECT t.id, other.v FROM t, other WHERE t.k = other.k AND other.v > 20 AND t.n > 0',
  'SELECT t.id, other.v FROM t JOIN other USING (k) WHERE v = 30',
  'SELECT id FROM t JOIN other ON t.g = other.g WHERE other.v < 40',
  'SELECT id, z FROM t JOIN other ON t.k = other.k JOIN third ON other.v = third.v WHERE t.id < 50',
  'SELECT id, other.y FROM t JOIN other ON t.y = other.y WHERE other.v >= 0',
  'SELECT id, other.v FROM t LEFT JOIN other ON t.k = other.k AND other.v > 30 WHERE t.n > 0',
  'SELECT id, other.v FROM t LEFT JOIN other ON t.k = other.k WHERE other.v IS NULL AND t.n > 0',
  'SELECT id, other.v FROM t RIGHT JOIN other ON t.k = other.k AND t.n > 0',
  'SELECT id, other.v FROM t FULL JOIN other ON t.k = other.k AND t.n > 0 WHERE id < 9 OR id IS NULL',
  'SELECT id FROM t SEMI JOIN other ON t.k = other.k AND other.v > 30',
  'SELECT id FROM t ANTI JOIN other ON t.k = other.k AND other.v > 30',
  'SELECT * FROM other NATURAL JOIN third',
  'SELECT id FROM t WHERE k IN (SELECT k FROM other WHERE v > 30)',
  'SELECT id FROM t WHERE k NOT IN (SELECT k FROM other WHERE v > 30)',
  'SELECT id FROM t WHERE EXISTS (SELECT * FROM other WHERE other.k = t.k AND v > 30)',
  'SELECT id FROM t WHERE NOT EXISTS (SELECT * FROM other WHERE other.k = t.k AND v > 30)',
  'SELECT id FROM t WHERE k IN (SELECT k FROM other WHERE v > 30) OR id < 3',
  'SELECT id, (SELECT max(v) FROM other WHERE other.k = t.k) FROM t WHERE n > 0',
  'SELECT id, (SELECT count(*) FROM other WHERE other.k = t.k) FROM t WHERE n > 0',
  'SELECT id, (SELECT count(v) + 1 FROM other WHERE other.k = t.k AND other.v > 10) AS c FROM t WHERE n > 0',
  'SELECT o.k, (SELECT sum(n) FROM t WHERE t.k = o.k) AS s FROM other o',
  'SELECT o.k FROM other o WHERE o.v > (SELECT avg(x) FROM t WHERE t.k = o.k AND t.g = o.g)',
  'SELECT o.k FROM other o WHERE o.v < (SELECT avg(n) FROM t WHERE t.k > o.k)',
  'SELECT a.id, b.id FROM t a, t b WHERE a.k = b.k AND a.n > 300000 AND b.n < -300000',
  'SELECT t.k, v FROM t, other WHERE t.k + 1 = other.k AND other.v BETWEEN 20 AND 50',
  'SELECT count(*) FROM t, other',
  'SELECT count(*) FROM t, other WHERE (t.k = other.k AND other.v > 50) OR (t.k = other.k AND t.n > 300000)',
  'SELECT x.k, y.s FROM other x JOIN (SELECT k, sum(n) AS s FROM t GROUP BY k) y ON x.k = y.k',
  'SELECT t FROM t WHERE id < 5',
  "SELECT COLUMNS('k|id') FROM t WHERE id < 5",
  'SELECT t.* EXCLUDE (g, ts) FROM t WHERE id < 5 AND g IS NOT NULL',
  'SELECT id FROM t WHERE random() >= 0 AND n > 0',
  'SELECT id FROM t TABLESAMPLE 100% WHERE n > 0',
  'WITH t AS (SELECT * FROM t WHERE n > 0) SELECT count(*), sum(n) FROM t',
  'SELECT r.a, count(*) FROM t AS r(a) GROUP BY r.a',
  'SELECT q, id FROM t, LATERAL (SELECT max(v) AS q FROM other WHERE other.k = t.k) l WHERE id < 100',
  'SELECT id FROM t WHERE k = ALL (SELECT k FROM other WHERE v = 30)',
  'SELECT unnest([k, id]) FROM t ORDER BY id, 1 LIMIT 9',
  'WITH RECURSIVE r(a) AS (SELECT min(v) FROM other UNION ALL SELECT a + 10 FROM r, third WHERE third.v = r.a AND a < 40) SELECT * FROM r',
  'SELECT k, list(id ORDER BY id) FROM t WHERE n > 400000 GROUP BY k',
  'SELECT k, n, sum(n) OVER (PARTITION BY k ORDER BY id) FROM t WHERE b QUALIFY row_number() OVER (PARTITION BY k ORDER BY id) < 3',
  'SELECT k FROM t WHERE b EXCEPT SELECT k FROM other',
  'SELECT id AS n FROM t WHERE n > 0',
  'SELECT 1',
  'SELECT -k AS k, count(*) FROM t GROUP BY k HAVING k > 3',
  'SELECT -k AS n, k, count(*) FROM t GROUP BY k, n HAVING n > 3',
  'PIVOT (SELECT k, b, n FROM t) ON b IN (true, false) USING sum(n) GROUP BY k',
  'SELECT * FROM (PIVOT third ON v IN (1, 2) USING sum(z)), other WHERE other.v < 30',
  'UNPIVOT third ON v, z',
  "SELECT count(*) FROM query_table('t')",
  'SELECT v FROM other, (SUMMARIZE third) s WHERE v > 90',
  'FROM other WHERE v > 40',
  'SELECT k FROM t WHERE b INTERSECT ALL SELECT k FROM other WHERE v > 10',
  'SELECT (SELECT v + t.k FROM other ORDER BY v DESC LIMIT 1) FROM t WHERE id < 20',
  'SELECT (SELECT v FROM other WHERE other.k = t.k ORDER BY v LIMIT 1) FROM t WHERE id < 20',
  'SELECT o.k, (SELECT g FROM t WHERE t.k = o.k GROUP BY g HAVING count(*) > 5 ORDER BY g NULLS LAST LIMIT 1) FROM other o',
  'SELECT o.k FROM other o WHERE o.v IN (SELECT count(*) FROM t WHERE t.k = o.k GROUP BY g)',
  'SELECT o.k FROM other o WHERE EXISTS (SELECT 1 FROM t WHERE t.k = o.k HAVING count(*) = 0)',
];

describe('joins, subqueries and the rest', () => {
  it.each(JOINS)('%s', async (sql) => {
    await check(sql);
    await check(sql, { combine: true }, 2);
  });

  it.each([
    [JOINS[0]!, ['3 other', '4 t']],
    [JOINS[2]!, ['3 other', '4 t']],
    [JOINS[3]!, ['3 t', '4 other', '3 other', '4 third']],
    [JOINS[5]!, ['3 t', '4 other']],
    [JOINS[12]!, ['3 other', '4 t']],
    [JOINS[14]!, ['3 other', '4 t']],
    [JOINS[13]!, []],
    [JOINS[8]!, []],
  ] as const)('%s has steps %j', async (sql, steps) => {
    const plan = await cluster.plan(sql);
    expect(plan.steps.map((step) => `${step.operator} ${'rowSet' in step ? step.rowSet : ''}`)).toEqual(steps);
  });
});

describe('options', () => {
  it('keeps to two lanes', async () => {
    expect(
      (await cluster.plan('SELECT k, sum(x), sum(n), sum(d) FROM t GROUP BY k', { lanes: 2 })).explanation.notPushed,
    ).toEqual([expect.stringMatching(/need 3 lanes, and a tuple has 2/)]);
    await check('SELECT k, sum(x), sum(n), avg(x), count(n), count(*) FROM t GROUP BY k', { lanes: 2 });
  });

  it('sums in fp32 where it is asked to', async () => {
    const { plan } = await cluster.run('SELECT k, sum(x), sum(n) FROM t GROUP BY k', { sums: 'fp32' });
    expect(plan.steps).toMatchObject([{ lanes: [{ op: 2 }, { op: 3 }] }]);
  });

  it('does not apply HAVING to fp32 sums in the switch', async () => {
    expect(
      (await cluster.plan('SELECT k FROM t GROUP BY k HAVING sum(x) > 1', { sums: 'fp32' })).steps[0],
    ).not.toHaveProperty('having');
    expect((await cluster.plan('SELECT k FROM t GROUP BY k HAVING sum(x) > 1')).steps[0]).toHaveProperty('having');
  });
});

describe('bad input', () => {
  it.each([
    ['SELEC 1', 'FPISA_QUERY_SYNTAX', /syntax error at or near "SELEC"[\s\S]*LINE 1/],
    ['SELECT k FROM t WHERE (', 'FPISA_QUERY_SYNTAX', /syntax error at end of input/],
    ['INSERT INTO other VALUES (1, 2, 3, 4)', 'FPISA_QUERY_NOT_SELECT', /one SELECT/],
    ['SELECT 1; SELECT 2', 'FPISA_QUERY_NOT_SELECT', /not 2/],
    ['', 'FPISA_QUERY_NOT_SELECT', /one SELECT/],
    ['SELECT q FROM other', 'FPISA_QUERY_UNKNOWN_COLUMN', /no column q; .*other has k, g, v, y/],
    ['SELECT other.q FROM other', 'FPISA_QUERY_UNKNOWN_COLUMN', /no column q; other has k, g, v, y/],
    ['SELECT rowid FROM other', 'FPISA_QUERY_UNKNOWN_COLUMN', /no column rowid/],
    ['SELECT 1 FROM missing', 'FPISA_QUERY_UNKNOWN_TABLE', /no table missing; tables: nothing, other, t, third/],
    ['SELECT sum(g) FROM t', 'FPISA_QUERY_BIND', /No function matches.*sum\(/],
    ['SELECT k FROM t GROUP BY g', 'FPISA_QUERY_BIND', /must appear in the GROUP BY/],
    ['SELECT k FROM t WHERE k = ?', 'FPISA_QUERY_UNSUPPORTED', /parameters/],
  ] as const)('%s is refused with %s', async (sql, code, message) => {
    await expect(cluster.plan(sql)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
