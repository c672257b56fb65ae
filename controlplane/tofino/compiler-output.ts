/** What p4c's Tofino back end writes into its output directory, found by the `.conf` file there. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { ArtifactError, choices } from '../errors.js';
import { CHIPS, type Chip } from './ports.js';

export interface CompiledPipe {
  readonly name: string;
  readonly context: Uint8Array;
  readonly binary: Uint8Array;
  readonly scope: readonly number[];
}

export interface CompilerOutput {
  /** Name of the program: that of its main file, unless the compiler was told otherwise. */
  readonly program: string;
  readonly chip: Chip;
  /** In text or JSON form. */
  readonly p4info: string;
  readonly bfrt: Uint8Array;
  readonly pipes: readonly CompiledPipe[];
}

const EXPECTED =
  'expected what p4c --target tofino -o DIRECTORY --p4runtime-files DIRECTORY/PROGRAM.p4info.txtpb --p4runtime-force-std-externs writes: ' +
  'PROGRAM.conf, PROGRAM.p4info.txtpb, bfrt.json, and for each pipe PIPE/context.json and PIPE/tofino.bin';

/** @throws ArtifactError saying what is missing or wrong, and what a build directory holds */
export function readCompilerOutput(directory: string): CompilerOutput {
  const wrong = (what: string): ArtifactError => new ArtifactError(`build directory ${directory} ${what}; ${EXPECTED}`);
  if (!existsSync(directory)) throw wrong('does not exist');
  if (!statSync(directory).isDirectory()) throw wrong('is a file');
  const confs = readdirSync(directory).filter((name) => name.endsWith('.conf'));
  if (confs.length === 0) throw wrong('has no .conf file');
  if (confs.length > 1) throw wrong(`has several .conf files (${choices(confs.sort())})`);
  const conf = confs[0]!;
  const { program, chip, bfrtConfig, pipelines } = readConf(join(directory, conf), (what) => wrong(`has a ${conf} that ${what}`));

  const p4infoPath = findP4Info(directory, program);
  const missing = p4infoPath === undefined ? [`${program}.p4info.txtpb`] : [];
  const located = (path: string, pipe = ''): string => {
    const found = locate(directory, pipe, path);
    if (found === undefined) missing.push(join(pipe, basename(path)));
    return found ?? '';
  };
  const bfrtPath = located(bfrtConfig);
  const paths = pipelines.map(({ name, context, config, scope }) => ({ name, scope, context: located(context, name), binary: located(config, name) }));
  if (missing.length > 0) throw wrong(`lacks ${choices(missing)}`);

  const json = (path: string): Uint8Array => {
    const contents = readFileSync(path);
    try {
      JSON.parse(contents.toString('utf8'));
    } catch (error) {
      throw wrong(`has a ${basename(path)} that is not JSON (${(error as Error).message})`);
    }
    return contents;
  };
  const binary = (path: string): Uint8Array => {
    const contents = readFileSync(path);
    if (contents.length === 0) throw wrong(`has an empty ${basename(path)}`);
    return contents;
  };
  return {
    program,
    chip,
    p4info: readFileSync(p4infoPath!, 'utf8'),
    bfrt: json(bfrtPath),
    pipes: paths.map(({ name, scope, ...files }) => ({ name, scope, context: json(files.context), binary: binary(files.binary) })),
  };
}

interface Conf {
  readonly program: string;
  readonly chip: Chip;
  readonly bfrtConfig: string;
  readonly pipelines: readonly { readonly name: string; readonly context: string; readonly config: string; readonly scope: readonly number[] }[];
}

/** The file's form, as far as it is needed. */
interface ConfFile {
  chip_list?: { chip_family?: string }[];
  p4_devices?: {
    p4_programs?: { 'program-name'?: string; 'bfrt-config'?: string; p4_pipelines?: { p4_pipeline_name?: string; context?: string; config?: string; pipe_scope?: number[] }[] }[];
  }[];
}

function readConf(path: string, wrong: (what: string) => ArtifactError): Conf {
  let file: ConfFile;
  try {
    file = JSON.parse(readFileSync(path, 'utf8')) as ConfFile;
  } catch (error) {
    throw wrong(`is not JSON (${(error as Error).message})`);
  }
  const family = file.chip_list?.[0]?.chip_family;
  const chip = CHIPS.find((name) => name === family);
  if (chip === undefined) throw wrong(`is for chip family "${family ?? ''}" (chips: ${choices(CHIPS)})`);
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

/**
 * The compiler writes paths as they were when it ran, relative to its own working directory or to where the
 * program would be installed. So the file's place in the directory comes first, wherever that has moved.
 */
function locate(directory: string, pipe: string, path: string): string | undefined {
  const places = [join(directory, pipe, basename(path)), isAbsolute(path) ? path : join(directory, path)];
  return places.find((place) => existsSync(place));
}

function findP4Info(directory: string, program: string): string | undefined {
  const names = ['p4info.txtpb', 'p4info.txt', 'p4info.json'].flatMap((ending) => [`${program}.${ending}`, ending]);
  return names.map((name) => join(directory, name)).find((path) => existsSync(path));
}
