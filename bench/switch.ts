/**
 * Packets per second: BMv2's simple_switch_grpc and `fpisa switch`, side by side in one run, with the same program,
 * veth pairs and generator; and in process the time per value compared with a C loop.
 *
 *     npm run bench:switch -- [--values 16,64,256] [--workers 2] [--window 24] [--more 64,256] [--rounds 5]
 *                             [--seconds 2] [--any-cpu] [--json]
 *
 * With --values none only the router is measured. The window must be below 32, the number of packets that a port of
 * simple_switch accepts in one burst (of a burst of 48 it loses 16); --more adds windows, for both switches. Switch
 * and generator each run on their own CPU, unless --any-cpu is given.
 *
 * Needs Linux, root (it creates its own network namespace) and a C compiler.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { measure as measureEngines, type EngineRow } from './engine.js';
import { Generator, type Measurement } from './switch/generator.js';
import { runAsCommand, seconds, wholeNumber, wholeNumbers } from '../scripts/arguments.js';
import { describeMachine } from './machine.js';
import { inNamespace, makeCables, type BenchSite } from './switch/site.js';
import { startSwitch, SWITCHES, versionOf, type SwitchName } from './switch/switches.js';
import { fpisa, router, type SwitchWorkload } from './switch/workloads.js';

/** Run before timing starts, to warm caches. */
const WARM_UP_SECONDS = 1;
const SWITCH_CPU = 0;
const GENERATOR_CPU = 1;
const MTU = 1500;
const ENGINE_SECONDS = 1;
/** Factors: fpisa and router relative to BMv2's packets per second, perValue relative to the C loop. */
export const TARGETS = { fpisa: 100, router: 5, perValue: 2 } as const;

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
  readonly switch: SwitchName;
  /** Packets a second that the switch took; it sent as many. Undefined if it lost any. */
  readonly packetsPerSecond: number | undefined;
  /** Share of time in which the generator was busy; near 1 the generator is the bottleneck. */
  readonly generatorBusy: number;
  /** CPUs that the switch used. */
  readonly switchBusy: number;
}

/** Emulator against simple_switch_grpc: median of the rounds' ratios, each of two consecutive runs. */
export interface Ratio {
  readonly workload: string;
  readonly window: number;
  readonly ratio: number;
}

export interface Report {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly skipped: readonly SwitchName[];
  readonly options: SwitchBenchOptions;
  readonly rows: readonly SwitchRow[];
  readonly ratios: readonly Ratio[];
  readonly engines: readonly EngineRow[];
}

interface Run {
  readonly measured: Measurement;
  readonly switchBusy: number;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Runs one switch with each window in turn. @throws if a packet was wrong */
async function run(
  name: SwitchName,
  workload: SwitchWorkload,
  site: BenchSite,
  generator: Generator,
  windows: readonly number[],
  { seconds, anyCpu }: SwitchBenchOptions,
): Promise<Run[]> {
  const running = await startSwitch(name, site.switchEnds, anyCpu ? undefined : SWITCH_CPU, (client) =>
    workload.install(client),
  );
  try {
    let first = 0;
    return windows.map((window) => {
      const [cpu, start] = [running.cpuSeconds(), performance.now()];
      const measured = generator.run(workload.load, {
        window,
        first,
        warmUpSeconds: WARM_UP_SECONDS,
        seconds,
        cpu: anyCpu ? undefined : GENERATOR_CPU,
      });
      const switchBusy = (running.cpuSeconds() - cpu) / ((performance.now() - start) / 1000);
      if (measured.wrong > 0) throw new Error(`${name}, ${workload.name}: ${measured.wrong} packets were wrong`);
      // Beyond all chunks of this run, including those that were lost.
      first = measured.next + 2 * window;
      return { measured, switchBusy };
    });
  } finally {
    await running.stop();
  }
}

export async function measure(options: SwitchBenchOptions, progress: (text: string) => void): Promise<Report> {
  const generator = Generator.compile();
  if (generator === undefined)
    throw new Error('this measurement needs a C compiler for its generator; "cc" is not on PATH');
  const site = makeCables(options.workers, MTU);
  const versions = Object.fromEntries(
    SWITCHES.flatMap((name) => [[name, versionOf(name)] as const]).filter(([, version]) => version !== undefined),
  ) as Record<string, string>;
  const names = SWITCHES.filter((name) => versions[name] !== undefined);
  const windows = [options.window, ...options.more];
  const workloads = [
    ...options.values.map((values) => fpisa(values, site.loadEnds, Math.max(...windows))),
    router(site.loadEnds),
  ];
  const rows: SwitchRow[] = [];
  const ratios: Ratio[] = [];
  try {
    for (const workload of workloads) {
      const runs = new Map<SwitchName, Run[][]>(names.map((name) => [name, []]));
      for (let round = 0; round < options.rounds; round++) {
        // The order alternates, so that neither switch always runs in the state in which the other left the machine.
        for (const name of round % 2 === 0 ? names : [...names].reverse()) {
          const measured = await run(name, workload, site, generator, windows, options);
          runs.get(name)!.push(measured);
          const text = measured
            .map(
              (each, i) =>
                `${rate(each) === undefined ? 'loses packets' : Math.round(rate(each)!)} (window ${windows[i]})`,
            )
            .join(', ');
          progress(`${workload.name}, round ${round + 1} of ${options.rounds}: ${name} packets/s ${text}\n`);
        }
      }
      windows.forEach((window, i) => {
        for (const [name, rounds] of runs)
          rows.push(
            row(
              workload,
              window,
              name,
              rounds.map((each) => each[i]!),
            ),
          );
        const [first, second] = SWITCHES.map((name) => runs.get(name)?.map((each) => rate(each[i]!)));
        const each = second?.flatMap((mine, k) =>
          mine === undefined || first?.[k] === undefined ? [] : [mine / first[k]],
        );
        if (each !== undefined && each.length === options.rounds)
          ratios.push({ workload: workload.name, window, ratio: median(each) });
      });
    }
  } finally {
    generator.remove();
  }
  const engines = options.values.length === 0 ? [] : await measureEngines(options.values, ENGINE_SECONDS);
  return {
    machine: describeMachine(),
    versions,
    skipped: SWITCHES.filter((name) => !names.includes(name)),
    options,
    rows,
    ratios,
    engines,
  };
}

/** Undefined if packets were lost. */
function rate({ measured: { packets, lost, seconds } }: Run): number | undefined {
  return lost > 0 ? undefined : packets / seconds;
}

function row(workload: SwitchWorkload, window: number, name: SwitchName, runs: readonly Run[]): SwitchRow {
  const rates = runs.map(rate);
  return {
    workload: workload.name,
    window,
    switch: name,
    packetsPerSecond: rates.includes(undefined) ? undefined : median(rates as number[]),
    generatorBusy: median(runs.map(({ measured }) => measured.busy)),
    switchBusy: median(runs.map(({ switchBusy }) => switchBusy)),
  };
}

/** The report as text, with Markdown tables. */
export function render({ machine, versions, skipped, options, rows, ratios, engines }: Report): string {
  const columns = SWITCHES.filter((name) => !skipped.includes(name));
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const keys = [...new Set(rows.map(({ workload, window }) => JSON.stringify([workload, window])))].map(
    (key) => JSON.parse(key) as [string, number],
  );
  const lines = keys.map(([workload, window]) => {
    const cells = columns.map((name) => {
      const found = rows.find((each) => each.switch === name && each.workload === workload && each.window === window)!;
      if (found.packetsPerSecond === undefined) return 'loses packets';
      return `${Math.round(found.packetsPerSecond).toLocaleString('en')} (${percent(found.switchBusy)}, ${percent(found.generatorBusy)})`;
    });
    const ratio = ratios.find((each) => each.workload === workload && each.window === window);
    return `| ${workload} | ${window} | ${cells.join(' | ')} | ${ratio === undefined ? '' : `${ratio.ratio.toFixed(1)} x`} |`;
  });
  const values = [...new Set(engines.map((each) => each.values))];
  const perValue = values.map((n) => {
    const of = (engine: EngineRow['engine']) => engines.find((each) => each.values === n && each.engine === engine);
    const [c, compiled] = [of('C loop'), of('compiled')];
    return `| ${n} | ${c === undefined ? 'no C compiler' : c.nsPerValue.toFixed(2)} | ${compiled?.nsPerValue.toFixed(2) ?? ''} | ${compiled?.ratio === undefined ? '' : `${compiled.ratio.toFixed(2)} x`} |`;
  });
  return [
    `${machine}; ${Object.entries(versions)
      .map(([name, version]) => `${name}: ${version}`)
      .join(', ')}`,
    ...skipped.map((name) => `${name} is not on PATH, so it was not measured`),
    `${options.workers} ports, median of ${options.rounds} rounds of ${options.seconds} s; packets a second that went in, and as many came out, without loss (CPUs of the switch, of the generator)${options.anyCpu ? '' : '; switch and generator with a CPU each'}`,
    '',
    `| program | in flight | ${columns.join(' | ')} | emulator against simple_switch_grpc |`,
    `|---|---|${columns.map(() => '---|').join('')}---|`,
    ...lines,
    ...(perValue.length === 0
      ? []
      : [
          '',
          'In process, nanoseconds per fp32 value added (the whole packet, against a C loop that only adds):',
          '',
          '| N | C loop | compiled | compiled against C |',
          '|---|---|---|---|',
          ...perValue,
        ]),
  ].join('\n');
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      values: { type: 'string', default: '16,64,256' },
      workers: { type: 'string', default: '2' },
      window: { type: 'string', default: '24' },
      more: { type: 'string', default: '64,256' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      'any-cpu': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const list = (name: 'values' | 'more', high: number): number[] =>
    ['', 'none'].includes(values[name]) ? [] : wholeNumbers(name, values[name], 1, high);
  const options: SwitchBenchOptions = {
    values: list('values', 256),
    workers: wholeNumber('workers', values.workers, 2, 16),
    window: wholeNumber('window', values.window, 1, 512),
    more: list('more', 512),
    rounds: wholeNumber('rounds', values.rounds, 1, 1000),
    seconds: seconds(values.seconds),
    anyCpu: values['any-cpu'] || cpus().length < 2,
  };
  const outside = inNamespace(import.meta.url);
  if (outside !== undefined) return outside;
  const report = await measure(options, (text) => process.stderr.write(text));
  console.log(values.json ? JSON.stringify(report, null, 2) : render(report));
  return 0;
}

await runAsCommand(import.meta.url, main);
