/**
 * Runs both engines on random packets, entries and state, seed after seed, and stops at the first difference.
 *
 *     npm run build && node dist/fuzz/engines.js [--packets 1000000] [--seed 1] [--only NAME] [--generated 25] [--json] [FOLDER ...]
 *
 * Folders hold BMv2 JSON; without any, the programs of the tests and the fpisa builds are run. `--generated`:
 * percentage of runs that use a random program, a new one each time.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadCompiler } from '../emulator/compiler/cache.js';
import { UnsupportedFeatureError } from '../emulator/errors.js';
import { loadProgram } from '../emulator/json/load.js';
import type { Program } from '../emulator/json/program.js';
import type { Coverage } from './engines/coverage.js';
import { Dice } from './engines/dice.js';
import { DifferenceError, Differential } from './engines/differential.js';
import { randomLoops } from './engines/generate/loops.js';
import { randomProgram } from './engines/generate/program.js';
import { runAsCommand, wholeNumber } from '../scripts/arguments.js';

const FOLDERS = ['../../test/emulator/programs/', '../../p4/build/'].map((folder) =>
  fileURLToPath(new URL(folder, import.meta.url)),
);
const PACKETS_PER_RUN = 2_000;
/** A program with more fields than this gets proportionally fewer packets: each takes longer. */
const FIELDS_OF_A_SMALL_PROGRAM = 100;
const COMPARE_EVERY = 32;
const GENERATED = 'generated';
const REPORT_EVERY_MS = 10_000;

interface Source {
  readonly name: string;
  readonly program: Program;
}

export interface ProgramReport {
  packets: number;
  runs: number;
  coverage: Coverage | undefined;
}

export interface FuzzReport {
  packets: number;
  outputs: number;
  aborted: number;
  changes: number;
  runs: number;
  generated: number;
  readonly programs: Map<string, ProgramReport>;
}

export interface FuzzOptions {
  readonly packets: number;
  readonly firstSeed: number;
  /** Percentage of runs that use a random program. */
  readonly generated: number;
  readonly onRun?: (soFar: FuzzReport) => void;
}

/** @throws DifferenceError that names the packet. */
export async function fuzz(
  sources: readonly Source[],
  { packets, firstSeed, generated, onRun }: FuzzOptions,
): Promise<FuzzReport> {
  await loadCompiler();
  const total: FuzzReport = {
    packets: 0,
    outputs: 0,
    aborted: 0,
    changes: 0,
    runs: 0,
    generated: 0,
    programs: new Map(),
  };
  for (let seed = firstSeed; total.packets < packets; seed++) {
    const dice = new Dice(seed);
    const random = sources.length === 0 || dice.below(100) < generated;
    const source = random
      ? { name: GENERATED, program: loadProgram(dice.oneIn(3) ? randomLoops(seed) : randomProgram(seed)) }
      : sources[seed % sources.length]!;
    const scale = Math.max(1, source.program.fieldCount / FIELDS_OF_A_SMALL_PROGRAM);
    const count = Math.min(Math.ceil(PACKETS_PER_RUN / scale), packets - total.packets);
    await runOnce(source, seed, count, total);
    if (random) total.generated++;
    onRun?.(total);
  }
  return total;
}

async function runOnce({ name, program }: Source, seed: number, packets: number, total: FuzzReport): Promise<void> {
  const run = await new Differential(name, program, seed, { compareEvery: COMPARE_EVERY }).prepare();
  try {
    const result = run.run(packets);
    for (const key of ['packets', 'outputs', 'aborted', 'changes'] as const) total[key] += result[key];
    total.runs++;
  } catch (error) {
    // Again, comparing after every packet, to find the one after which state differs.
    if (error instanceof DifferenceError) (await new Differential(name, program, seed).prepare()).run(packets);
    throw error;
  }
  const report = total.programs.get(name) ?? { packets: 0, runs: 0, coverage: undefined };
  total.programs.set(name, report);
  report.packets += packets;
  report.runs++;
  if (name === GENERATED) return;
  if (report.coverage === undefined) report.coverage = run.coverage;
  else report.coverage.merge(run.coverage);
}

function loadFolder(folder: string, only: string): Source[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json') && file.includes(only))
    .flatMap((file) => {
      try {
        return [{ name: basename(file, '.json'), program: loadProgram(readFileSync(join(folder, file), 'utf8')) }];
      } catch (error) {
        if (!(error instanceof UnsupportedFeatureError)) throw error;
        process.stderr.write(`skipped: ${file}: ${error.message}\n`);
        return [];
      }
    });
}

function summary(total: FuzzReport): string {
  const lines = [
    `no difference in ${total.packets} packets (${total.outputs} outputs, ${total.aborted} aborted, ${total.changes} changes by the control plane, ${total.runs} runs, ${total.generated} of them of random programs)`,
  ];
  let [reached, parts] = [0, 0];
  for (const [name, { packets, coverage }] of total.programs) {
    if (coverage === undefined) continue;
    reached += coverage.reached;
    parts += coverage.parts;
    if (coverage.unreached.length > 0)
      lines.push(
        `  ${name}, ${packets} packets: ${coverage.reached} of ${coverage.parts} parts; not ${coverage.unreached.join(', ')}`,
      );
  }
  if (parts > 0)
    lines.push(`${reached} of ${parts} parser states, hits, misses, actions and results of conditions were reached`);
  return `${lines.join('\n')}\n`;
}

function plain(total: FuzzReport): object {
  const programs = [...total.programs].map(([name, { packets, runs, coverage }]) => ({
    name,
    packets,
    runs,
    parts: coverage?.parts,
    unreached: coverage?.unreached,
  }));
  return { ...total, programs };
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      packets: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      generated: { type: 'string', default: '25' },
      json: { type: 'boolean', default: false },
    },
  });
  const sources = (positionals.length === 0 ? FOLDERS : positionals).flatMap((folder) =>
    loadFolder(folder, values.only),
  );
  let reported = Date.now();
  const total = await fuzz(sources, {
    packets: wholeNumber('packets', values.packets, 1),
    firstSeed: wholeNumber('seed', values.seed, 0),
    generated: wholeNumber('generated', values.generated, 0, 100),
    onRun: (soFar) => {
      if (Date.now() - reported < REPORT_EVERY_MS) return;
      reported = Date.now();
      process.stderr.write(`${soFar.packets} packets, ${soFar.runs} runs\n`);
    },
  });
  process.stdout.write(values.json ? `${JSON.stringify(plain(total))}\n` : summary(total));
  return 0;
}

await runAsCommand(import.meta.url, main);
