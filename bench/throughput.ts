/**
 * Packets per second of the fpisa program without loss: BMv2's simple_switch_grpc and the emulator, side by side on
 * the same veth pairs, under the same generator.
 *
 *     npm run bench:throughput -- [--values 16,64] [--workers 2] [--window 24] [--rounds 5] [--seconds 3] [--json]
 *
 * The window is below 32, since that is what a port of simple_switch takes in one burst (of 48 packets at once it
 * loses 16). The emulator's ports hold thousands, and have the same window here.
 *
 * Needs Linux and root, as it makes a network namespace for itself.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpus, release } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { RawSocket } from '../emulator/index.js';
import { parseAddress, parseMac } from '../emulator/ports/udp-frame.js';
import { BUILDS } from '../protocol/constants.js';
import { Generator, type Measurement } from './throughput/generator.js';
import { startSwitch, SWITCHES, versionOf, type Site, type SwitchName } from './throughput/switches.js';

const SERVICE_IP = '10.0.0.254';
const SERVICE_MAC = '02:00:0a:00:00:fe';
const JOB = { number: 0, epoch: 1 };
const FIRST_UDP_PORT = 40_000;
/** Set for the process that runs in the namespace. */
const INSIDE = 'FPISA_BENCH_INSIDE';
/** Run before the clock starts, for caches and for JavaScript that is compiled as it runs. */
const WARM_UP_MS = 2000;

export interface Options {
  readonly values: readonly number[];
  readonly workers: number;
  readonly window: number;
  readonly rounds: number;
  readonly seconds: number;
}

/** One switch, one build. */
export interface Row {
  readonly switch: SwitchName;
  readonly values: number;
  /** Medians over the rounds. Contributions a second is what the switch takes in; it sends as many results. */
  readonly contributions: number;
  /** Share of the time in which the generator was at work: near 1 it would be what is measured. */
  readonly generatorBusy: number;
}

export interface Report {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly skipped: readonly SwitchName[];
  readonly options: Options;
  readonly rows: readonly Row[];
  /** Emulator against simple_switch_grpc: median of the rounds' ratios, each of two runs next to each other. */
  readonly ratios: readonly { readonly values: number; readonly ratio: number }[];
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Two ends for each worker: `switchN` for the switch's port, `workerN` for the generator. */
function makeCables(workers: number): Site {
  const numbers = Array.from({ length: workers }, (_, i) => i + 1);
  const ip = (...args: string[]): Buffer => execFileSync('ip', args);
  ip('link', 'set', 'lo', 'up');
  for (const kind of ['all', 'default']) execFileSync('sysctl', ['-qw', `net.ipv6.conf.${kind}.disable_ipv6=1`]);
  for (const n of numbers) {
    ip('link', 'add', `switch${n}`, 'type', 'veth', 'peer', 'name', `worker${n}`);
    for (const name of [`switch${n}`, `worker${n}`]) ip('link', 'set', name, 'up');
  }
  return {
    interfaces: numbers.map((n) => `switch${n}`),
    serviceIp: SERVICE_IP,
    members: numbers.map((n) => ({ rank: n - 1, ip: `10.0.0.${n}`, udpPort: FIRST_UDP_PORT + n, mac: `02:00:0a:00:00:${n.toString(16).padStart(2, '0')}`, switchPort: n })),
  };
}

/** @throws if a packet was lost or a sum is wrong */
async function run(name: SwitchName, values: number, site: Site, { window, seconds }: Options): Promise<Measurement> {
  const stop = await startSwitch(name, site, { values, slots: window, ...JOB });
  const sockets = await Promise.all(site.members.map(({ rank }) => RawSocket.open(`worker${rank + 1}`)));
  try {
    const generator = new Generator(
      {
        values,
        slots: window,
        job: JOB.number,
        epoch: JOB.epoch,
        workers: site.members.map(({ ip, udpPort, mac }) => ({ address: parseAddress(ip)!, udpPort, mac: parseMac(mac)! })),
        service: { address: parseAddress(SERVICE_IP)!, mac: parseMac(SERVICE_MAC)! },
      },
      sockets,
    );
    generator.start();
    generator.run(WARM_UP_MS);
    const measured = generator.run(seconds * 1000);
    const lost = measured.lost || generator.drain();
    if (lost > 0) throw new Error(`${name} with ${values} values per packet left ${lost} contributions without a result, with ${window} rounds in flight; --window makes that fewer`);
    if (measured.wrong > 0) throw new Error(`${name} with ${values} values per packet sent ${measured.wrong} wrong sums`);
    return measured;
  } finally {
    for (const socket of sockets) socket.close();
    await stop();
  }
}

export async function measure(options: Options, progress: (text: string) => void): Promise<Report> {
  const site = makeCables(options.workers);
  const versions = Object.fromEntries(SWITCHES.flatMap((name) => [[name, versionOf(name)] as const]).filter(([, version]) => version !== undefined)) as Record<string, string>;
  const names = SWITCHES.filter((name) => versions[name] !== undefined);
  const rows: Row[] = [];
  const ratios: { values: number; ratio: number }[] = [];
  for (const values of options.values) {
    const rates = new Map<SwitchName, Measurement[]>(names.map((name) => [name, []]));
    for (let round = 0; round < options.rounds; round++) {
      // Each round in the other order, so that neither always finds the machine as the other left it.
      for (const name of round % 2 === 0 ? names : [...names].reverse()) {
        const measured = await run(name, values, site, options);
        rates.get(name)!.push(measured);
        progress(`N = ${values}, round ${round + 1} of ${options.rounds}: ${name} ${Math.round(rate(measured))} contributions/s\n`);
      }
    }
    for (const [name, measured] of rates) {
      rows.push({ switch: name, values, contributions: median(measured.map(rate)), generatorBusy: median(measured.map(({ busy }) => busy)) });
    }
    const [first, second] = SWITCHES.map((name) => rates.get(name)?.map(rate));
    if (first !== undefined && second !== undefined) ratios.push({ values, ratio: median(second.map((each, i) => each / first[i]!)) });
  }
  const [cpu] = cpus();
  return {
    machine: `${cpus().length} x ${cpu?.model.trim() ?? process.arch}, Linux ${release()}`,
    versions,
    skipped: SWITCHES.filter((name) => !names.includes(name)),
    options,
    rows,
    ratios,
  };
}

function rate({ contributions, seconds }: Measurement): number {
  return contributions / seconds;
}

/** The report for people: the table is Markdown. */
export function render({ machine, versions, skipped, options, rows, ratios }: Report): string {
  const columns = SWITCHES.filter((name) => !skipped.includes(name));
  const line = (values: number): string => {
    const cells = columns.map((name) => {
      const row = rows.find((each) => each.switch === name && each.values === values)!;
      return `${Math.round(row.contributions).toLocaleString('en')} (${Math.round(row.generatorBusy * 100)} %)`;
    });
    const ratio = ratios.find((each) => each.values === values);
    return `| ${values} | ${cells.join(' | ')} | ${ratio === undefined ? '' : `${ratio.ratio.toFixed(2)} x`} |`;
  };
  return [
    `${machine}; ${Object.entries(versions).map(([name, version]) => `${name}: ${version}`).join(', ')}`,
    ...skipped.map((name) => `${name} is not on PATH, so it was not measured`),
    `${options.workers} workers, ${options.window} rounds in flight, median of ${options.rounds} rounds of ${options.seconds} s; contributions a second without loss (generator at work)`,
    '',
    `| N | ${columns.join(' | ')} | emulator against simple_switch_grpc |`,
    `|---|${columns.map(() => '---|').join('')}---|`,
    ...options.values.map(line),
  ].join('\n');
}

function wholeNumber(name: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < low || value > high) throw new Error(`--${name} is a whole number from ${low} to ${high}, not '${text}'`);
  return value;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      values: { type: 'string', default: '16,64' },
      workers: { type: 'string', default: '2' },
      window: { type: 'string', default: '24' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
    },
  });
  const builds = values.values.split(',').map(Number);
  if (!builds.every((each) => BUILDS.some((n) => n === each))) throw new Error(`--values is a list of ${BUILDS.join(', ')}, not '${values.values}'`);
  const options: Options = {
    values: builds,
    workers: wholeNumber('workers', values.workers, 1, 8),
    window: wholeNumber('window', values.window, 1, 512),
    rounds: wholeNumber('rounds', values.rounds, 1, 1000),
    seconds: wholeNumber('seconds', values.seconds, 1, 3600),
  };
  if (process.env[INSIDE] === undefined) {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new Error('this measurement makes a network namespace, so it needs Linux, and to be run as root');
    // What is made in the namespace is gone when its last process is.
    const { status } = spawnSync('unshare', ['--net', process.execPath, ...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } });
    return status ?? 1;
  }
  const report = await measure(options, (text) => process.stderr.write(text));
  console.log(values.json ? JSON.stringify(report, null, 2) : render(report));
  return 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main().catch((error: Error) => {
    console.error(error.message);
    return 1;
  });
}
