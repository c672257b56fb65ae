/** The tables and plots of docs/accuracy.md. */
import { type Panel, plot } from '../sweep/plot.js';
import { LOG_NORMAL_INPUTS, RECORDED_INPUTS, SYNTHETIC_INPUTS } from './inputs.js';
import type { StudyRow, SpreadRow } from './measure.js';

export interface AccuracyReport {
  readonly workers: readonly number[];
  readonly rows: readonly StudyRow[];
  /** Of the recorded inputs: the same constraint with more or fewer places given away. */
  readonly search: readonly StudyRow[];
  readonly spreads: readonly SpreadRow[];
}

/** A plot has marks for so many. */
const PLOTTED = ['sequential', 'fpisa', 'fpisa, floor', 'fpisa-wide', 'fpisa-a+'] as const;
/** Worker count of the tables and plots that compare inputs. */
const TYPICAL_WORKERS = 32;
const EVENT_SCHEMES = ['fpisa-a', 'fpisa-a+', 'fpisa-a+, floor'] as const;

export type Tables = Readonly<
  Record<'early' | 'late' | 'tails' | 'relative' | 'events' | 'search' | 'synthetic' | 'formats' | 'spread', string>
>;

/** Empty where the report has no rows of a table. */
export function tables(report: AccuracyReport): Tables {
  const fp32 = report.rows.filter(({ format }) => format === 'fp32');
  return {
    early: byWorkers(report, 'early', ({ median, p99 }) => `${ulps(median)} / ${ulps(p99)}`),
    late: byWorkers(report, 'late', ({ median, p99 }) => `${ulps(median)} / ${ulps(p99)}`),
    tails: byWorkers(report, 'late', ({ largest }) => ulps(largest)),
    relative: byWorkers(report, 'late', ({ relative }) => powerOfTen(relative)),
    events: events(fp32.filter(({ input }) => RECORDED_INPUTS.some(({ name }) => name === input))),
    search: searchTable(report.search),
    synthetic: grouped(
      fp32.filter((row) => SYNTHETIC_INPUTS.some(({ name }) => name === row.input)),
      ['input', 'workers'],
      ({ input, workers }) => [input, String(workers)],
      ({ median, p99 }) => `${ulps(median)} / ${ulps(p99)}`,
    ),
    formats: grouped(
      report.rows.filter(({ format }) => format !== 'fp32'),
      ['format', 'input', 'workers'],
      ({ format, input, workers }) => [format, input, String(workers)],
      ({ median, p99, largest }) => `${ulps(median)} / ${ulps(p99)} / ${ulps(largest)}`,
    ),
    spread: table(
      ['input', 'workers', 'ratio below 2^7', 'median of log2', '99th percentile of log2'],
      report.spreads.map(({ input, workers, within7, median, p99 }) => [
        input,
        String(workers),
        `${(100 * within7).toFixed(1)} %`,
        median.toFixed(1),
        p99.toFixed(1),
      ]),
    ),
  };
}

function byWorkers({ rows }: AccuracyReport, input: string, cell: (row: StudyRow) => string): string {
  return grouped(
    rows.filter((row) => row.input === input && row.format === 'fp32'),
    ['workers'],
    ({ workers }) => [String(workers)],
    cell,
  );
}

/** A line for each key, a column for each scheme; empty without rows. */
function grouped(
  rows: readonly StudyRow[],
  keys: readonly string[],
  keyOf: (row: StudyRow) => string[],
  cell: (row: StudyRow) => string,
): string {
  if (rows.length === 0) return '';
  const schemes = [...new Set(rows.map(({ scheme }) => scheme))];
  const lines = new Map<string, Map<string, string>>();
  for (const row of rows) {
    const key = keyOf(row).join(' | ');
    const line = lines.get(key) ?? new Map<string, string>();
    lines.set(key, line.set(row.scheme, cell(row)));
  }
  return table(
    [...keys, ...schemes],
    [...lines].map(([key, line]) => [key, ...schemes.map((scheme) => line.get(scheme) ?? '')]),
  );
}

/** Over all worker counts: means of lost bits, geometric means of errors. */
function searchTable(rows: readonly StudyRow[]): string {
  if (rows.length === 0) return '';
  const of = (scheme: string, input: string, value: (row: StudyRow) => number | null): number[] =>
    rows.filter((row) => row.scheme === scheme && row.input === input).map((row) => value(row) ?? Infinity);
  const cell = (both: (input: string) => string): string =>
    RECORDED_INPUTS.filter(({ name }) => rows.some(({ input }) => input === name))
      .map(({ name }) => both(name))
      .join(' / ');
  return table(
    ['places given away', 'bits lost, mean', 'median (ulp)', '99th percentile (ulp)', 'relative error'],
    [...new Set(rows.map(({ scheme }) => scheme))].map((scheme) => [
      scheme,
      cell((input) => mean(of(scheme, input, (row) => row.lostBits)).toFixed(2)),
      cell((input) => ulps(geometricMean(of(scheme, input, (row) => row.median)))),
      cell((input) => ulps(geometricMean(of(scheme, input, (row) => row.p99)))),
      cell((input) => powerOfTen(geometricMean(of(scheme, input, (row) => row.relative)))),
    ]),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(mean(values.map(Math.log)));
}

function events(rows: readonly StudyRow[]): string {
  const share = (count: number, { sums }: StudyRow): string =>
    count === 0 ? '0' : `${((100 * count) / sums).toPrecision(2)} %`;
  return grouped(
    rows.filter(({ scheme }) => (EVENT_SCHEMES as readonly string[]).includes(scheme)),
    ['phase', 'workers'],
    ({ input, workers }) => [input, String(workers)],
    (row) => `${share(row.overwrites, row)} / ${share(row.overflows, row)}`,
  );
}

export function plotOf({ rows, spreads }: AccuracyReport): string {
  const fp32 = rows.filter(({ format }) => format === 'fp32');
  const curves = (
    of: readonly StudyRow[],
    x: (row: StudyRow) => number,
    y: (row: StudyRow) => number | null,
  ): Panel['series'] =>
    PLOTTED.map((name) => ({
      name,
      points: of
        .filter(({ scheme }) => scheme === name)
        .map((row) => [x(row), y(row)] as const)
        .filter((point): point is readonly [number, number] => point[1] !== null && point[1] > 0),
    }));
  const late = fp32.filter(({ input }) => input === 'late');
  const logNormal = fp32.filter(({ input, workers }) => input.startsWith('log-normal') && workers === TYPICAL_WORKERS);
  const sigma = ({ input }: StudyRow): number => LOG_NORMAL_INPUTS.find((each) => each.input.name === input)!.sigma;
  const workers = ({ workers }: StudyRow): number => workers;
  return plot([
    { title: 'late gradients, median', x: 'workers', y: 'ulp', series: curves(late, workers, (row) => row.median) },
    {
      title: 'late gradients, 99th percentile',
      x: 'workers',
      y: 'ulp',
      series: curves(late, workers, (row) => row.p99),
    },
    {
      title: 'late gradients, relative error of all sums',
      x: 'workers',
      y: 'relative error',
      series: curves(late, workers, (row) => row.relative),
    },
    {
      title: `log-normal, ${TYPICAL_WORKERS} workers, 99th percentile`,
      x: 'σ of the logarithm',
      y: 'ulp',
      series: curves(logNormal, sigma, (row) => row.p99),
    },
    {
      title: 'sums whose addends are within 2^7',
      x: 'workers',
      y: '%',
      series: [...new Set(spreads.map(({ input }) => input))]
        .filter((name) => ['early', 'late', 'normal', 'log-normal 2', 'log-normal 4'].includes(name))
        .map((name) => ({
          name,
          points: spreads
            .filter(({ input, within7 }) => input === name && within7 > 0)
            .map((row) => [row.workers, 100 * row.within7] as const),
        })),
    },
  ]);
}

function ulps(value: number | null): string {
  if (value === null) return '∞';
  if (value >= 1e4) return value.toExponential(0).replace('e+', 'e');
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

function powerOfTen(value: number | null): string {
  return value === null ? '∞' : value.toExponential(1);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((row, i) => (i === 1 ? `|${row.join('|')}|` : `| ${row.join(' | ')} |`))
    .join('\n');
}
