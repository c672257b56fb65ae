import { beforeAll, describe, expect, it } from 'vitest';
import { Cluster, difference } from '../support/cluster.js';
import { BIG_DATA, BIG_DATA_SETUP, TPCH, TPCH_SETUP } from '../support/tpch.js';

let tpch: Cluster;
let bigData: Cluster;
beforeAll(async () => {
  tpch = await Cluster.create(TPCH_SETUP);
  bigData = await Cluster.create(BIG_DATA_SETUP);
});

describe.each([false, true])('TPC-H, combine %s', (combine) => {
  it.each(Object.keys(TPCH).map(Number))('Q%i answers as DuckDB alone', async (number) => {
    const sql = TPCH[number]!;
    const alone = await tpch.alone(sql);
    const run = await tpch.run(sql, { combine });
    expect(run.plan.explanation.notPushed.filter((reason) => reason.includes('abandoned'))).toEqual([]);
    expect([run.names, run.types]).toEqual([alone.names, alone.types]);
    expect(alone.rows.length).toBeGreaterThan(0);
    expect(difference(run.rows, alone.rows)).toBeUndefined();
  });
});

describe('what reaches the master', () => {
  it.each([1, 6])('Q%i: groups only', async (number) => {
    const { plan, fetched, groups } = await tpch.run(TPCH[number]!);
    expect(plan.steps).toHaveLength(1);
    expect([plan.rowSets, fetched]).toEqual([[], 0]);
    expect(groups).toBeLessThanOrEqual(6);
  });

  it('Q3: customers prune orders, and orders prune lineitem', async () => {
    const { plan, fetched } = await tpch.run(TPCH[3]!);
    expect(plan.steps.map((step) => `${step.operator} ${'rowSet' in step ? step.rowSet : step.relation}`)).toEqual([
      '3 customer',
      '4 orders',
      '3 orders',
      '4 lineitem',
    ]);
    expect(fetched).toBeLessThan(300);
  });

  it('Q20: the correlated sum becomes groups, and the tables prune each other', async () => {
    const { plan } = await tpch.run(TPCH[20]!);
    expect(plan.steps.filter(({ operator }) => operator === 1)).toHaveLength(1);
    expect(plan.steps.filter(({ operator }) => operator === 4).length).toBeGreaterThanOrEqual(2);
    expect(plan.rowSets.map(({ name }) => name)).not.toContain('lineitem');
  });
});

describe('Big Data benchmark', () => {
  it.each(Object.entries(BIG_DATA))('%s answers as DuckDB alone', async (_, sql) => {
    const alone = await bigData.alone(sql);
    const run = await bigData.run(sql);
    expect(alone.rows.length).toBeGreaterThan(0);
    expect(difference(run.rows, alone.rows)).toBeUndefined();
    expect(run.plan.explanation.notPushed.filter((reason) => !reason.includes('over a join'))).toEqual([]);
  });
});
