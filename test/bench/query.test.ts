import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { difference } from '../../bench/query/answers.js';
import { barPlot } from '../../bench/query/bars.js';
import { cpuSeconds } from '../../bench/process-time.js';
import { bigDataSql, prepareData } from '../../bench/query/data.js';
import { LineProcess } from '../../bench/line-process.js';
import { QUERIES } from '../../bench/query/queries.js';
import { tables, type QueryReport, type QueryRow } from '../../bench/query/report.js';
import { Query } from './support/query-session.js';

const PATIENCE_MS = 240_000;

describe('answers are the same', () => {
  it.each([
    [
      'in any order of rows',
      [
        ['a', 1],
        ['b', 2],
      ],
      [
        ['b', 2],
        ['a', 1],
      ],
    ],
    ["with a decimal's zeros or without", [['a', '1.50']], [['a', '1.5']]],
    ['when a mean is rounded to fewer digits', [['0.050081']], [[0.05008133906964238]]],
    ['when a sum of doubles differs in its last digits', [['a', 0.1 + 0.2, 1]], [['a', 0.3, 1]]],
    [
      'when rounding changes which is greater',
      [
        ['a', 15_299.999999999998],
        ['b', 15_300.5],
      ],
      [
        ['b', 15_300.5],
        ['a', 15_300],
      ],
    ],
    ['for NULL', [[null, 'x']], [[null, 'x']]],
  ])('%s', (_, got, wanted) => {
    expect(difference(got, wanted)).toBeUndefined();
  });

  it.each([
    ['the number of rows', [['a']], [['a'], ['a']], '1 rows instead of 2'],
    ['a text', [['a', 1]], [['b', 1]], 'row 0 is (a, 1) instead of (b, 1)'],
    [
      'the last digit of an exact decimal',
      [['380456.01']],
      [['380456.00']],
      'row 0 is (380456.01) instead of (380456.00)',
    ],
    ['NULL and zero', [[null]], [[0]], 'row 0 is () instead of (0)'],
    ['a repeated row', [['a'], ['a'], ['b']], [['a'], ['b'], ['b']], 'row 1 is (a) instead of (b)'],
    ['a double by a millionth', [[1.000001]], [[1]], 'row 0 is (1.000001) instead of (1)'],
  ])('but not with another %s', (_, got, wanted, text) => {
    expect(difference(got, wanted)).toBe(text);
  });
});

const COST = { seconds: 1, cpu: 1.5 };
const SWITCH_COST = {
  seconds: 0.25,
  cpu: { workers: 0.2, switch: 0.05, master: 0.1 },
  rowsToMaster: 100,
  bytesToMaster: 12_345,
};
const ROW: QueryRow = {
  name: 'sum',
  title: 'Group-by sum',
  target: 'sum',
  rowsScanned: 1_000_000,
  rows: 100,
  spark: COST,
  duckdb: { seconds: 0.01, cpu: 0.02 },
  combined: { ...SWITCH_COST, seconds: 0.125 },
  everyRow: SWITCH_COST,
};
const REPORT: QueryReport = {
  machine: '2 x a processor, Linux 6.1',
  versions: { node: '20.19.0' },
  date: '2026-01-01',
  scale: 1,
  workers: 2,
  cores: 2,
  rounds: 3,
  queries: [
    ROW,
    {
      ...ROW,
      name: 'top',
      title: 'Top-N',
      target: 'top',
      everyRow: { ...SWITCH_COST, rowsToMaster: 20_000, bytesToMaster: 3_000_000 },
    },
  ],
};

describe('the tables', () => {
  it('have times, ratios, processor time by part, and what reaches the master', () => {
    const { time, cpu, traffic, targets } = tables(REPORT);
    expect(time.split('\n')[2]).toBe(
      '| Group-by sum | 1,000,000 | 1.00 | 0.010 | 0.13 | 8.0 x | 0.08 x | 0.25 | 4.0 x |',
    );
    expect(cpu.split('\n')[2]).toBe(
      '| Group-by sum | 1.50 | 0.02 | 0.20 + 0.10 + 0.05 | 0.30 | 0.20 + 0.10 + 0.05 | 0.30 |',
    );
    expect(traffic.split('\n')[3]).toBe(
      '| Top-N | 1,000,000 | 100 | 100 (0.01 %) | 12.3 kB | 20,000 (2.00 %) | 3.0 MB |',
    );
    expect(targets.split('\n').slice(2)).toEqual([
      "| Group-by sum: at least 5 times Spark's throughput | 8.0 x; with every row in the switch 4.0 x: met |",
      "| Top-N: at least 5 times Spark's throughput | 8.0 x; with every row in the switch 4.0 x: met |",
      '| Top-N: at most 1 % of the rows reach the master | 0.01 %; with every row in the switch 2.00 %: missed |',
    ]);
  });
});

describe('the plot', () => {
  it('has a bar for each value, ten times as much a step further', () => {
    const svg = barPlot([
      {
        title: 'a < b',
        unit: 's',
        labels: ['one', 'two', 'three'],
        series: [
          { name: 'x', values: [10, 100, 1000] },
          { name: 'y', values: [5000, 0, 1] },
        ],
      },
    ]);
    const bars = [...svg.matchAll(/<rect x="270.0" y="([\d.]+)" width="([\d.]+)" height="6" fill="(#\w+)"/g)].filter(
      ([, y]) => Number(y) > 50,
    );
    const widths = bars.filter(([, , , fill]) => fill === bars[0]![3]).map(([, , width]) => Number(width));
    expect(bars).toHaveLength(5);
    expect(widths[2]! - widths[1]!).toBeCloseTo(widths[1]! - widths[0]!, 0);
    expect(widths[1]! - widths[0]!).toBeGreaterThan(50);
    expect(svg).toContain('a &lt; b');
  });
});

describe("the Big Data benchmark's tables", () => {
  it('are the same each time, with the proportions that their documentation gives', async () => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const one = async (sql: string): Promise<number> => Number((await connection.runAndReadAll(sql)).getRows()[0]![0]);
    for (const [table, { rows, select }] of bigDataSql(0.1))
      await connection.run(`CREATE TABLE ${table} AS ${select} FROM range(${rows}) AS source(i)`);
    const again = bigDataSql(0.1).get('uservisits')!;
    expect(
      await one(
        `SELECT count(*) FROM (SELECT * FROM uservisits EXCEPT ${again.select} FROM range(${again.rows}) AS source(i))`,
      ),
    ).toBe(0);
    expect(await one('SELECT count(*) / 30000 FROM rankings WHERE pageRank > 100')).toBeCloseTo(0.01, 2);
    expect(await one('SELECT count(*) FROM uservisits WHERE destURL NOT IN (SELECT pageURL FROM rankings)')).toBe(0);
    expect(await one('SELECT count(DISTINCT pageURL) FROM rankings')).toBe(30_000);
    expect(
      await one(
        `SELECT count(*) / 250000 FROM uservisits WHERE visitDate BETWEEN DATE '1980-01-01' AND DATE '1980-04-01'`,
      ),
    ).toBeCloseTo(0.006, 3);
    expect((await one('SELECT count(DISTINCT substr(sourceIP, 1, 8)) FROM uservisits')) / 24_336).toBeGreaterThan(0.99);
    expect(
      await one(
        'SELECT abs(corr(epoch(visitDate::TIMESTAMP), adRevenue)) + abs(corr(duration, adRevenue)) FROM uservisits',
      ),
    ).toBeLessThan(0.02);
    connection.closeSync();
  });
});

describe('processes', () => {
  it('that end are reported with what they said', async () => {
    const child = LineProcess.start('it', process.execPath, [
      '-e',
      'process.stdin.once("data", () => { console.error("no room"); process.exit(3); })',
    ]);
    await expect(child.ask({})).rejects.toThrow('it: it ended with code 3\nno room');
    await child.close();
  });

  it('that answer an error are, too', async () => {
    const child = LineProcess.start('it', process.execPath, [
      '-e',
      'process.stdin.once("data", () => console.log(JSON.stringify({error: "no table"})))',
    ]);
    await expect(child.ask({})).rejects.toThrow('it: no table');
    await child.close();
  });

  it('keep lines until they are asked for, and their end after them', async () => {
    const child = LineProcess.start('it', process.execPath, ['-e', 'console.log("{\\"a\\":1}\\n{\\"a\\":2}")']);
    expect(await child.next()).toEqual({ a: 1 });
    await child.fault().catch(() => {});
    expect(await child.next()).toEqual({ a: 2 });
    await expect(child.next()).rejects.toThrow('it: it ended with code 0');
  });

  it('that are not there are', async () => {
    const child = LineProcess.start('it', join(tmpdir(), 'no-such-command'), []);
    await expect(child.ask({})).rejects.toThrow('ENOENT');
    await child.close();
  });

  it.skipIf(!existsSync('/proc/self/stat'))(
    'count with their children by the processor time that they use (skipped where there is no /proc)',
    async () => {
      // Ends with its input, as its parent does.
      const busy = 'while (process.cpuUsage().user < 250_000); console.log("{}"); process.stdin.resume()';
      const parent = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(busy)}], {stdio: "inherit"})`;
      const child = LineProcess.start('it', process.execPath, ['-e', parent]);
      await child.next();
      expect(cpuSeconds(child.pid)).toBeGreaterThanOrEqual(0.24);
      await child.close();
      expect(cpuSeconds(child.pid)).toBe(0);
    },
  );
});

describe('queries through processes of the benchmark', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fpisa-bench-query-'));
  let session: Query;
  beforeAll(async () => {
    session = await Query.start(await prepareData('big-data', 0.004, folder, 'python3'));
  }, PATIENCE_MS);
  afterAll(async () => {
    await session?.close();
    rmSync(folder, { recursive: true, force: true });
  }, PATIENCE_MS);

  it.each(QUERIES.filter(({ data }) => data === 'big-data'))(
    '$title: as DuckDB alone, combined or not',
    async ({ sql }) => {
      const [alone, combined, everyRow] = await session.run(sql);
      expect(alone.answer!.length).toBeGreaterThan(0);
      expect(difference(combined.answer!, alone.answer!)).toBeUndefined();
      expect(difference(everyRow.answer!, alone.answer!)).toBeUndefined();
      expect(everyRow.statistics.rowsScanned).toBeGreaterThanOrEqual(1200);
    },
    PATIENCE_MS,
  );
});
