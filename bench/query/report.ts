/** The results of bench:query: data, tables and plot. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { barPlot, type BarPanel } from './bars.js';
import { TARGET_RATIO, TARGET_SHARE, type BenchQuery } from './queries.js';

interface Cost {
  /** Median over the rounds. */
  readonly seconds: number;
  /** Processor seconds of one run, mean over the rounds. */
  readonly cpu: number;
}

export interface SwitchCost {
  readonly seconds: number;
  readonly cpu: { readonly workers: number; readonly switch: number; readonly master: number };
  readonly rowsToMaster: number;
  readonly bytesToMaster: number;
}

export interface QueryRow {
  readonly name: string;
  readonly title: string;
  readonly target: 'sum' | 'top' | null;
  readonly rowsScanned: number;
  /** Rows of the answer. */
  readonly rows: number;
  readonly spark: Cost;
  readonly duckdb: Cost;
  /** Workers combine rows before they send them. */
  readonly combined: SwitchCost;
  /** Every row is sent to the switch as a tuple. */
  readonly everyRow: SwitchCost;
}

export interface QueryReport {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly date: string;
  readonly scale: number;
  readonly workers: number;
  readonly cores: number;
  readonly rounds: number;
  readonly queries: readonly QueryRow[];
}

export function rowOf(
  { name, title, target }: BenchQuery,
  measured: Omit<QueryRow, 'name' | 'title' | 'target'>,
): QueryRow {
  return { name, title, target: target ?? null, ...measured };
}

export function readReport(folder: string): QueryReport {
  return JSON.parse(readFileSync(join(folder, 'query.json'), 'utf8')) as QueryReport;
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');
const seconds = (value: number): string => (value >= 10 ? value.toFixed(1) : value.toFixed(2));
const times = (value: number): string =>
  `${value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toPrecision(1)} x`;

function percent(part: number, of: number): string {
  const value = (100 * part) / of;
  return `${value >= 10 ? value.toFixed(0) : value === 0 || value >= 0.01 ? value.toFixed(2) : value.toPrecision(1)} %`;
}

function bytes(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} MB`;
  return value >= 1e3 ? `${(value / 1e3).toFixed(1)} kB` : `${whole(value)} B`;
}

function cpuOf({ cpu }: SwitchCost): string {
  return [cpu.workers, cpu.master, cpu.switch].map(seconds).join(' + ');
}

/** Markdown tables by name, as in docs/queries.md. */
export function tables({ queries }: QueryReport): { time: string; cpu: string; traffic: string; targets: string } {
  return {
    time: [
      '| query | rows scanned | Spark, s | DuckDB, s | fpisa, workers combine, s | against Spark | against DuckDB | fpisa, every row, s | against Spark |',
      '|---|---|---|---|---|---|---|---|---|',
      ...queries.map(
        (row) =>
          `| ${row.title} | ${whole(row.rowsScanned)} | ${seconds(row.spark.seconds)} | ${row.duckdb.seconds.toFixed(3)} | ${seconds(row.combined.seconds)} | ${times(row.spark.seconds / row.combined.seconds)} | ${times(row.duckdb.seconds / row.combined.seconds)} | ${seconds(row.everyRow.seconds)} | ${times(row.spark.seconds / row.everyRow.seconds)} |`,
      ),
    ].join('\n'),
    cpu: [
      '| query | Spark | DuckDB | fpisa, workers combine: workers + master + switch | without the switch | fpisa, every row: workers + master + switch | without the switch |',
      '|---|---|---|---|---|---|---|',
      ...queries.map(
        (row) =>
          `| ${row.title} | ${seconds(row.spark.cpu)} | ${seconds(row.duckdb.cpu)} | ${cpuOf(row.combined)} | ${seconds(row.combined.cpu.workers + row.combined.cpu.master)} | ${cpuOf(row.everyRow)} | ${seconds(row.everyRow.cpu.workers + row.everyRow.cpu.master)} |`,
      ),
    ].join('\n'),
    traffic: [
      '| query | rows scanned | rows of the answer | workers combine: rows to the master | bytes | every row: rows to the master | bytes |',
      '|---|---|---|---|---|---|---|',
      ...queries.map(
        (row) =>
          `| ${row.title} | ${whole(row.rowsScanned)} | ${whole(row.rows)} | ${traffic(row, row.combined)} | ${traffic(row, row.everyRow)} |`,
      ),
    ].join('\n'),
    targets: [
      '| target | reached |',
      '|---|---|',
      ...targets(queries).map(({ text, reached, isMet }) => `| ${text} | ${reached}: ${isMet ? 'met' : 'missed'} |`),
    ].join('\n'),
  };
}

function traffic({ rowsScanned }: QueryRow, { rowsToMaster, bytesToMaster }: SwitchCost): string {
  return `${whole(rowsToMaster)} (${percent(rowsToMaster, rowsScanned)}) | ${bytes(bytesToMaster)}`;
}

interface Target {
  readonly text: string;
  readonly reached: string;
  readonly isMet: boolean;
}

function targets(queries: readonly QueryRow[]): Target[] {
  const ratio = queries
    .filter(({ target }) => target !== null)
    .map((row): Target => {
      const [combined, everyRow] = [row.spark.seconds / row.combined.seconds, row.spark.seconds / row.everyRow.seconds];
      return {
        text: `${row.title}: at least ${TARGET_RATIO} times Spark's throughput`,
        reached: `${times(combined)}; with every row in the switch ${times(everyRow)}`,
        isMet: combined >= TARGET_RATIO,
      };
    });
  const share = queries
    .filter(({ target }) => target === 'top')
    .map((row): Target => ({
      text: `${row.title}: at most ${100 * TARGET_SHARE} % of the rows reach the master`,
      reached: `${percent(row.combined.rowsToMaster, row.rowsScanned)}; with every row in the switch ${percent(row.everyRow.rowsToMaster, row.rowsScanned)}`,
      isMet: Math.max(row.combined.rowsToMaster, row.everyRow.rowsToMaster) <= TARGET_SHARE * row.rowsScanned,
    }));
  return [...ratio, ...share];
}

function panels({ queries }: QueryReport): BarPanel[] {
  const labels = queries.map(({ title }) => title);
  return [
    {
      title: 'Time of a query',
      unit: 'seconds',
      labels,
      series: [
        { name: 'Spark', values: queries.map(({ spark }) => spark.seconds) },
        { name: 'fpisa, every row in the switch', values: queries.map(({ everyRow }) => everyRow.seconds) },
        { name: 'fpisa, workers combine', values: queries.map(({ combined }) => combined.seconds) },
        { name: 'DuckDB alone', values: queries.map(({ duckdb }) => duckdb.seconds) },
      ],
    },
    {
      title: 'Rows that reach the master',
      unit: 'rows',
      labels,
      series: [
        { name: 'rows scanned', values: queries.map(({ rowsScanned }) => rowsScanned) },
        { name: 'fpisa, every row in the switch', values: queries.map(({ everyRow }) => everyRow.rowsToMaster) },
        { name: 'fpisa, workers combine', values: queries.map(({ combined }) => combined.rowsToMaster) },
      ],
    },
  ];
}

export function plotOf(report: QueryReport): string {
  return barPlot(panels(report));
}
