import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EmulatorError } from '../errors.js';

/** The folder is not p4c's test data; the message says what was looked for. */
export class SuiteError extends EmulatorError {
  override readonly name = 'SuiteError';
  constructor(problem: string) {
    super('EMULATOR_SUITE', problem);
  }
}

/**
 * How p4c's own build treats a program (backends/bmv2/CMakeLists.txt): `core` are those that it runs on
 * simple_switch; `parser-inline-opt` are the ones that it runs a second time with that option; `predication` has an
 * STF file but matches none of the patterns there, so its expectations are unverified; `p4_14` needs a p4c that reads
 * P4_14.
 */
export const SUITE_GROUPS = ['core', 'parser-inline-opt', 'predication', 'p4_14'] as const;
export type SuiteGroup = (typeof SUITE_GROUPS)[number];

export interface SuiteCase {
  readonly group: SuiteGroup;
  /** Path below the test data, without its extension. */
  readonly program: string;
  readonly source: string;
  readonly stf: string;
  /** Options of p4c. */
  readonly options: readonly string[];
}

/** A program with an STF file that is not for this switch. */
export interface Exclusion {
  readonly program: string;
  readonly reason: string;
}

export interface Suite {
  readonly cases: readonly SuiteCase[];
  readonly excluded: readonly Exclusion[];
}

const EXCLUDED: Readonly<Record<string, string>> = {
  'extern-funcs-bmv2': 'needs a C++ module that is loaded into simple_switch',
};

/** By the architecture file that a program includes. */
const ARCHITECTURES: readonly (readonly [include: RegExp, name: string])[] = [
  [/v1model\.p4/, 'v1model'],
  [/psa\.p4/, 'PSA'],
  [/pna\.p4/, 'PNA'],
  [/ebpf_model\.p4/, 'eBPF'],
  [/ubpf_model\.p4/, 'uBPF'],
  [/xdp_model\.p4/, 'XDP'],
];
const UNKNOWN_ARCHITECTURE = 'its own or none';
const NO_PROGRAM = 'there is no program with this name';

const P4_16 = 'p4_16_samples';
const P4_14 = 'p4_14_samples';
const INLINE = 'parser-inline';

/**
 * Finds the programs with an STF file in p4c's test data.
 * @param directory `testdata` of p4c's sources, the folder above it, or `testdata/p4_16_samples`.
 * @throws SuiteError if it is none of them.
 */
export async function findSuite(directory: string): Promise<Suite> {
  const root = await findRoot(resolve(directory));
  const cases: SuiteCase[] = [];
  const excluded: Exclusion[] = [];
  const add = (found: SuiteCase | Exclusion): void => {
    if ('reason' in found) excluded.push(found);
    else if (!existsSync(found.source)) excluded.push({ program: found.program, reason: NO_PROGRAM });
    else cases.push(found);
  };
  for (const name of await tests(join(root, P4_16))) add(await sort(root, `${P4_16}/${name}`));
  for (const name of await tests(join(root, P4_16, INLINE))) {
    const plain = testCase(root, 'core', `${P4_16}/${INLINE}/${name}`);
    add(plain);
    add({ ...plain, group: 'parser-inline-opt', options: ['--parser-inline-opt'] });
  }
  for (const folder of await p4_14Folders(root)) {
    for (const name of await tests(join(root, folder)))
      add({ ...testCase(root, 'p4_14', `${folder}/${name}`), options: ['--std', 'p4-14'] });
  }
  if (cases.length === 0) throw new SuiteError(`${directory} has no program for v1model with an STF file`);
  return { cases, excluded };
}

async function findRoot(directory: string): Promise<string> {
  const candidates = [directory, join(directory, 'testdata')];
  if (basename(directory) === P4_16) candidates.push(dirname(directory));
  for (const root of candidates) if ((await tests(join(root, P4_16))).length > 0) return root;
  throw new SuiteError(
    `${directory} is not p4c's test data: it should be "testdata" of p4c's sources, with STF files in "${P4_16}"`,
  );
}

/** Names of the STF files of a folder, without their extension; empty if there is no such folder. */
async function tests(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder))
      .filter((name) => name.endsWith('.stf'))
      .map((name) => name.slice(0, -4))
      .sort();
  } catch {
    return [];
  }
}

async function p4_14Folders(root: string): Promise<string[]> {
  const folders = [P4_14];
  try {
    const below = await readdir(join(root, P4_14), { withFileTypes: true });
    folders.push(
      ...below
        .filter((each) => each.isDirectory() && each.name.startsWith('switch_'))
        .map((each) => `${P4_14}/${each.name}`),
    );
  } catch {
    return [];
  }
  return folders;
}

function testCase(root: string, group: SuiteGroup, program: string): SuiteCase {
  const path = join(root, program);
  return { group, program, source: `${path}.p4`, stf: `${path}.stf`, options: [] };
}

async function sort(root: string, program: string): Promise<SuiteCase | Exclusion> {
  const found = testCase(root, program.endsWith('-bmv2') ? 'core' : 'predication', program);
  const special = EXCLUDED[basename(program)];
  if (special !== undefined) return { program, reason: special };
  if (!existsSync(found.source)) return { program, reason: NO_PROGRAM };
  const architecture = await architectureOf(found.source);
  return architecture === 'v1model' ? found : { program, reason: `architecture: ${architecture}` };
}

async function architectureOf(source: string): Promise<string> {
  const text = await readFile(source, 'utf8');
  const includes = [...text.matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm)].map(([, name]) => name!);
  const found = ARCHITECTURES.find(([pattern]) => includes.some((name) => pattern.test(name)));
  return found?.[1] ?? (/\bV1Switch\s*\(/.test(text) ? 'v1model' : UNKNOWN_ARCHITECTURE);
}
