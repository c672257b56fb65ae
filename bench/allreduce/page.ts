/** The tables and plots of docs/performance.md. */
import { type Panel, plot } from '../sweep/plot.js';
import type { AllreduceReport, GrowthRun, Keyed, LinkRun } from './report.js';
import { mebibytes, megabits, milliseconds, percent, roughly, sizeText, times } from './words.js';

const TITLES: Readonly<Record<string, string>> = {
  fpisa: 'fpisa',
  int32: 'fpisa, int32',
  openmpi_tcp: 'OpenMPI, TCP',
  openmpi_shm: 'OpenMPI, shared memory',
  gloo: 'Gloo, TCP',
};
const MINE = 'fpisa';
/** What a user would take instead. */
const PEERS = ['openmpi_tcp', 'gloo'] as const;
/** A plot has marks for so many. */
const PLOTTED = [MINE, ...PEERS, 'openmpi_shm', 'int32'] as const;
const LEAST_BYTES_OF_CPU = 2 ** 20;

export class AllreduceDataError extends Error {
  readonly code = 'FPISA_BENCH_DATA';
  override readonly name = 'AllreduceDataError';
}

export interface Tables {
  readonly sizes: string;
  readonly cpu: string;
  readonly links: string;
  readonly limits: string;
  readonly values: string;
  readonly slots: string;
  readonly loss: string;
  readonly targets: string;
}

/** @throws AllreduceDataError if a study is missing */
export function tables(report: AllreduceReport): Tables {
  const { runs } = report;
  const { links, cpuLimits, growth } = complete(report);
  const names = Object.keys(report.versions);
  const title = names.map((name) => TITLES[name] ?? name);
  return {
    sizes: table(
      ['bytes', 'workers', ...title],
      runs.map(({ bytes, workers, seconds }) => [
        sizeText(bytes),
        String(workers),
        ...names.map((name) => compared(seconds, name)),
      ]),
    ),
    cpu: table(
      ['bytes', 'workers', ...title],
      runs
        .filter(({ bytes }) => bytes >= LEAST_BYTES_OF_CPU)
        .map(({ bytes, workers, cpuSecondsPerGiB }) => [
          sizeText(bytes),
          String(workers),
          ...names.map((name) => (cpuSecondsPerGiB[name] === undefined ? '' : roughly(cpuSecondsPerGiB[name]))),
        ]),
    ),
    links: table(
      ['link', 'workers', ...withoutShared(names).map((name) => TITLES[name] ?? name), 'fpisa against the better'],
      links.runs.map((run) => [
        megabits(run.megabits),
        String(run.workers),
        ...withoutShared(names).map((name) => linkCell(run, name)),
        times(againstBetter(run)),
      ]),
    ),
    limits: table(
      ['share of a processor', ...title],
      cpuLimits.runs.map(({ share, bytesPerSecond }) => [
        percent(share),
        ...names.map((name) => (bytesPerSecond[name] === undefined ? '' : mebibytes(bytesPerSecond[name]))),
      ]),
    ),
    values: growthTable('values per packet', growth.values, String),
    slots: growthTable('slots', growth.slots, String),
    loss: growthTable('packets lost, each way', growth.loss, percent),
    targets: targets(report),
  };
}

/** Time by size and by workers, over links, and goodput with limited processors. */
export function plotOf(report: AllreduceReport): string {
  const { runs } = report;
  const { links, cpuLimits } = complete(report);
  const workers = mode(runs.map((run) => run.workers));
  const bytes = mode(runs.filter((run) => run.bytes >= LEAST_BYTES_OF_CPU).map((run) => run.bytes));
  const rate = links.runs[0]!.megabits;
  return plot([
    panel(
      `${workers} workers on one machine`,
      'bytes',
      'ms',
      runs.filter((run) => run.workers === workers).map((run) => [run.bytes, scaled(run.seconds, 1000)]),
    ),
    panel(
      `${sizeText(bytes)} on one machine`,
      'workers',
      'ms',
      runs.filter((run) => run.bytes === bytes).map((run) => [run.workers, scaled(run.seconds, 1000)]),
    ),
    panel(
      `${sizeText(links.runs[0]!.bytes)} over links of ${megabits(rate)}`,
      'workers',
      'ms',
      links.runs.filter((run) => run.megabits === rate).map((run) => [run.workers, scaled(run.seconds, 1000)]),
    ),
    panel(
      `${cpuLimits.workers} workers with limited processors`,
      'share of a processor',
      'MiB/s',
      cpuLimits.runs.map(({ share, bytesPerSecond }) => [share, scaled(bytesPerSecond, 2 ** -20)]),
    ),
  ]);
}

function complete(report: AllreduceReport): Required<Pick<AllreduceReport, 'links' | 'cpuLimits' | 'growth'>> {
  const { links, cpuLimits, growth, runs } = report;
  if (links === undefined || cpuLimits === undefined || growth === undefined || runs.length === 0)
    throw new AllreduceDataError('the report lacks a study: measure all of them in one run');
  return { links, cpuLimits, growth };
}

function targets({ runs, links }: AllreduceReport): string {
  const rows: string[][] = [];
  const large = runs.find((run) => run.bytes === 2 ** 26 && run.workers === 4);
  const small = runs.find((run) => run.bytes === 4096 && run.workers === 4);
  const add = (what: string, wanted: string, reached: number | undefined, isReached: boolean, text: string): void => {
    if (reached !== undefined && Number.isFinite(reached))
      rows.push([what, wanted, `${text}: ${isReached ? 'reached' : 'missed'}`]);
  };
  const speed = (seconds: Keyed | undefined, peer: string): number | undefined =>
    seconds?.[peer] === undefined ? undefined : seconds[peer] / seconds[MINE]!;
  for (const [peer, least] of [
    ['openmpi_tcp', 0.5],
    ['gloo', 0.25],
  ] as const) {
    const reached = speed(large?.seconds, peer);
    if (reached === undefined) continue;
    add(`64 MiB, 4 workers, against ${TITLES[peer]}`, `at least ${least} x`, reached, reached >= least, times(reached));
  }
  for (const [workers, least] of [
    [4, 1.4],
    [8, 1.6],
    [16, 1.7],
  ] as const) {
    const run = links?.runs.find((each) => each.megabits === 1000 && each.workers === workers);
    if (run === undefined) continue;
    const reached = againstBetter(run);
    const what = `links of 1 Gb/s, ${sizeText(run.bytes)}, ${workers} workers, against the better of Gloo and OpenMPI`;
    add(what, `at least ${least} x`, reached, reached >= least, times(reached));
  }
  if (small?.seconds['gloo'] !== undefined) {
    const { fpisa, gloo } = small.seconds as { fpisa: number; gloo: number };
    const text = `${milliseconds(fpisa)}, Gloo ${milliseconds(gloo)}`;
    add('4 KiB, 4 workers', "at most twice Gloo's time", fpisa / gloo, fpisa <= 2 * gloo, text);
  }
  if (large !== undefined) {
    const { fpisa, int32 } = large.cpuSecondsPerGiB as { fpisa: number; int32: number };
    const what = 'CPU of a worker, 64 MiB, 4 workers';
    add(what, 'at most 2 s/GiB', fpisa, fpisa <= 2, `${roughly(fpisa)} s/GiB`);
    add(what, "at most half of the int32 path's", fpisa / int32, fpisa <= int32 / 2, `${roughly(fpisa / int32)} of it`);
  }
  return table(['what', 'target', 'here'], rows);
}

/** How many times as fast as the better of the peers fpisa is. */
function againstBetter({ seconds }: LinkRun): number {
  const peers = PEERS.map((name) => seconds[name]).filter((each) => each !== undefined);
  return Math.min(...peers) / seconds[MINE]!;
}

function linkCell({ seconds, sentPerByte, receivedPerByte }: LinkRun, name: string): string {
  if (seconds[name] === undefined) return '';
  const [out, back] = [sentPerByte[name]!, receivedPerByte[name]!];
  return `${milliseconds(seconds[name])}, ${out.toFixed(2)} out, ${back.toFixed(2)} in`;
}

function withoutShared(names: readonly string[]): string[] {
  return names.filter((name) => name !== 'openmpi_shm');
}

function compared(seconds: Keyed, name: string): string {
  if (seconds[name] === undefined) return '';
  return name === MINE
    ? milliseconds(seconds[name])
    : `${milliseconds(seconds[name])} (${times(seconds[MINE]! / seconds[name])})`;
}

function growthTable(column: string, runs: readonly GrowthRun[], setting: (value: number) => string): string {
  return table(
    [column, 'time', 'CPU of a worker, s/GiB'],
    runs.map((run) => [setting(run.setting), milliseconds(run.seconds), roughly(run.cpuSecondsPerGiB)]),
  );
}

function scaled(values: Keyed, by: number): Keyed {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value * by]));
}

function panel(title: string, x: string, y: string, points: readonly (readonly [number, Keyed])[]): Panel {
  const series = PLOTTED.filter((name) => points.some(([, values]) => values[name] !== undefined)).map((name) => ({
    name: TITLES[name]!,
    points: points
      .filter(([, values]) => values[name] !== undefined)
      .map(([at, values]) => [at, values[name]!] as const),
  }));
  return { title, x, y, series };
}

/** What occurs most often; of several the last. */
function mode(values: readonly number[]): number {
  const count = (value: number): number => values.filter((each) => each === value).length;
  return values.reduce((best, value) => (count(value) >= count(best) ? value : best));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows]
    .map((row, i) => (i === 1 ? `|${row.join('|')}|` : `| ${row.join(' | ')} |`))
    .join('\n');
}
