import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { environment } from '../../../net/environment.js';
import { Cluster, difference } from '../support/cluster.js';
import { ODD_SETUP } from '../support/odd-values.js';

let cluster: Cluster;
beforeAll(async () => {
  cluster = await Cluster.create(ODD_SETUP, 2);
});

/** More of them by hand: FPISA_QUERY_RUNS=2000. */
const RUNS = Number(environment('FPISA_QUERY_RUNS') ?? 40);

const KEYS = ['k', 'g', 'y', 'b', 'm', 'dt', 'k % 2', 'upper(g)', 'year(tz)', 'x IS NULL', 'd', 'f'];
const ARGUMENTS = [
  'id',
  'id * 2 - 1',
  'x',
  'n',
  'd',
  'f',
  'k',
  'x * 2',
  'd * (1 - d)',
  'n + k',
  'CASE WHEN b THEN n END',
];
const ORDERED = [...ARGUMENTS, 'dt', 'ts', 'tz', 'y', 'b', 'u'];
const CONDITIONS = [
  'k > 2',
  'b',
  'NOT b',
  'g IS NOT NULL',
  'n < 0',
  'y > 0',
  `g LIKE 'a%'`,
  `dt >= DATE '1970-01-01'`,
  'x BETWEEN 1 AND 1e9',
  'k IN (1, 2, 3)',
  `m = 'ok'`,
  'd > 500 OR k = 1',
];

const aggregate = fc.oneof(
  fc.constantFrom('sum', 'avg').chain((name) => fc.constantFrom(...ARGUMENTS).map((arg) => `${name}(${arg})`)),
  fc.constantFrom('min', 'max').chain((name) => fc.constantFrom(...ORDERED).map((arg) => `${name}(${arg})`)),
  fc.constantFrom(...ORDERED, 'g', 'm').map((arg) => `count(${arg})`),
  fc.constant('count(*)'),
);
const where = fc
  .option(fc.array(fc.constantFrom(...CONDITIONS), { minLength: 1, maxLength: 2 }))
  .map((list) => (list === null ? '' : ` WHERE ${list.map((c) => `(${c})`).join(' AND ')}`));
const havingOf = fc
  .option(
    fc.tuple(
      fc.constantFrom('sum(n)', 'count(*)', 'min(x)', 'max(d)', 'sum(x)', 'count(n)'),
      fc.constantFrom('<', '<=', '>', '>='),
      fc.constantFrom('0', '5', '100.25', '1e5'),
    ),
    { freq: 2 },
  )
  .map((having) => (having === null ? '' : ` HAVING ${having.join(' ')}`));

const grouped = fc
  .record({
    keys: fc.uniqueArray(fc.constantFrom(...KEYS), { maxLength: 3 }),
    aggregates: fc.array(aggregate, { minLength: 1, maxLength: 4 }),
    where,
    having: havingOf,
  })
  .map(
    ({ keys, aggregates, where: condition, having }) =>
      `SELECT ${[...keys, ...aggregates].join(', ')} FROM t${condition}${keys.length === 0 ? '' : ` GROUP BY ${keys.join(', ')}`}${having}`,
  );

const joined = fc
  .record({
    kind: fc.constantFrom('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'SEMI JOIN', 'ANTI JOIN'),
    on: fc.constantFrom(
      't.k = other.k',
      't.g = other.g',
      't.y = other.y',
      't.k = other.k AND other.v > 30',
      't.k = other.k AND t.n > 0',
      't.k + 1 = other.k',
    ),
    where,
    extra: fc.constantFrom('', 'third', 'in', 'exists'),
  })
  .map(({ kind, on, where: condition, extra }) => {
    const conditions = [
      ...(condition === '' ? [] : [condition.slice(7).replace(/\b(k|g|y)\b/g, 't.$1')]),
      ...(extra === 'third'
        ? ['third.v = t.k * 10']
        : extra === 'in'
          ? ['t.k IN (SELECT v / 10 FROM third WHERE z < 30)']
          : extra === 'exists'
            ? ['NOT EXISTS (SELECT 1 FROM third WHERE third.v = t.k AND z > 3)']
            : []),
    ];
    return `SELECT t.id, t.n FROM t ${kind} other ON ${on}${extra === 'third' ? ', third' : ''}${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`}`;
  });

const top = fc
  .record({
    order: fc.constantFrom(...ORDERED, 'g', 'm', 'h', 'w'),
    direction: fc.constantFrom('', ' DESC', ' NULLS FIRST', ' DESC NULLS FIRST'),
    limit: fc.integer({ min: 0, max: 60 }),
    offset: fc.integer({ min: 0, max: 30 }),
    where,
  })
  .map(
    ({ order, direction, limit, offset, where: condition }) =>
      `SELECT id, ${order} AS o FROM t${condition} ORDER BY ${order}${direction}, id LIMIT ${limit} OFFSET ${offset}`,
  );

const options = fc.record({ combine: fc.boolean(), lanes: fc.constantFrom(2, 6) });

describe('random queries answer as DuckDB alone', () => {
  it.each([
    ['aggregations', grouped],
    ['joins', joined],
    ['Top-N', top],
  ] as const)(
    '%s',
    async (_, queries) => {
      await fc.assert(
        fc.asyncProperty(queries, options, fc.constantFrom(1, 5, 1000), async (sql, chosen, slots) => {
          const alone = await cluster.alone(sql);
          const run = await cluster.run(sql, chosen, slots);
          expect(run.plan.explanation.notPushed.filter((reason) => /abandoned|write back/.test(reason))).toEqual([]);
          expect([run.names, run.types]).toEqual([alone.names, alone.types]);
          expect(difference(run.rows, alone.rows, { relative: 1e-11 })).toBeUndefined();
        }),
        { numRuns: RUNS },
      );
    },
    3_600_000,
  );
});
