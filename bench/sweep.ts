/**
 * Cost of a packet in `fpisa switch` by values per packet, table entries and workers: data and plots for
 * docs/performance.md.
 *
 *     npm run bench:sweep -- [--values 16,…,1024] [--entries 1,…,1000000] [--workers 1,…,16] [--seconds 2] [--rounds 3] [--out bench/data]
 *
 * Writes sweep.json, and sweep.svg from it, and prints the tables. Sizes without a build need p4c. The requirements
 * are those of bench:switch.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureC, measureEngine } from './engine.js';
import { describeMachine } from './machine.js';
import { median } from './median.js';
import { KINDS, measureLookups, type LookupRow } from './sweep/lookups.js';
import { plot, type Panel } from './sweep/plot.js';
import { Generator } from './switch/generator.js';
import { outputFolder, runAsCommand, seconds, wholeNumber, wholeNumbers } from '../scripts/arguments.js';
import { inNamespace, makeCables, type BenchSite } from './switch/site.js';
import { startSwitch } from './switch/switches.js';
import { fpisa } from './switch/workloads.js';

/** For 1,024 values: 4,170 bytes of frame. */
const MTU = 9000;
const WINDOW = 24;
const WARM_UP_SECONDS = 1;
const VALUES_OF_WORKERS = 64;

export interface ValueRow {
  readonly values: number;
  /** In process, with the compiled engine: a contribution that does not complete its round. */
  readonly nsInProcess: number;
  /** The C loop, for the same number of values. */
  readonly nsInC: number;
  /** A packet in and one out, over veth pairs, 2 workers. */
  readonly nsOverVeth: number;
}

export interface WorkerRow {
  readonly workers: number;
  readonly packetsPerSecond: number;
}

export interface Sweep {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly values: readonly ValueRow[];
  readonly lookups: readonly LookupRow[];
  readonly workers: readonly WorkerRow[];
}

export interface SweepOptions {
  readonly values: readonly number[];
  readonly entries: readonly number[];
  readonly workers: readonly number[];
  readonly seconds: number;
  readonly rounds: number;
}

/** Packets a second over veth pairs. @throws if a packet is lost or wrong */
async function overVeth(
  site: BenchSite,
  generator: Generator,
  values: number,
  workers: number,
  { seconds, rounds }: SweepOptions,
): Promise<number> {
  const workload = fpisa(values, site.loadEnds.slice(0, workers), WINDOW);
  const pin = cpus().length > 1;
  const running = await startSwitch('emulator', site.switchEnds.slice(0, workers), pin ? 0 : undefined, (client) =>
    workload.install(client),
  );
  try {
    const rates: number[] = [];
    for (let round = 0, first = 0; round < rounds; round++) {
      const {
        packets,
        seconds: took,
        lost,
        wrong,
        next,
      } = generator.run(workload.load, {
        window: WINDOW,
        first,
        warmUpSeconds: WARM_UP_SECONDS,
        seconds,
        cpu: pin ? 1 : undefined,
      });
      if (lost > 0 || wrong > 0)
        throw new Error(`${values} values, ${workers} workers: ${lost} packets were lost, ${wrong} wrong`);
      rates.push(packets / took);
      first = next + 2 * WINDOW;
    }
    return median(rates);
  } finally {
    await running.stop();
  }
}

export async function measure(options: SweepOptions, progress: (text: string) => void): Promise<Sweep> {
  const generator = Generator.compile();
  if (generator === undefined)
    throw new Error('this measurement needs a C compiler for its generator; "cc" is not on PATH');
  try {
    const site = makeCables(Math.max(2, ...options.workers), MTU);
    const values: ValueRow[] = [];
    for (const n of options.values) {
      const { deviceConfig } = fpisa(n, site.loadEnds.slice(0, 2), WINDOW).pipeline;
      const row: ValueRow = {
        values: n,
        nsInProcess: n * (await measureEngine(n, 'compiled', options.seconds, Buffer.from(deviceConfig).toString())),
        nsInC: n * measureC(n, options.seconds)!,
        nsOverVeth: 1e9 / (await overVeth(site, generator, n, 2, options)),
      };
      progress(`${JSON.stringify(row)}\n`);
      values.push(row);
    }
    const workers: WorkerRow[] = [];
    for (const count of options.workers) {
      workers.push({
        workers: count,
        packetsPerSecond: await overVeth(site, generator, VALUES_OF_WORKERS, count, options),
      });
      progress(`${JSON.stringify(workers.at(-1))}\n`);
    }
    const lookups: LookupRow[] = [];
    for (const kind of KINDS) {
      for (const row of await measureLookups(kind, options.entries, options.seconds)) {
        lookups.push(row);
        progress(`${JSON.stringify(row)}\n`);
      }
    }
    const machine = describeMachine();
    return { machine, versions: { node: process.versions.node }, values, lookups, workers };
  } finally {
    generator.remove();
  }
}

export function panels({ values, lookups, workers }: Sweep): Panel[] {
  return [
    {
      title: 'A packet by its values',
      x: 'values per packet (N)',
      y: 'ns per packet',
      series: [
        { name: 'over veth pairs, in and out', points: values.map((row) => [row.values, row.nsOverVeth]) },
        { name: 'in process', points: values.map((row) => [row.values, row.nsInProcess]) },
        { name: 'C loop, additions alone', points: values.map((row) => [row.values, row.nsInC]) },
      ],
    },
    {
      title: 'A packet by the values, per value',
      x: 'values per packet (N)',
      y: 'ns per value',
      series: [
        { name: 'over veth pairs, in and out', points: values.map((row) => [row.values, row.nsOverVeth / row.values]) },
        { name: 'in process', points: values.map((row) => [row.values, row.nsInProcess / row.values]) },
        { name: 'C loop, additions alone', points: values.map((row) => [row.values, row.nsInC / row.values]) },
      ],
    },
    {
      title: 'A packet by the entries of its table, in process',
      x: 'entries',
      y: 'ns per packet',
      series: tablesOf(lookups).map((name) => ({
        name,
        points: lookups.filter((row) => row.table === name).map((row) => [row.entries, row.nsPerPacket] as const),
      })),
    },
    {
      title: `Workers, N = ${VALUES_OF_WORKERS}, over veth pairs`,
      x: 'workers',
      y: 'packets per second',
      series: [
        { name: 'packets in, and as many out', points: workers.map((row) => [row.workers, row.packetsPerSecond]) },
      ],
    },
  ];
}

function tablesOf(lookups: readonly LookupRow[]): string[] {
  return [...new Set(lookups.map(({ table }) => table))];
}

/** Markdown tables by name, as in docs/performance.md. */
export function tables({ values, lookups, workers }: Sweep): { values: string; lookups: string; workers: string } {
  const whole = (value: number): string => Math.round(value).toLocaleString('en');
  const names = tablesOf(lookups);
  const sizes = [...new Set(lookups.map(({ entries }) => entries))].sort((a, b) => a - b);
  const cell = (name: string, entries: number, show: (row: LookupRow) => string): string => {
    const row = lookups.find((each) => each.table === name && each.entries === entries);
    return row === undefined ? '' : show(row);
  };
  const last = sizes.at(-1) ?? 0;
  return {
    values: [
      '| N | over veth pairs, ns/packet | in process, ns/packet | C loop, ns | over veth pairs, ns/value | in process, ns/value | in process against C |',
      '|---|---|---|---|---|---|---|',
      ...values.map(
        (row) =>
          `| ${whole(row.values)} | ${whole(row.nsOverVeth)} | ${whole(row.nsInProcess)} | ${whole(row.nsInC)} | ${(row.nsOverVeth / row.values).toFixed(1)} | ${(row.nsInProcess / row.values).toFixed(2)} | ${(row.nsInProcess / row.nsInC).toFixed(2)} x |`,
      ),
    ].join('\n'),
    lookups: [
      `| entries | ${names.map((name) => `${name}, ns/packet`).join(' | ')} |`,
      `|---|${names.map(() => '---|').join('')}`,
      ...sizes.map(
        (entries) =>
          `| ${whole(entries)} | ${names.map((name) => cell(name, entries, (row) => whole(row.nsPerPacket))).join(' | ')} |`,
      ),
      `| µs to insert one, up to ${whole(last)} | ${names.map((name) => cell(name, last, (row) => row.microsecondsPerInsert.toFixed(1))).join(' | ')} |`,
    ].join('\n'),
    workers: [
      '| workers | packets/s | ns/packet |',
      '|---|---|---|',
      ...workers.map(
        (row) => `| ${row.workers} | ${whole(row.packetsPerSecond)} | ${whole(1e9 / row.packetsPerSecond)} |`,
      ),
    ].join('\n'),
  };
}

export function readSweep(folder: string): Sweep {
  return JSON.parse(readFileSync(join(folder, 'sweep.json'), 'utf8')) as Sweep;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      values: { type: 'string', default: '16,32,64,128,256,512,1024' },
      entries: { type: 'string', default: '1,10,100,1000,10000,100000,1000000' },
      workers: { type: 'string', default: '1,2,4,8,16' },
      seconds: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '3' },
      out: { type: 'string', default: 'bench/data' },
    },
  });
  const options: SweepOptions = {
    values: wholeNumbers('values', values.values, 1, 1024),
    entries: wholeNumbers('entries', values.entries, 1, 10_000_000),
    workers: wholeNumbers('workers', values.workers, 1, 16),
    seconds: seconds(values.seconds),
    rounds: wholeNumber('rounds', values.rounds, 1, 1000),
  };
  const out = outputFolder('out', values.out);
  const outside = inNamespace(import.meta.url);
  if (outside !== undefined) return outside;
  const sweep = await measure(options, (text) => process.stderr.write(text));
  writeFileSync(join(out, 'sweep.json'), `${JSON.stringify(sweep, null, 2)}\n`);
  writeFileSync(join(out, 'sweep.svg'), plot(panels(sweep)));
  console.log(Object.values(tables(sweep)).join('\n\n'));
  return 0;
}

await runAsCommand(import.meta.url, main);
