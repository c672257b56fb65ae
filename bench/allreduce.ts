/**
 * Allreduce of fp32 on this machine: fpisa, OpenMPI over TCP and over shared memory, and PyTorch's Gloo over TCP, side
 * by side in one run, each worker a process.
 *
 *     npm run bench:allreduce -- [--sizes 4096,1048576,67108864] [--workers 4] [--values 2048] [--rounds 5]
 *                                [--repeats 3] [--python python3] [--quick] [--json] [--out FILE]
 *
 * A round runs every system once, one after the other, in alternating order; seconds are medians over all repetitions
 * of all rounds, of the slowest worker each. What is not installed is left out with a word: OpenMPI needs mpicc and
 * mpirun, Gloo a Python with PyTorch. --quick: one round, small sizes.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runAsCommand, wholeNumber, wholeNumbers } from '../scripts/arguments.js';
import { findSystems, type Absent, type System } from './allreduce/systems.js';
import { describeMachine } from './machine.js';
import { median } from './switch.js';

const GIB = 2 ** 30;
const MAX_BYTES = GIB;
const MAX_WORKERS = 32;

export interface AllreduceBenchOptions {
  readonly sizes: readonly number[];
  readonly workers: readonly number[];
  readonly values: readonly number[];
  readonly rounds: number;
  readonly repeats: number;
  readonly python: string;
}

/** One size with one number of workers; what is keyed is keyed by the systems' names. */
export interface AllreduceRun {
  readonly bytes: number;
  readonly workers: number;
  readonly seconds: Readonly<Record<string, number>>;
  /** Of one worker, for each GiB of its tensor. */
  readonly cpuSecondsPerGiB: Readonly<Record<string, number>>;
}

export interface AllreduceReport {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly absent: readonly Absent[];
  readonly rounds: number;
  readonly repeats: number;
  readonly runs: readonly AllreduceRun[];
}

interface Samples {
  readonly seconds: number[];
  readonly cpu: number[];
}

export async function measure(
  options: AllreduceBenchOptions,
  progress: (text: string) => void,
): Promise<AllreduceReport> {
  const { sizes, repeats, rounds } = options;
  const { systems, absent, dispose } = findSystems(options.python, options.values);
  const runs: AllreduceRun[] = [];
  try {
    for (const workers of options.workers) {
      const samples = new Map(systems.map(({ name }) => [name, sizes.map((): Samples => ({ seconds: [], cpu: [] }))]));
      for (let round = 0; round < rounds; round++) {
        for (const system of inTurn(systems, round)) {
          progress(`${workers} workers, round ${round + 1} of ${rounds}: ${system.name}\n`);
          const results = await system.run({ workers, sizes, repeats });
          results.forEach((result, i) => {
            const into = samples.get(system.name)![i]!;
            into.seconds.push(...result.seconds);
            into.cpu.push((result.cpuSeconds / workers / repeats) * (GIB / result.bytes));
          });
        }
      }
      const keyed = (i: number, value: (each: Samples) => number): Record<string, number> =>
        Object.fromEntries([...samples].map(([name, each]) => [name, value(each[i]!)]));
      sizes.forEach((bytes, i) =>
        runs.push({
          bytes,
          workers,
          seconds: keyed(i, ({ seconds }) => median(seconds)),
          cpuSecondsPerGiB: keyed(i, ({ cpu }) => median(cpu)),
        }),
      );
    }
  } finally {
    dispose();
  }
  const versions = Object.fromEntries(systems.map(({ name, version }) => [name, version]));
  return { machine: describeMachine(), versions, absent, rounds, repeats, runs };
}

/** The order alternates, so that no system always runs in the state in which the same one left the machine. */
function inTurn(systems: readonly System[], round: number): readonly System[] {
  return round % 2 === 0 ? systems : [...systems].reverse();
}

/** A table: milliseconds, and in brackets how many times as fast as fpisa the system is. */
export function table({ runs, absent, versions, machine }: AllreduceReport): string {
  const names = Object.keys(versions);
  const [mine] = names;
  const rows = runs.map(({ bytes, workers, seconds, cpuSecondsPerGiB }) => [
    size(bytes),
    String(workers),
    ...names.map((name) => {
      const ratio = name === mine ? '' : ` (${(seconds[mine!]! / seconds[name]!).toPrecision(2)} x)`;
      return `${(1000 * seconds[name]!).toPrecision(3)} ms${ratio}, CPU ${cpuSecondsPerGiB[name]!.toPrecision(2)} s/GiB`;
    }),
  ]);
  const all = [['bytes', 'workers', ...names], ...rows];
  const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return [
    ...all.map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    ),
    `In brackets: times as fast as ${mine}.`,
    `${machine}; ${names.map((name) => `${name}: ${versions[name]}`).join('; ')}`,
    ...absent.map(({ name, reason }) => `Left out: ${name}, as ${reason}.`),
  ].join('\n');
}

function size(bytes: number): string {
  if (bytes >= 1 << 20) return `${+(bytes / (1 << 20)).toPrecision(3)} MiB`;
  return bytes >= 1024 ? `${+(bytes / 1024).toPrecision(3)} KiB` : `${bytes} B`;
}

async function main(): Promise<number> {
  const { values: flags } = parseArgs({
    options: {
      sizes: { type: 'string' },
      workers: { type: 'string' },
      values: { type: 'string', default: '2048' },
      rounds: { type: 'string' },
      repeats: { type: 'string' },
      python: { type: 'string', default: 'python3' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      out: { type: 'string' },
    },
  });
  const { quick } = flags;
  const sizes = wholeNumbers('sizes', flags.sizes ?? (quick ? '4096,1048576' : '4096,1048576,67108864'), 4, MAX_BYTES);
  if (sizes.some((bytes) => bytes % 4 !== 0)) throw new Error('--sizes are multiples of 4, the bytes of an element');
  const report = await measure(
    {
      sizes,
      workers: wholeNumbers('workers', flags.workers ?? (quick ? '2' : '4'), 2, MAX_WORKERS),
      values: wholeNumbers('values', flags.values, 1, 2048),
      rounds: wholeNumber('rounds', flags.rounds ?? (quick ? '1' : '5'), 1, 1000),
      repeats: wholeNumber('repeats', flags.repeats ?? (quick ? '2' : '3'), 1, 1000),
      python: flags.python,
    },
    (text) => process.stderr.write(text),
  );
  const json = JSON.stringify(report, undefined, 2);
  if (flags.out !== undefined) writeFileSync(flags.out, `${json}\n`);
  console.log(flags.json ? json : table(report));
  return 0;
}

await runAsCommand(import.meta.url, main);
