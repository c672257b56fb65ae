/**
 * Runs both engines on random packets, entries and state, seed after seed, and stops at the first difference.
 *
 *     npm run build && node dist/bench/fuzz-engines.js [--packets 1000000] [--seed 1] [--only NAME] [FOLDER ...]
 *
 * Folders hold BMv2 JSON; without any, the programs of the tests and the fpisa builds are run.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { loadCompiler } from '../emulator/compiler/cache.js';
import { Differential } from './fuzz/differential.js';

const FOLDERS = ['../../test/emulator/programs/', '../../p4/build/'].map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
const PACKETS_PER_RUN = 200;
const REPORT_EVERY_MS = 10_000;

export interface FuzzReport {
  packets: number;
  outputs: number;
  aborted: number;
  entries: number;
  runs: number;
}

export async function fuzz(files: readonly string[], packets: number, firstSeed: number, report: (soFar: FuzzReport) => void): Promise<FuzzReport> {
  await loadCompiler();
  const programs = files.map((file) => ({ name: basename(file, '.json'), json: readFileSync(file, 'utf8') }));
  const total: FuzzReport = { packets: 0, outputs: 0, aborted: 0, entries: 0, runs: 0 };
  for (let seed = firstSeed; total.packets < packets; seed++) {
    for (const { name, json } of programs) {
      const run = await new Differential(name, json, seed).prepare();
      const result = run.run(Math.min(PACKETS_PER_RUN, packets - total.packets));
      for (const key of ['packets', 'outputs', 'aborted', 'entries'] as const) total[key] += result[key];
      total.runs++;
      report(total);
      if (total.packets >= packets) break;
    }
  }
  return total;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { packets: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' }, only: { type: 'string', default: '' } },
  });
  const files = (positionals.length === 0 ? FOLDERS : positionals)
    .flatMap((folder) => readdirSync(folder).filter((file) => file.endsWith('.json') && file.includes(values.only)).map((file) => join(folder, file)));
  let reported = Date.now();
  const total = await fuzz(files, Number(values.packets), Number(values.seed), (soFar) => {
    if (Date.now() - reported < REPORT_EVERY_MS) return;
    reported = Date.now();
    process.stderr.write(`${soFar.packets} packets, ${soFar.runs} runs\n`);
  });
  process.stdout.write(`no difference in ${total.packets} packets (${total.outputs} outputs, ${total.aborted} aborted, ${total.entries} changes by the control plane, ${total.runs} runs)\n`);
}
