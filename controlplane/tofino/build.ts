/** A Tofino build read from the compiler's output directory. */
import { parseP4Info } from '../../p4runtime/p4info-file.js';
import type { P4Info, Preamble } from '../../p4runtime/p4info-messages.js';
import { ArtifactError, choices } from '../errors.js';
import { encodeBfPipelineConfig } from './bf-pipeline-config.js';
import { readCompilerOutput, type CompiledPipe, type CompilerOutput } from './compiler-output.js';
import { JsonPart } from './json-part.js';
import type { Chip } from './ports.js';

export interface TofinoBuild {
  /** Name of the program. */
  readonly name: string;
  readonly chip: Chip;
  readonly p4info: P4Info;
  /** Derived from the mantissa registers; undefined when they do not have this project's names. */
  readonly valuesPerPacket: number | undefined;
  /** In Stratum's format. */
  readonly deviceConfig: Uint8Array;
}

const ARCHITECTURES = ['tna', 't2na'];
/** Externs of TNA for which P4Info has its own object types. */
const STANDARD_EXTERNS = ['Counter', 'DirectCounter', 'Register', 'DirectRegister'];
/** The binary begins with names and versions; the registers' values come after. */
const BINARY_HEADER_BYTES = 4096;

/** @throws ArtifactError when files are missing, wrong, or not from the same compilation */
export function readTofinoBuild(directory: string): TofinoBuild {
  const output = readCompilerOutput(directory);
  const p4info = readP4Info(directory, output);
  checkBfrt(directory, output, p4info);
  for (const pipe of output.pipes) checkPipe(directory, output, pipe);
  const { program, chip, bfrt, pipes } = output;
  const deviceConfig = encodeBfPipelineConfig({
    p4Name: program,
    bfruntimeInfo: bfrt,
    profiles: pipes.map(({ name, context, binary, scope }) => ({
      profileName: name,
      context,
      binary,
      pipeScope: scope,
    })),
  });
  // Each value of a packet has its own mantissa register (p4/tna/elements.p4).
  const registers = p4info.registers.filter(({ preamble }) =>
    /\.element_\d+\.mantissas$/.test(preamble?.name ?? ''),
  ).length;
  return { name: program, chip, p4info, deviceConfig, valuesPerPacket: registers === 0 ? undefined : registers };
}

function readP4Info(directory: string, { program, p4info: text }: CompilerOutput): P4Info {
  const wrong = (what: string, cause?: unknown): ArtifactError =>
    new ArtifactError(`the P4Info of ${program} in build directory ${directory} ${what}`, { cause });
  let p4info: P4Info;
  try {
    p4info = parseP4Info(text);
  } catch (error) {
    throw wrong(`cannot be used: ${(error as Error).message}`, error);
  }
  const architecture = p4info.pkgInfo?.arch ?? '';
  if (!ARCHITECTURES.includes(architecture))
    throw wrong(`is of architecture "${architecture}" (architectures of a Tofino: ${choices(ARCHITECTURES)})`);
  if (p4info.externs.some(({ externTypeName }) => STANDARD_EXTERNS.includes(externTypeName))) {
    throw wrong(
      'has its counters and registers as externs, which neither Stratum nor this controller can address: compile with --p4runtime-force-std-externs',
    );
  }
  return p4info;
}

/** The assembler writes the name of its run into both files; older versions that do not are accepted unchecked. */
function checkPipe(
  directory: string,
  { chip, description }: CompilerOutput,
  { name, context, binary }: CompiledPipe,
): void {
  const file = new JsonPart(
    JSON.parse(Buffer.from(context).toString('utf8')),
    '',
    (what) => new ArtifactError(`${name}/context.json in build directory ${directory} ${what}`),
  );
  const [run, target] = [file.get('run_id'), file.get('target')];
  if (typeof target === 'string' && target !== chip)
    throw file.wrong(`is for ${target}, but ${description} is for ${chip}`);
  if (typeof run === 'string' && !Buffer.from(binary).subarray(0, BINARY_HEADER_BYTES).includes(run)) {
    throw new ArtifactError(
      `the context.json and the binary of ${name} in build directory ${directory} are not from the same compilation: the binary is not from run ${run}`,
    );
  }
}

/**
 * Stratum finds each object of the P4Info in bfrt.json, by its id or by a name that contains its name, and
 * refuses the pipeline with an internal error when it does not. This check names the files that disagree.
 */
function checkBfrt(directory: string, { program, bfrt }: CompilerOutput, p4info: P4Info): void {
  const wrong = (what: string): ArtifactError =>
    new ArtifactError(
      `bfrt.json in build directory ${directory} ${what}; it is the file that p4c writes with --bf-rt-schema`,
    );
  const file = new JsonPart(JSON.parse(Buffer.from(bfrt).toString('utf8')), '', wrong);
  if (file.get('tables') === undefined) throw wrong('has no list "tables"');
  const tables = file.list('tables').map((table) => ({ id: table.get('id'), name: table.text('name') ?? '' }));
  const objects = [p4info.tables, p4info.counters, p4info.meters, p4info.registers].flat() as {
    preamble?: Preamble | undefined;
  }[];
  const absent = objects.flatMap(({ preamble }) => {
    const { id = 0, name = '' } = preamble ?? {};
    return tables.some((table) => table.id === id || table.name.includes(name)) ? [] : [name];
  });
  if (absent.length > 0) {
    throw new ArtifactError(
      `bfrt.json and the P4Info of ${program} in build directory ${directory} are not from the same compilation: bfrt.json lacks ${choices(absent)}`,
    );
  }
}
