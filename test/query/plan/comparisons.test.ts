/** What compares under a collation stays with the master: workers and switch compare bytes. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Cluster, difference } from '../support/cluster.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.create([
    `CREATE TABLE n AS SELECT * FROM (VALUES ('Ab', 1), ('x', 4), ('aB', 2), ('X', 5), ('AB', 3), ('y', 6)) t(s, v)`,
    `CREATE TABLE m AS SELECT * FROM (VALUES ('ab', 10), ('x', 20), ('Y', 30), ('z', 40)) t(s, w)`,
  ]);
});

const COLLATED: readonly (readonly [string, RegExp])[] = [
  ['SELECT n.s, m.s, v, w FROM n JOIN m ON n.s COLLATE NOCASE = m.s WHERE w > 5', /under a collation/],
  ['SELECT n.s, v FROM n, m WHERE n.s = m.s COLLATE NOCASE AND w > 5', /under a collation/],
  ['SELECT v FROM n WHERE s COLLATE NOCASE IN (SELECT s FROM m WHERE w > 5)', /under a collation/],
  ['SELECT v FROM n WHERE s IN (SELECT s COLLATE NOCASE FROM m WHERE w > 5)', /under a collation/],
  ['SELECT v FROM n WHERE EXISTS (SELECT 1 FROM m WHERE m.s = n.s COLLATE NOCASE AND w > 5)', /under a collation/],
  ['SELECT w, (SELECT sum(v) FROM n WHERE n.s COLLATE NOCASE = m.s) FROM m', /under a collation/],
  ['SELECT w, (SELECT sum(v) FROM n WHERE n.s = m.s COLLATE NOCASE) FROM m', /under a collation/],
  ['SELECT lower(s COLLATE NOCASE), count(*) FROM n GROUP BY 1', /under a collation/],
  ['SELECT sum(v) FROM n GROUP BY s COLLATE NOCASE', /under a collation/],
  ['SELECT count(*) FROM (SELECT DISTINCT s COLLATE NOCASE FROM n)', /under a collation/],
  ['SELECT sum(v) FROM n GROUP BY s COLLATE NOCASE HAVING count(*) > 1', /under a collation/],
  ['SELECT v FROM n ORDER BY s COLLATE NOCASE DESC, v LIMIT 1', /under a collation/],
  ['SELECT s COLLATE NOCASE AS c, v FROM n ORDER BY c, v LIMIT 1', /under a collation/],
  ["SELECT s, sum(v) FROM n WHERE s COLLATE NOCASE = 'ab' GROUP BY s HAVING s COLLATE NOCASE > 'aa'", /$^/],
];

describe('under a collation', () => {
  it.each(COLLATED)('%s', async (sql, reason) => {
    const alone = await cluster.alone(sql);
    for (const combine of [false, true]) {
      const run = await cluster.run(sql, { combine });
      expect(difference(run.rows, alone.rows)).toBeUndefined();
      if (reason.source !== '$^') expect(run.plan.explanation.notPushed.join()).toMatch(reason);
    }
  });
});

it('says that an aggregate depends on the order of rows, unless the query gives it', async () => {
  const notes = async (sql: string): Promise<string> => (await cluster.plan(sql)).explanation.notPushed.join();
  expect(await notes('SELECT s, first(v) FROM n GROUP BY s')).toMatch(/^first\(…\) depends on the order of rows/);
  // Also where the planner leaves the query as it is, and the master gets every row.
  const whole = await notes('WITH n AS (SELECT * FROM n) SELECT list(v) FROM n');
  expect(whole).toMatch(/^list\(…\) depends on the order of rows/);
  expect(whole).toMatch(/WITH redefines the name of table n/);
  expect(await notes('SELECT list(v ORDER BY v) FROM n')).not.toMatch(/depends on the order/);
});
