/**
 * Packets per second: BMv2's simple_switch_grpc, `fpisa switch`, and the kernel's limit (a loop in C that only answers
 * frames), side by side in one run, with the same program, veth pairs and generator; and in process the time per value
 * compared with a C loop.
 *
 *     npm run bench:switch -- [--values 16,64,256] [--workers 2] [--window 24] [--more 64,256] [--rounds 5]
 *                             [--seconds 2] [--any-cpu] [--json]
 *
 * With --values none only the router is measured. The window must be below 32, the number of packets that a port of
 * simple_switch accepts in one burst (of a burst of 48 it loses 16); --more adds windows, for all of them. Switch
 * and generator each run on their own CPU, unless --any-cpu is given.
 *
 * Needs Linux, root (it creates its own network namespace) and a C compiler.
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { measure as measureEngines } from './engine.js';
import { FrameLoop } from './switch/frame-loop.js';
import { Generator, type Measurement } from './switch/generator.js';
import { runAsCommand, seconds, wholeNumber, wholeNumbers } from '../scripts/arguments.js';
import { describeMachine } from './machine.js';
import { median } from './median.js';
import {
  KERNEL,
  render,
  targetsOf,
  type Contestant,
  type Ratio,
  type Report,
  type SwitchBenchOptions,
  type SwitchRow,
} from './switch/report.js';
import { inNamespace, makeCables, type BenchSite } from './switch/site.js';
import { startSwitch, SWITCHES, versionOf } from './switch/switches.js';
import { fpisa, router, type SwitchWorkload } from './switch/workloads.js';

/** Run before timing starts, to warm caches. */
const WARM_UP_SECONDS = 1;
const SWITCH_CPU = 0;
const GENERATOR_CPU = 1;
const MTU = 1500;
const ENGINE_SECONDS = 1;
interface Programs {
  readonly generator: Generator;
  readonly frameLoop: FrameLoop;
}

interface Run {
  readonly measured: Measurement;
  readonly switchBusy: number;
}

/** Runs one switch with each window in turn. @throws if a packet was wrong */
async function run(
  name: Contestant,
  workload: SwitchWorkload,
  site: BenchSite,
  { generator, frameLoop }: Programs,
  windows: readonly number[],
  { seconds, anyCpu }: SwitchBenchOptions,
): Promise<Run[]> {
  const switchCpu = anyCpu ? undefined : SWITCH_CPU;
  const running =
    name === KERNEL
      ? await frameLoop.start(workload.load, site.switchEnds, switchCpu)
      : await startSwitch(name, site.switchEnds, switchCpu, (client) => workload.install(client));
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
  const [generator, frameLoop] = [Generator.compile(), FrameLoop.compile()];
  if (generator === undefined || frameLoop === undefined)
    throw new Error('this measurement needs a C compiler for its generator; "cc" is not on PATH');
  const site = makeCables(options.workers, MTU);
  const versions = Object.fromEntries(
    SWITCHES.flatMap((name) => [[name, versionOf(name)] as const]).filter(([, version]) => version !== undefined),
  ) as Record<string, string>;
  const names: Contestant[] = [...SWITCHES.filter((name) => versions[name] !== undefined), KERNEL];
  const windows = [options.window, ...options.more];
  const workloads = [
    ...options.values.map((values) => fpisa(values, site.loadEnds, Math.max(...windows))),
    router(site.loadEnds),
  ];
  const rows: SwitchRow[] = [];
  const ratios: Ratio[] = [];
  try {
    for (const workload of workloads) {
      const runs = new Map<Contestant, Run[][]>(names.map((name) => [name, []]));
      for (let round = 0; round < options.rounds; round++) {
        // The order alternates, so that none always runs in the state in which the same other one left the machine.
        for (const name of round % 2 === 0 ? names : [...names].reverse()) {
          const measured = await run(name, workload, site, { generator, frameLoop }, windows, options);
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
        const ratesOf = (name: Contestant) => runs.get(name)?.map((each) => rate(each[i]!));
        const [bmv2, emulator, kernel] = (['simple_switch_grpc', 'emulator', KERNEL] as const).map(ratesOf);
        ratios.push({
          workload: workload.name,
          window,
          ratio: medianRatio(emulator, bmv2),
          limit: medianRatio(kernel, bmv2),
          ofLimit: medianRatio(emulator, kernel),
        });
      });
    }
  } finally {
    generator.remove();
    frameLoop.remove();
  }
  const engines = options.values.length === 0 ? [] : await measureEngines(options.values, ENGINE_SECONDS);
  return {
    machine: describeMachine(),
    versions,
    skipped: SWITCHES.filter((name) => versions[name] === undefined),
    options,
    rows,
    ratios,
    engines,
    targets: targetsOf(ratios, engines),
  };
}

/** Of the rounds' ratios; undefined if one of both was not measured or lost packets. */
function medianRatio(
  numerators: readonly (number | undefined)[] | undefined,
  denominators: readonly (number | undefined)[] | undefined,
): number | undefined {
  const each = numerators?.flatMap((mine, k) => {
    const other = denominators?.[k];
    return mine === undefined || other === undefined ? [] : [mine / other];
  });
  return each === undefined || each.length === 0 || each.length < numerators!.length ? undefined : median(each);
}

/** Undefined if packets were lost. */
function rate({ measured: { packets, lost, seconds } }: Run): number | undefined {
  return lost > 0 ? undefined : packets / seconds;
}

function row(workload: SwitchWorkload, window: number, name: Contestant, runs: readonly Run[]): SwitchRow {
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
