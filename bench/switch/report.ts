/** What bench:switch reports: rows, ratios, targets, and the text with Markdown tables. */
import type { EngineRow } from '../engine.js';
import { SWITCHES, type SwitchName } from './switches.js';

/**
 * Factors: fpisa (by values per packet) and router relative to BMv2's packets per second, at least this, or the kernel's
 * limit beside it; perValue (by values per packet) relative to the C loop, at most this.
 */
export const TARGETS = { fpisa: { 64: 120, 256: 300 }, router: 6, perValue: { 64: 2, 256: 1 } } as const;

/** The frame loop in C, in place of a switch (bench/c/frame_loop.c). */
export const KERNEL = 'kernel';
export type Contestant = SwitchName | typeof KERNEL;

export interface SwitchBenchOptions {
  readonly values: readonly number[];
  readonly workers: number;
  readonly window: number;
  readonly more: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly anyCpu: boolean;
}

/** One switch, one program, one window: medians over the rounds. */
export interface SwitchRow {
  readonly workload: string;
  readonly window: number;
  readonly switch: Contestant;
  /** Packets a second that the switch took; it sent as many. Undefined if it lost any. */
  readonly packetsPerSecond: number | undefined;
  /** Share of time in which the generator was busy; near 1 the generator is the bottleneck. */
  readonly generatorBusy: number;
  /** CPUs that the switch used. */
  readonly switchBusy: number;
}

/** Medians of the rounds' ratios, each of consecutive runs. Undefined if one of the two lost packets. */
export interface Ratio {
  readonly workload: string;
  readonly window: number;
  /** Emulator against simple_switch_grpc. */
  readonly ratio: number | undefined;
  /** The frame loop against simple_switch_grpc: no switch on these interfaces could have more. */
  readonly limit: number | undefined;
  /** The emulator's share of what the frame loop reached. */
  readonly ofLimit: number | undefined;
}

/** What was to be reached, and whether it was. */
export interface Target {
  readonly what: string;
  /** At least this ratio, or at most, if less is better. */
  readonly target: number;
  readonly atMost: boolean;
  readonly ratio: number;
  readonly isReached: boolean;
  /** The ratio of the frame loop, and whether that would reach the target; undefined where there is none. */
  readonly limit: number | undefined;
  readonly limitReaches: boolean | undefined;
}

export interface Report {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly skipped: readonly SwitchName[];
  readonly options: SwitchBenchOptions;
  readonly rows: readonly SwitchRow[];
  readonly ratios: readonly Ratio[];
  readonly engines: readonly EngineRow[];
  readonly targets: readonly Target[];
}

/** Those targets for which there is a ratio; of several windows the first one counts. */
export function targetsOf(ratios: readonly Ratio[], engines: readonly EngineRow[]): Target[] {
  const switches = [
    ...Object.entries(TARGETS.fpisa).map(([n, target]) => [`fpisa, N = ${n}`, target] as const),
    ['IPv4 router', TARGETS.router] as const,
  ].flatMap(([workload, target]): Target[] => {
    const found = ratios.find((each) => each.workload === workload && each.ratio !== undefined);
    if (found?.ratio === undefined) return [];
    const { ratio, limit } = found;
    return [
      {
        what: `${workload}, against simple_switch_grpc`,
        target,
        atMost: false,
        ratio,
        isReached: ratio >= target,
        limit,
        limitReaches: limit === undefined ? undefined : limit >= target,
      },
    ];
  });
  const perValue = Object.entries(TARGETS.perValue).flatMap(([n, target]): Target[] => {
    const ratio = engines.find((each) => each.engine === 'compiled' && each.values === Number(n))?.ratio;
    if (ratio === undefined) return [];
    const what = `in process, N = ${n}: time per value, against the C loop`;
    return [
      { what, target, atMost: true, ratio, isReached: ratio <= target, limit: undefined, limitReaches: undefined },
    ];
  });
  return [...switches, ...perValue];
}

/** The report as text, with Markdown tables. */
export function render(report: Report): string {
  const { machine, versions, skipped, options, engines, targets } = report;
  return [
    `${machine}; ${Object.entries(versions)
      .map(([name, version]) => `${name}: ${version}`)
      .join(', ')}`,
    ...skipped.map((name) => `${name} is not on PATH, so it was not measured`),
    `${options.workers} ports, median of ${options.rounds} rounds of ${options.seconds} s; packets a second that went in, and as many came out, without loss (CPUs of the switch, of the generator)${options.anyCpu ? '' : '; switch and generator with a CPU each'}; kernel's limit: a loop in C that only takes frames and sends the answers`,
    '',
    ...switchTable(report),
    ...(engines.length === 0 ? [] : ['', ...engineTable(engines)]),
    ...(targets.length === 0 ? [] : ['', ...targetTable(targets)]),
  ].join('\n');
}

function switchTable({ rows, ratios, skipped }: Report): string[] {
  const columns: Contestant[] = [...SWITCHES.filter((name) => !skipped.includes(name)), KERNEL];
  const keys = [...new Set(rows.map(({ workload, window }) => JSON.stringify([workload, window])))].map(
    (key) => JSON.parse(key) as [string, number],
  );
  const lines = keys.map(([workload, window]) => {
    const cells = columns.map((name) => {
      const found = rows.find((each) => each.switch === name && each.workload === workload && each.window === window)!;
      if (found.packetsPerSecond === undefined) return 'loses packets';
      return `${Math.round(found.packetsPerSecond).toLocaleString('en')} (${percent(found.switchBusy)}, ${percent(found.generatorBusy)})`;
    });
    const { ratio, ofLimit } = ratios.find((each) => each.workload === workload && each.window === window) ?? {};
    return `| ${workload} | ${window} | ${cells.join(' | ')} | ${ofLimit === undefined ? '' : percent(ofLimit)} | ${ratio === undefined ? '' : times(ratio)} |`;
  });
  const names = columns.map((name) => (name === KERNEL ? "kernel's limit" : name));
  return [
    `| program | in flight | ${names.join(' | ')} | emulator, of the kernel's limit | emulator against simple_switch_grpc |`,
    `|---|---|${columns.map(() => '---|').join('')}---|---|`,
    ...lines,
  ];
}

function engineTable(engines: readonly EngineRow[]): string[] {
  const values = [...new Set(engines.map((each) => each.values))];
  return [
    'In process, nanoseconds per fp32 value added (the whole packet, against a C loop that only adds):',
    '',
    '| N | C loop | compiled | compiled against C |',
    '|---|---|---|---|',
    ...values.map((n) => {
      const of = (engine: EngineRow['engine']) => engines.find((each) => each.values === n && each.engine === engine);
      const [c, compiled] = [of('C loop'), of('compiled')];
      return `| ${n} | ${c === undefined ? 'no C compiler' : c.nsPerValue.toFixed(2)} | ${compiled?.nsPerValue.toFixed(2) ?? ''} | ${compiled?.ratio === undefined ? '' : `${compiled.ratio.toFixed(2)} x`} |`;
    }),
  ];
}

function targetTable(targets: readonly Target[]): string[] {
  return [
    "| target | | reached | kernel's limit |",
    '|---|---|---|---|',
    ...targets.map(({ what, target, atMost, ratio, isReached, limit, limitReaches }) => {
      const verdict = `${times(ratio)}${isReached ? '' : ': missed'}`;
      const beside =
        limit === undefined
          ? ''
          : `${times(limit)}${isReached ? '' : limitReaches === true ? ': would reach it' : ': would not reach it either'}`;
      return `| ${what} | at ${atMost ? 'most' : 'least'} ${target} x | ${verdict} | ${beside} |`;
    }),
  ];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 3 ? 2 : 1)} x`;
}
