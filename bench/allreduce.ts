/**
 * Allreduce of fp32 on this machine: fpisa, the same with integers (SwitchML's scheme), OpenMPI over TCP and over shared
 * memory, and PyTorch's Gloo over TCP, side by side in one run, each worker a process.
 *
 *     npm run bench:allreduce -- [--quick | --middle] [--only sizes,links,cpu,growth] [--rounds 2] [--repeats 3] [--values 2048]
 *         [--sizes 4096,1048576,67108864] [--workers 2,4,8,16]
 *         [--links 1000,10000] [--link-workers 4,8,16] [--link-bytes 67108864]
 *         [--python python3] [--json] [--out FILE]
 *
 * Four studies: sizes and numbers of workers on the loopback; links of a worker's own; a limit of processor time for each
 * worker; and how fpisa's time grows with its settings. A round runs every system once, one after the other, in alternating order; seconds are medians over all repetitions
 * of all rounds, of the slowest worker each. Over links below 1 Gb/s tensors are as much smaller. What is not installed is left out with a word: OpenMPI needs mpicc and
 * mpirun, Gloo a Python with PyTorch, links of a worker's own need root and iproute2. --middle has fewer sizes and
 * workers, --quick next to none.
 */
import { writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { outputFolder, runAsCommand, wholeNumber, wholeNumbers } from '../scripts/arguments.js';
import { measureCpuLimits, type CpuOptions } from './allreduce/cpu-study.js';
import { measureGrowth, type GrowthOptions } from './allreduce/growth-study.js';
import { measureLinks, type LinkOptions } from './allreduce/link-study.js';
import { startNamespace, whyNoLinks } from './allreduce/links.js';
import type { Absent } from './allreduce/load.js';
import { render, type AllreduceReport, type AllreduceRun } from './allreduce/report.js';
import { measured, type Rounds } from './allreduce/samples.js';
import { LOOPBACK } from './allreduce/placement.js';
import { findSystems } from './allreduce/systems.js';
import { sizeText } from './allreduce/words.js';
import { describeMachine } from './machine.js';
import { inNamespace } from './switch/site.js';

const MAX_BYTES = 2 ** 30;
const MAX_WORKERS = 32;
/** Of a tensor that a worker may hold: input, result, and what a library copies. */
const COPIES = 4;
/** Mb/s. */
const MAX_RATE = 100_000;

const STUDIES = ['sizes', 'links', 'cpu', 'growth'] as const;
type Study = (typeof STUDIES)[number];

interface Options {
  readonly studies: readonly Study[];
  readonly sizes: readonly number[];
  readonly workers: readonly number[];
  readonly values: readonly number[];
  readonly repeats: number;
  readonly python: string;
  readonly links: LinkOptions;
  readonly cpu: CpuOptions;
  readonly growth: GrowthOptions;
}

/** What is measured unless options say otherwise. */
const LEVELS = {
  full: {
    sizes: '1024,4096,16384,65536,262144,1048576,4194304,16777216,67108864,268435456',
    workers: '2,4,8,16',
    rounds: '2',
    repeats: '3',
    links: '1000,10000',
    linkWorkers: '4,8,16',
    linkBytes: '67108864',
    cpu: { shares: [0.05, 0.1, 0.2, 0.4], workers: 4, bytes: 2 ** 24 },
    growth: {
      values: [64, 256, 1024, 2048],
      slots: [8, 16, 32, 64, 128, 512],
      loss: [0, 0.001, 0.01, 0.05],
      workers: 4,
      bytes: 2 ** 24,
    },
  },
  middle: {
    sizes: '4096,65536,1048576,16777216,67108864',
    workers: '2,4,8',
    rounds: '1',
    repeats: '5',
    links: '1000',
    linkWorkers: '4,8,16',
    linkBytes: '67108864',
    cpu: { shares: [0.05, 0.1, 0.2, 0.4], workers: 4, bytes: 2 ** 24 },
    growth: {
      values: [64, 256, 1024, 2048],
      slots: [8, 64, 512],
      loss: [0, 0.001, 0.01],
      workers: 4,
      bytes: 2 ** 24,
    },
  },
  quick: {
    sizes: '4096,1048576',
    workers: '2',
    rounds: '1',
    repeats: '2',
    links: '1000',
    linkWorkers: '2',
    linkBytes: '1048576',
    cpu: { shares: [0.5], workers: 2, bytes: 2 ** 20 },
    growth: { values: [256, 2048], slots: [64], loss: [0.01], workers: 2, bytes: 2 ** 20 },
  },
} as const;

export async function measure(options: Options, rounds: Rounds): Promise<AllreduceReport> {
  const { studies, repeats, values, python } = options;
  const { systems, absent, dispose } = findSystems(python, values);
  try {
    const leftOut: Absent[] = [...absent];
    const runs: AllreduceRun[] = [];
    for (const workers of studies.includes('sizes') ? options.workers : []) {
      const fits = (bytes: number): boolean => bytes * workers * COPIES <= totalmem();
      const sizes = options.sizes.filter(fits);
      for (const bytes of options.sizes.filter((each) => !fits(each)))
        leftOut.push({
          name: `${sizeText(bytes)} with ${workers} workers`,
          reason: 'this machine has too little memory',
        });
      if (sizes.length === 0) continue;
      runs.push(
        ...(await measured(systems, { placement: LOOPBACK, workers, sizes, repeats }, `${workers} workers`, rounds)),
      );
    }
    const noLinks = studies.includes('links') ? whyNoLinks() : undefined;
    if (noLinks !== undefined) leftOut.push({ name: "links of a worker's own", reason: noLinks });
    const links =
      studies.includes('links') && noLinks === undefined
        ? await measureLinks(systems, options.links, rounds)
        : undefined;
    const cpuLimits = studies.includes('cpu') ? await measureCpuLimits(systems, options.cpu, rounds) : undefined;
    const growth = studies.includes('growth')
      ? await measureGrowth(options.growth, Math.max(...values), rounds)
      : undefined;
    return {
      machine: describeMachine(),
      versions: Object.fromEntries(systems.map(({ name, version }) => [name, version])),
      absent: leftOut,
      rounds: rounds.rounds,
      repeats,
      runs,
      ...(links !== undefined && { links }),
      ...(cpuLimits !== undefined && { cpuLimits }),
      ...(growth !== undefined && { growth }),
    };
  } finally {
    dispose();
  }
}

function studiesOf(text: string): Study[] {
  return text.split(',').map((name) => {
    const study = STUDIES.find((each) => each === name);
    if (study === undefined) throw new Error(`--only takes ${STUDIES.join(', ')}, not '${name}'`);
    return study;
  });
}

async function main(): Promise<number> {
  const { values: flags } = parseArgs({
    options: {
      only: { type: 'string', default: STUDIES.join(',') },
      sizes: { type: 'string' },
      workers: { type: 'string' },
      values: { type: 'string', default: '2048' },
      links: { type: 'string' },
      'link-workers': { type: 'string' },
      'link-bytes': { type: 'string' },
      rounds: { type: 'string' },
      repeats: { type: 'string' },
      python: { type: 'string', default: 'python3' },
      quick: { type: 'boolean', default: false },
      middle: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      out: { type: 'string' },
    },
  });
  const level = LEVELS[flags.quick ? 'quick' : flags.middle ? 'middle' : 'full'];
  const studies = studiesOf(flags.only);
  const tensorBytes = (name: string, text: string): number[] => {
    const sizes = wholeNumbers(name, text, 4, MAX_BYTES);
    if (sizes.some((bytes) => bytes % 4 !== 0))
      throw new Error(`--${name} are multiples of 4, the bytes of an element`);
    return sizes;
  };
  const repeats = wholeNumber('repeats', flags.repeats ?? level.repeats, 1, 1000);
  const options: Options = {
    studies,
    sizes: tensorBytes('sizes', flags.sizes ?? level.sizes),
    workers: wholeNumbers('workers', flags.workers ?? level.workers, 2, MAX_WORKERS),
    values: wholeNumbers('values', flags.values, 1, 2048),
    repeats,
    python: flags.python,
    links: {
      megabits: wholeNumbers('links', flags.links ?? level.links, 1, MAX_RATE),
      workers: wholeNumbers('link-workers', flags['link-workers'] ?? level.linkWorkers, 2, MAX_WORKERS),
      bytes: tensorBytes('link-bytes', flags['link-bytes'] ?? level.linkBytes)[0]!,
      repeats,
    },
    cpu: { ...level.cpu, repeats },
    growth: { ...level.growth, repeats },
  };
  if (flags.out !== undefined) outputFolder('out', dirname(flags.out));
  // Links and their bridge are made there, and are gone with it.
  if (studies.includes('links') && whyNoLinks() === undefined) {
    const exitCode = inNamespace(import.meta.url);
    if (exitCode !== undefined) return exitCode;
    startNamespace();
  }
  const report = await measure(options, {
    rounds: wholeNumber('rounds', flags.rounds ?? level.rounds, 1, 1000),
    progress: (text) => process.stderr.write(text),
  });
  const json = JSON.stringify(report, undefined, 2);
  if (flags.out !== undefined) writeFileSync(flags.out, `${json}\n`);
  console.log(flags.json ? json : render(report));
  return 0;
}

await runAsCommand(import.meta.url, main);
