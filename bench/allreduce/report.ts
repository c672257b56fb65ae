/** What bench:allreduce found: the JSON that it prints, and the same as a table for people. */
import { mebibytes, megabits, milliseconds, percent, roughly, sizeText, times } from './words.js';
import type { Absent } from './load.js';

/** By the systems' names. */
export type Keyed = Readonly<Record<string, number>>;

/** One size with one number of workers. */
export interface AllreduceRun {
  readonly bytes: number;
  readonly workers: number;
  /** Median of the slowest worker's. */
  readonly seconds: Keyed;
  /** Of one worker, for each GiB of its tensor. */
  readonly cpuSecondsPerGiB: Keyed;
}

/** The same over links of a worker's own. */
export interface LinkRun extends AllreduceRun {
  readonly megabits: number;
  /** Over a worker's link, headers included, for each byte of its tensor. */
  readonly sentPerByte: Keyed;
  readonly receivedPerByte: Keyed;
}

/** Bytes of tensor a second, with each worker limited to a share of a processor. */
interface CpuLimitRun {
  readonly share: number;
  readonly bytesPerSecond: Keyed;
}

/** fpisa alone, with another value of one setting. */
export interface GrowthRun {
  readonly setting: number;
  readonly seconds: number;
  readonly cpuSecondsPerGiB: number;
}

export interface Growth {
  readonly bytes: number;
  readonly workers: number;
  readonly values: readonly GrowthRun[];
  readonly slots: readonly GrowthRun[];
  readonly loss: readonly GrowthRun[];
}

export interface AllreduceReport {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly absent: readonly Absent[];
  readonly rounds: number;
  readonly repeats: number;
  readonly runs: readonly AllreduceRun[];
  readonly links?: { readonly mtu: number; readonly burstBytes: number; readonly runs: readonly LinkRun[] };
  readonly cpuLimits?: {
    /** How the limit was enforced. */
    readonly by: string;
    readonly bytes: number;
    readonly workers: number;
    readonly runs: readonly CpuLimitRun[];
  };
  readonly growth?: Growth;
}

/** Tables for people: in brackets how many times as fast as fpisa a system is. */
export function render(report: AllreduceReport): string {
  const { versions, machine, absent, runs, links, cpuLimits, growth } = report;
  const names = Object.keys(versions);
  const parts: string[] = [];
  if (runs.length > 0)
    parts.push(
      aligned([
        ['bytes', 'workers', ...names],
        ...runs.map((run) => [sizeText(run.bytes), String(run.workers), ...names.map((name) => cell(run, name))]),
      ]),
    );
  if (links !== undefined)
    parts.push(
      aligned([
        ['link', 'bytes', 'workers', ...names],
        ...links.runs.map((run) => [
          megabits(run.megabits),
          sizeText(run.bytes),
          String(run.workers),
          ...names.map((name) =>
            run.seconds[name] === undefined
              ? ''
              : `${cell(run, name)}, ${run.sentPerByte[name]!.toFixed(2)} bytes out, ${run.receivedPerByte[name]!.toFixed(2)} in`,
          ),
        ]),
      ]),
    );
  if (cpuLimits !== undefined)
    parts.push(
      `MiB/s of ${sizeText(cpuLimits.bytes)} with ${cpuLimits.workers} workers, each limited to a share of a processor by ${cpuLimits.by}:`,
      aligned([
        ['share', ...names],
        ...cpuLimits.runs.map(({ share, bytesPerSecond }) => [
          percent(share),
          ...names.map((name) => (bytesPerSecond[name] === undefined ? '' : mebibytes(bytesPerSecond[name]))),
        ]),
      ]),
    );
  if (growth !== undefined)
    for (const [what, column] of [
      ['values', 'values per packet'],
      ['slots', 'slots'],
      ['loss', 'loss'],
    ] as const)
      parts.push(
        aligned([
          [column, 'time', 'CPU, s/GiB'],
          ...growth[what].map(({ setting, seconds, cpuSecondsPerGiB }) => [
            what === 'loss' ? percent(setting) : String(setting),
            milliseconds(seconds),
            roughly(cpuSecondsPerGiB),
          ]),
        ]),
      );
  return [
    parts.join('\n\n'),
    '',
    `In brackets: times as fast as ${names[0]}.`,
    `${machine}; ${names.map((name) => `${name}: ${versions[name]}`).join('; ')}`,
    ...absent.map(({ name, reason }) => `Left out: ${name}, as ${reason}.`),
  ].join('\n');
}

function cell({ seconds, cpuSecondsPerGiB }: AllreduceRun, name: string): string {
  const mine = Object.values(seconds)[0]!;
  const its = seconds[name];
  if (its === undefined) return '';
  const compared = name === Object.keys(seconds)[0] ? '' : ` (${times(mine / its)})`;
  return `${milliseconds(its)}${compared}, CPU ${roughly(cpuSecondsPerGiB[name]!)} s/GiB`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map((row) =>
      row
        .map((text, i) => text.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
