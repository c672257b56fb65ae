/** What p4c's Tofino back end writes into its output directory, located by the description of the program in it. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { ArtifactError, choices } from '../errors.js';
import { readDescription } from './description.js';
import type { Chip } from './ports.js';

export interface CompiledPipe {
  readonly name: string;
  readonly context: Uint8Array;
  readonly binary: Uint8Array;
  readonly scope: readonly number[];
}

export interface CompilerOutput {
  /** Name of the program: that of its main file, unless the compiler was given another name. */
  readonly program: string;
  readonly chip: Chip;
  /** Name of the file that describes the program. */
  readonly description: string;
  /** In text or JSON form. */
  readonly p4info: string;
  readonly bfrt: Uint8Array;
  readonly pipes: readonly CompiledPipe[];
}

const EXPECTED =
  'expected what p4c --target tofino -o DIRECTORY --p4runtime-files DIRECTORY/PROGRAM.p4info.txtpb --p4runtime-force-std-externs writes: ' +
  'manifest.json or PROGRAM.conf, PROGRAM.p4info.txtpb, bfrt.json, and for each pipe PIPE/context.json and PIPE/tofino.bin';

/** @throws ArtifactError saying what is missing or wrong, and what a build directory contains */
export function readCompilerOutput(directory: string): CompilerOutput {
  const wrong = (what: string): ArtifactError => new ArtifactError(`build directory ${directory} ${what}; ${EXPECTED}`);
  if (!existsSync(directory)) throw wrong('does not exist');
  if (!statSync(directory).isDirectory()) throw wrong('is a file');
  const { file: description, program, chip, bfrtConfig, pipelines } = readDescription(directory, wrong);

  const p4infoPath = findP4Info(directory, program);
  const missing = p4infoPath === undefined ? [`${program}.p4info.txtpb`] : [];
  const located = (path: string, pipe = ''): string => {
    const found = locate(directory, pipe, path);
    if (found === undefined) missing.push(join(pipe, basename(path)));
    return found ?? '';
  };
  const bfrtPath = located(bfrtConfig);
  const paths = pipelines.map(({ name, context, config, scope }) => ({
    name,
    scope,
    context: located(context, name),
    binary: located(config, name),
  }));
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
    description,
    p4info: readFileSync(p4infoPath!, 'utf8'),
    bfrt: json(bfrtPath),
    pipes: paths.map(({ name, scope, ...files }) => ({
      name,
      scope,
      context: json(files.context),
      binary: binary(files.binary),
    })),
  };
}

/**
 * The compiler writes paths as they were when it ran, relative to its own working directory or to where the
 * program would be installed. So the file's usual place in the directory is tried first, wherever the directory has been moved.
 */
function locate(directory: string, pipe: string, path: string): string | undefined {
  const places = [join(directory, pipe, basename(path)), isAbsolute(path) ? path : join(directory, path)];
  return places.find((place) => existsSync(place));
}

function findP4Info(directory: string, program: string): string | undefined {
  const names = ['p4info.txtpb', 'p4info.txt', 'p4info.json'].flatMap((ending) => [`${program}.${ending}`, ending]);
  return names.map((name) => join(directory, name)).find((path) => existsSync(path));
}
