/**
 * Which program is in the compiler's output directory, for which chip and pipes. The drivers read this from the `.conf`
 * file; p4c's own driver does not always write one (the script p4c-gen-conf does), but it writes manifest.json.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { choices, type ArtifactError } from '../errors.js';
import { JsonPart } from './json-part.js';
import { CHIPS, PIPES, type Chip } from './ports.js';

export interface Description {
  /** Name of the file that was read. */
  readonly file: string;
  /** Name of the program: that of its main file, unless the compiler was given another name. */
  readonly program: string;
  readonly chip: Chip;
  /** Paths as in the file. */
  readonly bfrtConfig: string;
  readonly pipelines: readonly {
    readonly name: string;
    readonly context: string;
    readonly config: string;
    readonly scope: readonly number[];
  }[];
}

/** Completes "build directory D ...". */
type Wrong = (what: string) => ArtifactError;

const MANIFEST = 'manifest.json';

/** @throws ArtifactError that `wrong` makes */
export function readDescription(directory: string, wrong: Wrong): Description {
  const confs = readdirSync(directory).filter((name) => name.endsWith('.conf'));
  if (confs.length > 1) throw wrong(`has several .conf files (${choices(confs.sort())})`);
  const conf = confs[0];
  const file = conf ?? MANIFEST;
  if (!existsSync(join(directory, file))) throw wrong(`has neither ${MANIFEST} nor a .conf file`);
  const contents = new JsonPart(readJson(directory, file, wrong), '', (what) => wrong(`has a ${file} that ${what}`));
  return { file, ...(conf === undefined ? readManifest(contents) : readConf(contents)) };
}

function readJson(directory: string, name: string, wrong: Wrong): unknown {
  try {
    return JSON.parse(readFileSync(join(directory, name), 'utf8'));
  } catch (error) {
    throw wrong(`has a ${name} that is not JSON (${(error as Error).message})`);
  }
}

function readConf(file: JsonPart): Omit<Description, 'file'> {
  const chip = chipNamed(file.list('chip_list')[0]?.text('chip_family'), file);
  const devices = file.list('p4_devices');
  const programs = devices.flatMap((device) => device.list('p4_programs'));
  // Stratum loads one program on one device.
  if (devices.length !== 1 || programs.length !== 1)
    throw file.wrong(
      `names ${devices.length} devices and ${programs.length} programs, not one of each in p4_devices[0].p4_programs`,
    );
  const [program, bfrtConfig, pipelines] = [
    programs[0]!.text('program-name'),
    programs[0]!.text('bfrt-config'),
    programs[0]!.list('p4_pipelines'),
  ];
  if (program === undefined || bfrtConfig === undefined || pipelines.length === 0)
    throw file.wrong('lacks program-name, bfrt-config or p4_pipelines of its program');
  return {
    program,
    chip,
    bfrtConfig,
    pipelines: pipelines.map((pipeline) => {
      const [name, context, config, scope] = [
        pipeline.text('p4_pipeline_name'),
        pipeline.text('context'),
        pipeline.text('config'),
        pipeline.numbers('pipe_scope'),
      ];
      if (name === undefined || context === undefined || config === undefined)
        throw file.wrong('lacks p4_pipeline_name, context or config of a pipe');
      return { name, context, config, scope };
    }),
  };
}

function readManifest(file: JsonPart): Omit<Description, 'file'> {
  const chip = chipNamed(file.text('target'), file);
  if (file.get('compilation_succeeded') === false) throw file.wrong('is from a failed compilation');
  const programs = file.list('programs');
  const program = programs[0]?.text('program_name');
  if (program === undefined || programs.length > 1) throw file.wrong(`names ${programs.length} programs, not one`);
  const names = programs[0]!.list('pipes').map((pipe) => pipe.text('pipe_name') ?? '');
  if (names.length === 0 || names.includes('')) throw file.wrong('lacks the pipes of its program');
  return {
    program: program.replace(/\.p4$/, ''),
    chip,
    bfrtConfig: 'bfrt.json',
    pipelines: names.map((name, i) => ({
      name,
      context: `${name}/context.json`,
      config: `${name}/${chip}.bin`,
      scope: usualScope(chip, i, names.length),
    })),
  };
}

/** The hardware pipes of the i-th of several programs, as p4c-gen-conf assigns them. */
function usualScope(chip: Chip, i: number, programs: number): number[] {
  const each = Math.floor(PIPES / programs);
  // The outside and inside of a folded pipeline are pairs of pipes on a Tofino; on a Tofino 2, the first and the last two.
  return Array.from({ length: each }, (_, k) => (chip === 'tofino' ? k * programs + i : i * each + k));
}

function chipNamed(name: string | undefined, file: JsonPart): Chip {
  const chip = CHIPS.find((known) => known === name);
  if (chip === undefined) throw file.wrong(`is for chip family "${name ?? ''}" (chips: ${choices(CHIPS)})`);
  return chip;
}
