/**
 * Which program is in the compiler's output directory, for which chip and pipes. The `.conf` file says it to the
 * drivers; p4c's own driver does not always write one (the script p4c-gen-conf does), but manifest.json.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { choices, type ArtifactError } from '../errors.js';
import { CHIPS, PIPES, type Chip } from './ports.js';

export interface Description {
  /** Name of the program: that of its main file, unless the compiler was told otherwise. */
  readonly program: string;
  readonly chip: Chip;
  /** Paths as the file has them. */
  readonly bfrtConfig: string;
  readonly pipelines: readonly { readonly name: string; readonly context: string; readonly config: string; readonly scope: readonly number[] }[];
}

/** Completes "build directory D ...". */
type Wrong = (what: string) => ArtifactError;

const MANIFEST = 'manifest.json';

/** @throws ArtifactError that `wrong` makes */
export function readDescription(directory: string, wrong: Wrong): Description {
  const confs = readdirSync(directory).filter((name) => name.endsWith('.conf'));
  if (confs.length > 1) throw wrong(`has several .conf files (${choices(confs.sort())})`);
  const conf = confs[0];
  if (conf !== undefined) return readConf(readJson(directory, conf, wrong) as ConfFile, (what) => wrong(`has a ${conf} that ${what}`));
  if (!existsSync(join(directory, MANIFEST))) throw wrong(`has neither ${MANIFEST} nor a .conf file`);
  return readManifest(readJson(directory, MANIFEST, wrong) as ManifestFile, (what) => wrong(`has a ${MANIFEST} that ${what}`));
}

function readJson(directory: string, name: string, wrong: Wrong): unknown {
  try {
    return JSON.parse(readFileSync(join(directory, name), 'utf8'));
  } catch (error) {
    throw wrong(`has a ${name} that is not JSON (${(error as Error).message})`);
  }
}

/** The file's form, as far as it is needed. */
interface ConfFile {
  chip_list?: { chip_family?: string }[];
  p4_devices?: {
    p4_programs?: { 'program-name'?: string; 'bfrt-config'?: string; p4_pipelines?: { p4_pipeline_name?: string; context?: string; config?: string; pipe_scope?: number[] }[] }[];
  }[];
}

function readConf(file: ConfFile, wrong: Wrong): Description {
  const chip = chipNamed(file.chip_list?.[0]?.chip_family, wrong);
  const devices = file.p4_devices ?? [];
  const programs = devices.flatMap((device) => device.p4_programs ?? []);
  // Stratum loads one program on one device.
  if (devices.length !== 1 || programs.length !== 1) throw wrong(`names ${devices.length} devices and ${programs.length} programs, not one of each in p4_devices[0].p4_programs`);
  const { 'program-name': program, 'bfrt-config': bfrtConfig, p4_pipelines: pipelines = [] } = programs[0]!;
  if (program === undefined || bfrtConfig === undefined || pipelines.length === 0) throw wrong('lacks program-name, bfrt-config or p4_pipelines of its program');
  return {
    program,
    chip,
    bfrtConfig,
    pipelines: pipelines.map(({ p4_pipeline_name: name, context, config, pipe_scope: scope = [] }) => {
      if (name === undefined || context === undefined || config === undefined) throw wrong('lacks p4_pipeline_name, context or config of a pipe');
      return { name, context, config, scope };
    }),
  };
}

interface ManifestFile {
  target?: string;
  compilation_succeeded?: boolean;
  programs?: { program_name?: string; pipes?: { pipe_name?: string; files?: { context?: { path?: string } } }[] }[];
}

function readManifest(file: ManifestFile, wrong: Wrong): Description {
  const chip = chipNamed(file.target, wrong);
  if (file.compilation_succeeded === false) throw wrong('is of a compilation that failed');
  const [program, ...others] = file.programs ?? [];
  if (program?.program_name === undefined || others.length > 0) throw wrong(`names ${file.programs?.length ?? 0} programs, not one`);
  const names = (program.pipes ?? []).map(({ pipe_name: name }) => name ?? '');
  if (names.length === 0 || names.includes('')) throw wrong('lacks the pipes of its program');
  return {
    program: program.program_name.replace(/\.p4$/, ''),
    chip,
    bfrtConfig: 'bfrt.json',
    pipelines: names.map((name, i) => ({ name, context: `${name}/context.json`, config: `${name}/${chip}.bin`, scope: usualScope(chip, i, names.length) })),
  };
}

/** The hardware pipes of the i-th of several programs, as p4c-gen-conf deals them out. */
function usualScope(chip: Chip, i: number, programs: number): number[] {
  const each = Math.floor(PIPES / programs);
  // Pairs of a Tofino's pipes are outside and inside of a folded pipeline; of a Tofino-2's, the first and the last two.
  return Array.from({ length: each }, (_, k) => (chip === 'tofino' ? k * programs + i : i * each + k));
}

function chipNamed(name: string | undefined, wrong: Wrong): Chip {
  const chip = CHIPS.find((known) => known === name);
  if (chip === undefined) throw wrong(`is for chip family "${name ?? ''}" (chips: ${choices(CHIPS)})`);
  return chip;
}
