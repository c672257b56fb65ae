/** A small shop: line items, orders and customers, with the kinds of queries that are asked of such. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { duck, folder, QuerySite } from './support/site.js';

const QUERIES = [
  `SELECT o.cust, sum(l.price * (1 - l.disc)) AS rev FROM li l, ord o WHERE l.oid = o.id AND o.d < DATE '1995-03-15' AND l.ship > DATE '1995-03-15' GROUP BY 1 ORDER BY rev DESC, 1 LIMIT 10`,
  `SELECT flag, status, sum(qty), sum(price), sum(price*(1-disc)), avg(qty), avg(disc), count(*) FROM li WHERE ship <= DATE '1998-09-02' GROUP BY ALL ORDER BY ALL`,
  `SELECT sum(price*disc) FROM li WHERE disc BETWEEN 0.05 AND 0.07 AND qty < 24`,
  `SELECT count(*) FROM ord WHERE EXISTS (SELECT 1 FROM li WHERE li.oid = ord.id AND qty > 48)`,
  `SELECT c.name, count(o.id) FROM cust c LEFT JOIN ord o ON c.id = o.cust GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20`,
  `SELECT d, count(*) FROM ord GROUP BY d ORDER BY count(*) DESC, d LIMIT 7`,
  `SELECT flag, min(ship), max(ship), min(ts), max(ts) FROM li GROUP BY flag`,
  `SELECT ts, price FROM li ORDER BY ts DESC NULLS FIRST, price, oid, qty LIMIT 15`,
  `SELECT * FROM ord WHERE cust IN (SELECT id FROM cust WHERE name LIKE 'C1%') ORDER BY id`,
  `WITH x AS (SELECT oid, sum(qty) q FROM li GROUP BY oid HAVING sum(qty) > 150) SELECT o.id, x.q FROM x JOIN ord o ON o.id = x.oid ORDER BY x.q DESC, o.id`,
  `SELECT flag FROM li UNION SELECT status FROM li ORDER BY 1`,
  `SELECT count(DISTINCT oid), sum(DISTINCT qty) FROM li`,
  `SELECT qty::INTEGER % 7 AS b, stddev(price), sum(price) FROM li GROUP BY b`,
  `SELECT flag, sum(price) FILTER (WHERE qty > 10), count(*) FILTER (WHERE disc = 0.02) FROM li GROUP BY flag`,
  `SELECT a.id FROM ord a JOIN ord b ON a.id = b.id + 1 WHERE b.cust = 5 ORDER BY 1`,
  `SELECT o.id, (SELECT max(qty) FROM li WHERE li.oid = o.id) AS m FROM ord o WHERE o.cust = 3 ORDER BY o.id`,
  `SELECT year(d) AS y, month(d), sum(id) FROM ord GROUP BY ALL ORDER BY ALL`,
  `SELECT b, sum(qty) FROM (SELECT qty > 25 AS b, qty FROM li) GROUP BY b`,
  `SELECT f32, count(*) FROM li GROUP BY f32`,
  `SELECT sum(f32), avg(f32), min(f32) FROM li`,
  `SELECT name FROM cust ORDER BY name DESC LIMIT 4`,
  `SELECT * FROM li ORDER BY price DESC LIMIT 5 OFFSET 3`,
  `SELECT * FROM li LIMIT 9`,
  `SELECT c.name, l.qty FROM cust c JOIN ord o ON o.cust = c.id JOIN li l ON l.oid = o.id WHERE c.name = 'C7' ORDER BY ALL`,
];

/** Dates, decimals, texts, times with NULL, singles; a table in three Parquet files, one in one, and one in CSV. */
async function shop(): Promise<string[]> {
  const path = folder();
  for (let file = 0; file < 3; file++) {
    await duck(
      `COPY (SELECT i AS rid, (i * 7 % 2000) AS oid, (i % 50 + 1)::DECIMAL(15,2) AS qty, (i * 7919 % 100003)::DECIMAL(15,2) / 7 AS price, (i % 11) / 100.0::DECIMAL(15,2) AS disc, ['A','N','R'][i % 3 + 1] AS flag, ['F','O'][i % 2 + 1] AS status, DATE '1992-01-01' + (i * 31 % 2500)::INTEGER AS ship, CASE WHEN i % 17 = 0 THEN NULL ELSE TIMESTAMP '2020-01-01' + INTERVAL (i * 977 % 50000) MINUTE END AS ts, (i % 9)::FLOAT / 4 AS f32 FROM range(${file * 3000}, ${file * 3000 + 3000}) t(i)) TO '${path}/li-${file}.parquet'`,
    );
  }
  await duck(
    `COPY (SELECT i AS id, (i * 13 % 150) AS cust, DATE '1992-01-01' + (i * 17 % 2400)::INTEGER AS d FROM range(2000) t(i)) TO '${path}/ord.parquet'`,
    `COPY (SELECT i AS id, 'C' || i AS name FROM range(150) t(i)) TO '${path}/cust.csv'`,
  );
  return ['li*.parquet', 'ord.parquet', 'cust.csv'].map((name) => join(path, name));
}

it('queries of a shop have the answers of DuckDB alone', { timeout: 240_000 }, async () => {
  const data = await shop();
  const site = await QuerySite.start({ workers: 3 });
  let pushed = 0;
  for (const [index, sql] of QUERIES.entries()) {
    const { statistics } = await site.verified(sql, data, { combine: index % 2 === 1 });
    if (statistics.absorbed > 0) pushed++;
  }
  expect(pushed).toBeGreaterThan(QUERIES.length / 2);
});
