/** A Tofino build out of the compiler's output directory. */
import { parseP4Info } from '../../p4runtime/p4info-file.js';
import type { P4Info, Preamble } from '../../p4runtime/p4info-messages.js';
import { ArtifactError, choices } from '../errors.js';
import { encodeBfPipelineConfig } from './bf-pipeline-config.js';
import { readCompilerOutput, type CompilerOutput } from './compiler-output.js';
import type { Chip } from './ports.js';

export interface TofinoBuild {
  /** Name of the program. */
  readonly name: string;
  readonly chip: Chip;
  readonly p4info: P4Info;
  /** As Stratum takes it. */
  readonly deviceConfig: Uint8Array;
}

const ARCHITECTURES = ['tna', 't2na'];

/** @throws ArtifactError when files are missing, wrong, or not of one compilation */
export function readTofinoBuild(directory: string): TofinoBuild {
  const output = readCompilerOutput(directory);
  const p4info = readP4Info(directory, output);
  checkBfrt(directory, output, p4info);
  const { program, chip, bfrt, pipes } = output;
  const deviceConfig = encodeBfPipelineConfig({
    p4Name: program,
    bfruntimeInfo: bfrt,
    profiles: pipes.map(({ name, context, binary, scope }) => ({ profileName: name, context, binary, pipeScope: scope })),
  });
  return { name: program, chip, p4info, deviceConfig };
}

function readP4Info(directory: string, { program, p4info: text }: CompilerOutput): P4Info {
  const wrong = (what: string, cause?: unknown): ArtifactError => new ArtifactError(`the P4Info of ${program} in build directory ${directory} ${what}`, { cause });
  let p4info: P4Info;
  try {
    p4info = parseP4Info(text);
  } catch (error) {
    throw wrong(`cannot be used: ${(error as Error).message}`, error);
  }
  const architecture = p4info.pkgInfo?.arch ?? '';
  if (!ARCHITECTURES.includes(architecture)) throw wrong(`is of architecture "${architecture}" (architectures of a Tofino: ${choices(ARCHITECTURES)})`);
  if (p4info.counters.length === 0 && p4info.externs.length > 0) {
    throw wrong('has its counters as externs, which neither Stratum nor this controller can address: compile with --p4runtime-force-std-externs');
  }
  return p4info;
}

/**
 * Stratum finds each object of the P4Info in bfrt.json, by its id or by a name that contains its name, and
 * refuses the pipeline with an internal error when it does not. Here the message says which files disagree.
 */
function checkBfrt(directory: string, { program, bfrt }: CompilerOutput, p4info: P4Info): void {
  const { tables } = JSON.parse(Buffer.from(bfrt).toString('utf8')) as { tables?: { id: number; name: string }[] };
  if (!Array.isArray(tables)) throw new ArtifactError(`bfrt.json in build directory ${directory} has no list "tables"; it is the file that p4c writes with --bf-rt-schema`);
  const objects = [p4info.tables, p4info.counters, p4info.meters, p4info.registers].flat() as { preamble?: Preamble | undefined }[];
  const absent = objects.flatMap(({ preamble }) => {
    const { id = 0, name = '' } = preamble ?? {};
    return tables.some((table) => table.id === id || table.name.includes(name)) ? [] : [name];
  });
  if (absent.length > 0) {
    throw new ArtifactError(`bfrt.json and the P4Info of ${program} in build directory ${directory} are not of the same compilation: bfrt.json lacks ${choices(absent)}`);
  }
}
