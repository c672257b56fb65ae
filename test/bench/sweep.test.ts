import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { render, type Report } from '../../bench/switch/report.js';
import { KINDS, measureLookups } from '../../bench/sweep/lookups.js';
import { plot, type Panel } from '../../bench/sweep/plot.js';
import { panels, readSweep, tables, type Sweep } from '../../bench/sweep.js';
import { ensureBuilt, ROOT } from '../cli/support/built.js';
import { namespacesMissing } from '../emulator/support/network-namespace.js';

const DATA = join(ROOT, 'bench/data');

const SWEEP: Sweep = {
  machine: '2 x a processor, Linux 6.1',
  versions: { node: '20.19.0' },
  values: [
    { values: 16, nsInProcess: 160, nsInC: 32, nsOverVeth: 1600 },
    { values: 1024, nsInProcess: 5120, nsInC: 2048, nsOverVeth: 10_240 },
  ],
  lookups: [
    { table: 'exact', entries: 1, nsPerPacket: 400, microsecondsPerInsert: 100 },
    { table: 'exact', entries: 1000, nsPerPacket: 410.4, microsecondsPerInsert: 4.04 },
    { table: 'LPM', entries: 1, nsPerPacket: 500, microsecondsPerInsert: 100 },
  ],
  workers: [
    { workers: 1, packetsPerSecond: 100_000 },
    { workers: 2, packetsPerSecond: 200_000 },
  ],
};

describe('the tables of a sweep', () => {
  it('have costs per packet and per value, and leave open what was not measured', () => {
    expect(tables(SWEEP)).toEqual({
      values: [
        '| N | over veth pairs, ns/packet | in process, ns/packet | C loop, ns | over veth pairs, ns/value | in process, ns/value | in process against C |',
        '|---|---|---|---|---|---|---|',
        '| 16 | 1,600 | 160 | 32 | 100.0 | 10.00 | 5.00 x |',
        '| 1,024 | 10,240 | 5,120 | 2,048 | 10.0 | 5.00 | 2.50 x |',
      ].join('\n'),
      lookups: [
        '| entries | exact, ns/packet | LPM, ns/packet |',
        '|---|---|---|',
        '| 1 | 400 | 500 |',
        '| 1,000 | 410 |  |',
        '| µs to insert one, up to 1,000 | 4.0 |  |',
      ].join('\n'),
      workers: [
        '| workers | packets/s | ns/packet |',
        '|---|---|---|',
        '| 1 | 100,000 | 10,000 |',
        '| 2 | 200,000 | 5,000 |',
      ].join('\n'),
    });
  });
});

describe('the plot', () => {
  const PANEL: Panel = {
    title: 'a < b & c',
    x: 'x',
    y: 'y',
    series: [
      {
        name: 'one',
        points: [
          [1, 10],
          [10, 100],
          [100, 1000],
        ],
      },
      {
        name: 'two',
        points: [
          [1, 1000],
          [100, 10],
        ],
      },
    ],
  };

  it('has both axes logarithmic: what grows tenfold each goes in equal steps', () => {
    const [first] = plot([PANEL]).matchAll(/<polyline [^>]*points="([^"]*)"/g);
    const points = first![1]!.split(' ').map((point) => point.split(',').map(Number));
    const step = (axis: number, i: number): number => points[i + 1]![axis]! - points[i]![axis]!;
    expect(step(0, 1)).toBeCloseTo(step(0, 0), 0);
    expect(step(1, 1)).toBeCloseTo(step(1, 0), 0);
    expect(step(0, 0)).toBeGreaterThan(50);
    expect(step(1, 0)).toBeLessThan(-30);
  });

  it('stays within its panel, one line a series, text escaped', () => {
    const svg = plot([PANEL, PANEL, PANEL]);
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number);
    expect(svg.match(/<polyline/g)).toHaveLength(6);
    expect(svg).toContain('a &lt; b &amp; c');
    const numbers = [...svg.matchAll(/points="([^"]*)"/g)].flatMap(([, points]) => points!.split(/[ ,]/).map(Number));
    expect(numbers.every((number) => number > 0 && number < Math.max(width!, height!) / 2)).toBe(true);
    expect(svg.match(/<g /g)!.length).toBe(svg.match(/<\/g>/g)!.length);
  });
});

describe('lookups', () => {
  it.each(KINDS)('of a table that is $name find every entry', async (kind) => {
    const rows = await measureLookups(kind, [1, 300], 0.01);
    expect(rows.map(({ table, entries }) => [table, entries])).toEqual([
      [kind.name, 1],
      [kind.name, 300],
    ]);
    for (const { nsPerPacket, microsecondsPerInsert } of rows)
      expect([nsPerPacket > 0, microsecondsPerInsert > 0]).toEqual([true, true]);
  });
});

describe('docs/performance.md', () => {
  const page = readFileSync(join(ROOT, 'docs/performance.md'), 'utf8');

  it('has the tables of the committed data, and the plot is that data', () => {
    const sweep = readSweep(DATA);
    for (const table of Object.values(tables(sweep))) expect(page).toContain(table);
    expect(readFileSync(join(DATA, 'sweep.svg'), 'utf8')).toBe(plot(panels(sweep)));
    expect(page).toContain('(../bench/data/sweep.svg)');
  });

  it('has the report of bench:switch that is committed', () => {
    const report = JSON.parse(readFileSync(join(DATA, 'switch.json'), 'utf8')) as Report;
    const tablesOfReport = render(report)
      .split('\n\n')
      .filter((part) => part.startsWith('|'));
    expect(tablesOfReport).toHaveLength(3);
    for (const table of tablesOfReport) expect(page).toContain(table);
  });
});

function has(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const missing =
  (await namespacesMissing()) ??
  ['cc', 'taskset', 'sysctl', 'unshare', 'p4c']
    .filter((each) => !has(each))
    .map((each) => `needs the command "${each}"`)[0];

describe.skipIf(missing !== undefined)(missing === undefined ? 'bench:sweep' : `bench:sweep (${missing})`, () => {
  beforeAll(ensureBuilt, 600_000);

  it('measures, also a size that is not built, and writes data and plot', { timeout: 600_000 }, () => {
    const out = mkdtempSync(join(tmpdir(), 'fpisa-sweep-test-'));
    try {
      const args = [
        '--values',
        '48',
        '--entries',
        '1,10',
        '--workers',
        '1',
        '--seconds',
        '0.2',
        '--rounds',
        '1',
        '--out',
        out,
      ];
      const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'dist/bench/sweep.js'), ...args], {
        encoding: 'utf8',
      });
      expect(status, stderr).toBe(0);
      const sweep = readSweep(out);
      expect([sweep.values.length, sweep.workers.length, sweep.lookups.length]).toEqual([1, 1, 2 * KINDS.length]);
      expect(sweep.values[0]!.values).toBe(48);
      expect(existsSync(join(out, 'sweep.svg'))).toBe(true);
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  });
});
