/** Queries from files to the answer, each compared with that of DuckDB alone. */
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { duck, folder, QuerySite } from './support/site.js';

/** Sales in Parquet, some keys NULL, values NULL and NaN; and shops in CSV. */
async function files(): Promise<string[]> {
  const path = folder();
  for (let part = 0; part < 3; part++) {
    await duck(`COPY (
      SELECT i AS id, CASE WHEN i % 11 = 0 THEN NULL ELSE 'shop ' || (i % 40) END AS shop, (i % 7)::INTEGER AS day,
        CASE WHEN i % 13 = 0 THEN NULL WHEN i = 500 THEN 'NaN'::DOUBLE ELSE (i * 7919 % 1009) / 8.0 - 60 END AS amount,
        (i * 31 % 997)::DECIMAL(12,2) / 4 AS price, i % 5 AS quantity
      FROM range(${part * 1000}, ${part * 1000 + 1000}) t(i)
    ) TO '${join(path, `sales-${part}.parquet`)}'`);
  }
  await duck(
    `COPY (SELECT 'shop ' || i AS shop, CASE WHEN i % 4 = 0 THEN 'north' ELSE 'south, far' END AS region, i * 10 AS size FROM range(60) t(i)) TO '${join(path, 'shops.csv')}'`,
  );
  return [join(path, 'sales*.parquet'), join(path, 'shops.csv')];
}

const QUERIES: readonly (readonly [name: string, sql: string, absorbs: boolean])[] = [
  [
    'sums, counts, averages by a text',
    'SELECT shop, sum(amount), count(amount), avg(price), count(*) FROM sales WHERE id <> 500 GROUP BY shop',
    true,
  ],
  ['NaN and NULL', 'SELECT day, sum(amount), min(amount), max(amount) FROM sales GROUP BY day', true],
  [
    'exact decimals and integers',
    'SELECT day, quantity, sum(price), sum(id), max(id) FROM sales GROUP BY ALL ORDER BY ALL',
    true,
  ],
  ['one group', 'SELECT count(*), sum(amount), sum(quantity) FROM sales WHERE amount > 0', true],
  ['no row', 'SELECT count(*), sum(amount) FROM sales WHERE id < 0', false],
  [
    'HAVING',
    'SELECT shop, sum(quantity) AS q FROM sales GROUP BY shop HAVING sum(quantity) > 150 ORDER BY q DESC, shop',
    true,
  ],
  ['DISTINCT', 'SELECT DISTINCT day, quantity FROM sales', true],
  ['the greatest', 'SELECT id, amount FROM sales WHERE id <> 500 ORDER BY amount DESC NULLS LAST, id LIMIT 10', true],
  [
    'a join',
    `SELECT s.id, h.size FROM sales s JOIN shops h ON s.shop = h.shop WHERE h.region = 'north' AND s.day = 3`,
    true,
  ],
  [
    'a join that is aggregated',
    `SELECT h.region, count(*), sum(s.quantity) FROM sales s JOIN shops h USING (shop) GROUP BY ALL`,
    false,
  ],
  [
    'a window, which is the master’s',
    'SELECT id, row_number() OVER (ORDER BY id) AS n FROM sales WHERE day = 2',
    false,
  ],
  ['no table', 'SELECT 1 AS one', false],
];

describe('answers are those of DuckDB alone', { timeout: 300_000 }, () => {
  it.each([
    { combine: true, loss: 0 },
    { combine: false, loss: 0.05 },
  ])('combine $combine, loss $loss', async ({ combine, loss }) => {
    const data = await files();
    const site = await QuerySite.start({
      workers: 2,
      ...(loss > 0 && { faults: { seed: 5, drop: loss, duplicate: loss, reorder: loss } }),
    });
    // All on the same switch: what one query leaves there must not reach the next.
    for (const [name, sql, absorbs] of QUERIES) {
      const { statistics } = await site.verified(sql, data, { combine });
      if (absorbs) expect(statistics.absorbed, name).toBeGreaterThan(0);
    }
  });

  it('with more groups than slots', async () => {
    const data = await files();
    const site = await QuerySite.start({ workers: 2, groupSlots: 256 });
    const { statistics } = await site.verified(
      'SELECT id % 900 AS k, sum(amount), count(*) FROM sales WHERE id <> 500 GROUP BY k',
      data,
      { combine: false },
    );
    expect(statistics.toMaster.tuples).toBeGreaterThan(100);
    expect(statistics.toMaster.groups).toBeGreaterThan(100);
    expect(statistics.toMaster.groups).toBeLessThanOrEqual(256);
  });

  it('with texts that have no room in a key', async () => {
    const path = folder();
    await duck(
      `COPY (SELECT repeat('ä', i % 30) AS k, i AS v, CASE WHEN i % 3 = 0 THEN NULL ELSE i / 2 END AS w FROM range(2000) t(i)) TO '${join(path, 't.parquet')}'`,
    );
    const site = await QuerySite.start();
    const { statistics } = await site.verified(
      'SELECT k, sum(v), avg(w), count(w), count(*) FROM t GROUP BY k',
      [join(path, 't.parquet')],
      { combine: false },
    );
    expect(statistics.toMaster.unfit).toBeGreaterThan(500);
    expect(statistics.absorbed).toBeGreaterThan(500);
  });

  it('with columns that are never NULL, unless a worker’s own files say otherwise', async () => {
    const path = folder();
    const write = (name: string, value: string): Promise<void> =>
      duck(
        `COPY (SELECT i % 3 AS k, ${value} AS a, i * 2 AS b, i + 1 AS c FROM range(1000) t(i)) TO '${join(path, name)}'`,
      );
    await write('t-0.parquet', 'i');
    await write('t-1.parquet', 'CASE WHEN i % 2 = 0 THEN i END');
    const sql = 'SELECT k, avg(a), avg(b), avg(c), sum(a * (1 - b)), count(*) FROM t GROUP BY k ORDER BY k';
    const whole = await QuerySite.start({ workers: 2 });
    const { plan } = await whole.verified(sql, [join(path, 't-0.parquet')], { combine: true });
    // Their counts are that of the rows.
    expect(plan.explanation.notPushed).toEqual([]);
    expect(plan.steps[0]).toMatchObject({ lanes: { length: 5 } });
    const own = await QuerySite.start({ workers: 2, own: (rank) => [`t=${join(path, `t-${rank}.parquet`)}`] });
    const outcome = await own.run(sql, [join(path, 't-0.parquet')], { combine: true });
    expect(outcome.plan.steps[0]).toMatchObject({ lanes: { length: 6 } });
    const alone = await (await DuckDBInstance.create(':memory:')).connect();
    expect(outcome.reader.getRows()).toEqual(
      (await alone.runAndReadAll(sql.replace('FROM t', `FROM '${join(path, 't-*.parquet')}'`))).getRows(),
    );
  });

  it('with fields of columns that are never NULL, which may be, whatever their name', async () => {
    const path = folder();
    await duck(
      `COPY (SELECT i % 3 AS k, '{"a": 1}'::JSON AS j, '{"j": null}'::JSON AS o FROM range(100) t(i)) TO '${join(path, 't.parquet')}'`,
    );
    const site = await QuerySite.start();
    await site.verified(
      'SELECT k, count(j.j), count(t.j.j), count(j), count(t.o), count(*) FROM t GROUP BY k',
      [join(path, 't.parquet')],
      { combine: true },
    );
  });

  it('with sums in fp32, as close as that is', async () => {
    const data = await files();
    const site = await QuerySite.start();
    const { statistics } = await site.verified(
      'SELECT day, sum(abs(amount)) FROM sales WHERE id <> 500 GROUP BY day',
      data,
      { sums: 'fp32', combine: false },
    );
    expect(statistics.absorbed).toBeGreaterThan(1000);
  });

  it('with a sum of integers that leaves 64 bits, run again, saying so', async () => {
    const path = folder();
    await duck(
      `COPY (SELECT i % 2 AS k, 9000000000000000000 AS v FROM range(10) t(i)) TO '${join(path, 't.parquet')}'`,
    );
    const site = await QuerySite.start();
    const { statistics, notPushed } = await site.verified(
      'SELECT k, sum(v) FROM t GROUP BY k',
      [join(path, 't.parquet')],
      { combine: false },
    );
    expect(statistics.attempts).toBe(2);
    expect(notPushed.join()).toMatch(/Run again without sums of integers in the switch: .*64 bits/);
  });
});
