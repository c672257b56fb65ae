/**
 * Nanoseconds per fp32 value that the switch adds, for each engine, compared with a C loop of the same arithmetic.
 *
 *     npm run build && node dist/bench/engine.js [--json] [--values 64,256] [--seconds 2]
 *
 * A packet is measured as a whole: parser, tables, arithmetic, registers. Contributions do not complete a round, so
 * there is no output. The C loop (bench/c/fpisa_add.c, compiled with cc -O3 without vectors) only adds.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Switch, type EngineChoice, type MatchKey } from '../emulator/index.js';
import { encapsulate, type FrameEndpoint } from '../net/frames.js';
import { macOfIpv4 } from '../net/mac.js';
import { Opcode, SERVICE_UDP_PORT } from '../protocol/constants.js';
import { emptyHeader, HEADER_BYTES, messageBytes, Offset, writeHeader } from '../protocol/message.js';
import { runAsCommand, seconds, wholeNumbers } from '../scripts/arguments.js';

const WORKERS = 32;
/** Fewer than the members, so that no round ends. */
const CONTRIBUTORS = 31;
const SLOTS = 8;
const GUARD = 2;
/** To nearest, as the profile fpisa aligns. */
const ALIGNMENT = 1;
const FIRST_PORT = 40_000;
const SERVICE: FrameEndpoint = {
  mac: macOfIpv4(Uint8Array.of(10, 0, 0, 254)),
  ip: Uint8Array.of(10, 0, 0, 254),
  udpPort: SERVICE_UDP_PORT,
};
const C_SOURCE = fileURLToPath(new URL('../../bench/c/fpisa_add.c', import.meta.url));

export interface EngineRow {
  readonly engine: 'interpreter' | 'compiled' | 'C loop';
  readonly values: number;
  readonly nsPerValue: number;
  /** Relative to the C loop; undefined where there is no C compiler. */
  readonly ratio: number | undefined;
}

function workerAddress(rank: number): number {
  return 0x0a000001 + rank;
}

function committed(values: number): string {
  return readFileSync(new URL(`../../p4/build/fpisa-n${values}.json`, import.meta.url), 'utf8');
}

function startSwitch(json: string, engine: EngineChoice): Switch {
  const device = new Switch({ engine });
  device.load(json);
  const exact = (value: number): MatchKey => ({ kind: 'exact', value: BigInt(value) });
  device.control.insertEntry('fpisa.local', {
    keys: [exact(0x0a0000fe)],
    priority: 0,
    call: { action: 'fpisa.serve', args: [] },
  });
  for (let rank = 0; rank < WORKERS; rank++) {
    const profile = [0, 0, GUARD, 1, 0, ALIGNMENT];
    const args = [2 ** rank, 2 ** WORKERS - 1, 1, 0, SLOTS, 1, ...profile].map(BigInt);
    const keys = [rank + 1, workerAddress(rank), FIRST_PORT + rank, 0, rank].map(exact);
    device.control.insertEntry('fpisa.member', { keys, priority: 0, call: { action: 'fpisa.join', args } });
  }
  return device;
}

/** xorshift32, as in the C program: arbitrary signs and fractions, magnitudes like those of gradients. */
function words(count: number): Uint32Array {
  let state = 1;
  return Uint32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const random = state >>> 0;
    return ((random & 0x807fffff) | ((110 + ((random >>> 23) & 7)) << 23)) >>> 0;
  });
}

/** One frame for each worker; slot, set and chunk are rewritten for each round. */
function frames(values: number): Uint8Array[] {
  const all = words(WORKERS * values);
  return Array.from({ length: CONTRIBUTORS }, (_, rank) => {
    const message = new Uint8Array(messageBytes(values));
    const view = new DataView(message.buffer);
    writeHeader(view, { ...emptyHeader(Opcode.CONTRIBUTE), worker: rank, epoch: 1, operation: 1, count: values });
    for (let i = 0; i < values; i++) view.setUint32(HEADER_BYTES + 4 * i, all[rank * values + i]!, true);
    const address = workerAddress(rank);
    const from: FrameEndpoint = {
      mac: macOfIpv4(Uint8Array.of(10, 0, 0, rank + 1)),
      ip: Uint8Array.of(address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255),
      udpPort: FIRST_PORT + rank,
    };
    return encapsulate(from, SERVICE, message);
  });
}

/**
 * @param json the fpisa program with this many values per packet; by default the committed build
 * @returns nanoseconds per value
 */
export async function measureEngine(
  values: number,
  engine: 'interpreter' | 'compiled',
  seconds: number,
  json = committed(values),
): Promise<number> {
  const device = startSwitch(json, engine);
  await device.ready();
  const packets = frames(values);
  const message = packets[0]!.length - messageBytes(values);
  const views = packets.map((packet) => new DataView(packet.buffer));
  let chunk = 0;
  const round = (): void => {
    for (let rank = 0; rank < CONTRIBUTORS; rank++) {
      views[rank]!.setUint32(message + Offset.chunk, chunk);
      views[rank]!.setUint16(message + Offset.slot, chunk % SLOTS);
      views[rank]!.setUint8(message + Offset.set, Math.floor(chunk / SLOTS) % 2);
      device.receive(rank + 1, packets[rank]!);
    }
    chunk++;
  };
  run(round, seconds / 2);
  const nsPerRound = run(round, seconds);
  const contributions = device.control.readCounter('fpisa.events', 0).packets;
  if (contributions !== BigInt(chunk * CONTRIBUTORS))
    throw new Error(`${chunk * CONTRIBUTORS} packets were sent, but ${contributions} counted`);
  return nsPerRound / (CONTRIBUTORS * values);
}

/** Nanoseconds of one call: the median over `seconds`, which is robust against other load on the machine. */
function run(work: () => void, seconds: number): number {
  const times: number[] = [];
  const end = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
  for (let from = process.hrtime.bigint(), to = from; from < end; from = to) {
    work();
    to = process.hrtime.bigint();
    times.push(Number(to - from));
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!;
}

/** Undefined if there is no C compiler. */
export function measureC(values: number, seconds: number): number | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'fpisa-bench-'));
  try {
    const binary = join(folder, 'fpisa_add');
    execFileSync('cc', ['-O3', '-fno-tree-vectorize', '-o', binary, C_SOURCE], { stdio: 'ignore' });
    const rounds = Math.ceil((seconds * 1e9) / (2 * 4 * values * CONTRIBUTORS));
    return Number(execFileSync(binary, [values, CONTRIBUTORS, rounds].map(String), { encoding: 'utf8' }).split(' ')[0]);
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export async function measure(values: readonly number[], seconds: number): Promise<EngineRow[]> {
  const rows: EngineRow[] = [];
  for (const n of values) {
    const c = measureC(n, seconds);
    const add = (engine: EngineRow['engine'], nsPerValue: number): void => {
      rows.push({ engine, values: n, nsPerValue, ratio: c === undefined ? undefined : nsPerValue / c });
    };
    if (c !== undefined) add('C loop', c);
    add('compiled', await measureEngine(n, 'compiled', seconds));
    add('interpreter', await measureEngine(n, 'interpreter', seconds));
  }
  return rows;
}

function render(rows: readonly EngineRow[]): string {
  const lines = rows.map(
    ({ engine, values, nsPerValue, ratio }) =>
      `${String(values).padStart(6)}  ${engine.padEnd(12)} ${nsPerValue.toFixed(2).padStart(9)}  ${ratio === undefined ? '-' : `${ratio.toFixed(2)} x`.padStart(10)}`,
  );
  return ['values  engine       ns/value      of C loop', ...lines].join('\n');
}

async function main(): Promise<number> {
  const { values: options } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      values: { type: 'string', default: '64,256' },
      seconds: { type: 'string', default: '2' },
    },
  });
  const rows = await measure(wholeNumbers('values', options.values, 1, 2048), seconds(options.seconds));
  process.stdout.write(options.json ? `${JSON.stringify(rows, null, 2)}\n` : `${render(rows)}\n`);
  return 0;
}

await runAsCommand(import.meta.url, main);
