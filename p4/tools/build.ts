/**
 * `npm run p4`: compiles the P4 programs and writes the files that are committed to p4/build/.
 * Needs `p4c` with loops in actions (from April 2026 on) on PATH.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { RESTRICTED_BUILDS } from '../../protocol/builds.js';
import { BUILDS } from '../../protocol/constants.js';
import { QUERY_BUILDS } from '../../protocol/query/constants.js';
import { shippedFile } from '../../net/package-files.js';

const run = promisify(execFile);

/** A program with its sizes, named like its artifacts. */
export interface Build {
  readonly name: string;
  /** Its main file. */
  readonly source: string;
  /** Preprocessor definitions, as on the compiler's command line. */
  readonly defines: readonly string[];
}

const ALLREDUCE = 'p4/v1model/main.p4';
const QUERY = 'p4/v1model/query/main.p4';

export const V1MODEL_BUILDS: readonly Build[] = [
  ...BUILDS.map((n) => ({ name: `fpisa-n${n}`, source: ALLREDUCE, defines: [`-DVALUES_PER_PACKET=${n}`] })),
  // Tofino's arithmetic (docs/tofino.md), on BMv2.
  ...RESTRICTED_BUILDS.map((n) => ({
    name: `fpisa-a-n${n}`,
    source: ALLREDUCE,
    defines: [`-DVALUES_PER_PACKET=${n}`, '-DRESTRICTED_ARITHMETIC'],
  })),
  // Test builds: the other shifts of p4/tna. One value, because values do not depend on each other.
  {
    name: 'fpisa-a-n1-paper',
    source: ALLREDUCE,
    defines: ['-DVALUES_PER_PACKET=1', '-DRESTRICTED_ARITHMETIC', '-DPAPER_LAYOUT'],
  },
  {
    name: 'fpisa-a-n1-narrow',
    source: ALLREDUCE,
    defines: ['-DVALUES_PER_PACKET=1', '-DRESTRICTED_ARITHMETIC', '-DNARROW_SHIFT'],
  },
  // A test build that can lose packets on purpose.
  { name: 'fpisa-n16-faults', source: ALLREDUCE, defines: ['-DVALUES_PER_PACKET=16', '-DFAULT_INJECTION'] },
  ...QUERY_BUILDS.map(({ name, lanes }) => ({ name, source: QUERY, defines: [`-DLANES=${lanes}`] })),
];

export interface Artifacts {
  /** BMv2 JSON, compact and without source locations. */
  readonly json: string;
  /** P4Info in protobuf text format. */
  readonly p4info: string;
}

/** The compiler's version line, or undefined when p4c is not on PATH. */
export async function p4cVersion(): Promise<string | undefined> {
  try {
    return (await run('p4c', ['--version'])).stdout.trim();
  } catch {
    return undefined;
  }
}

/** @throws an Error with the compiler's output if it rejects the program. */
export async function compile(build: Build): Promise<Artifacts> {
  const directory = await mkdtemp(join(tmpdir(), 'fpisa-p4-'));
  try {
    const p4info = join(directory, 'main.p4info.txtpb');
    await run(
      'p4c',
      [
        ...['--target', 'bmv2', '--arch', 'v1model', '--Wdisable=unused'],
        ...build.defines,
        ...['--p4runtime-files', p4info, '-o', directory, shippedFile(build.source)],
      ],
      { maxBuffer: 1 << 24 },
    );
    return {
      json: compact(await readFile(join(directory, 'main.json'), 'utf8'), build.name),
      p4info: await readFile(p4info, 'utf8'),
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Source locations are two thirds of the file, and the program's path is from the machine that built it. */
function compact(json: string, name: string): string {
  const program = JSON.parse(json, (key, value) => (key === 'source_info' ? undefined : value)) as Record<
    string,
    unknown
  >;
  return `${JSON.stringify({ ...program, program: name })}\n`;
}

async function main(): Promise<void> {
  const version = await p4cVersion();
  if (version === undefined) throw new Error('p4c is not on PATH; docs/architecture.md says how to get it');
  const target = join(dirname(shippedFile(ALLREDUCE)), '../build');
  await mkdir(target, { recursive: true });
  for (const build of V1MODEL_BUILDS) {
    const { json, p4info } = await compile(build);
    await writeFile(join(target, `${build.name}.json`), json);
    await writeFile(join(target, `${build.name}.p4info.txtpb`), p4info);
    console.log(`${build.name}: ${Math.round(json.length / 1024)} KiB of JSON, ${version}`);
  }
}

if (process.argv[1]?.endsWith('build.js')) await main();
