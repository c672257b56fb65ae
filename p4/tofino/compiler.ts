/** Finds and runs a compiler that knows Tofino: p4c with its Tofino back end, or open-p4studio's, which is the same source. */
import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { shippedFile } from '../../protocol/service.js';
import { ARCHITECTURES, type Layout } from './layouts.js';
import { resourcesOf, type Resources } from './reports.js';

const run = promisify(execFile);
const SOURCE = 'p4/tna/main.p4';
const OUTPUT_LIMIT = 1 << 26;

/** The command that FPISA_P4C_TOFINO names, `p4c-tofino`, or a `p4c` with that target; undefined when there is none. */
export async function findTofinoCompiler(): Promise<string | undefined> {
  const named = process.env['FPISA_P4C_TOFINO'];
  for (const command of named === undefined ? ['p4c-tofino', 'p4c'] : [named]) {
    try {
      const { stdout, stderr } = await run(command, ['--target-help']);
      if (/tofino/.test(stdout + stderr)) return command;
    } catch {
      // Not on PATH, or too old to know the option.
    }
  }
  return undefined;
}

export async function compilerVersion(command: string): Promise<string> {
  return (await run(command, ['--version'])).stdout.trim();
}

export type Compilation =
  | { readonly compiles: true; readonly resources: Resources; readonly p4info: string }
  | { readonly compiles: false; readonly notFitting: string };

/**
 * Compiles a layout; the compiler's whole output stays in `directory`, as the controller wants it (docs/tofino.md).
 * @param seconds after which it counts as not fitting: the allocation of containers has no bound of its own
 */
export async function compileLayout(command: string, layout: Layout, directory: string, seconds: number): Promise<Compilation> {
  await mkdir(directory, { recursive: true });
  const p4info = join(directory, 'main.p4info.txtpb');
  // Its assembler finds no length for the parts of a packet that the compiler leaves out of the containers.
  const withoutClots = layout.target === 'tofino2' ? ['-Xp4c=--no-clot'] : [];
  const args = [
    ...withoutClots,
    ...['--target', layout.target, '--arch', ARCHITECTURES[layout.target], '-g', '--verbose', '2'],
    ...[`-DVALUES_PER_PACKET=${layout.valuesPerPass}`, ...layout.defines],
    ...['--p4runtime-files', p4info, '--p4runtime-force-std-externs', '-o', directory, shippedFile(SOURCE)],
  ];
  try {
    await run(command, args, { maxBuffer: OUTPUT_LIMIT, timeout: seconds * 1000 });
  } catch (error) {
    const { killed, stdout = '', stderr = '' } = error as { killed?: boolean; stdout?: string; stderr?: string };
    return { compiles: false, notFitting: killed === true ? `no allocation found in ${seconds} s` : reasonOf(stdout + stderr) };
  }
  const logs = join(directory, 'pipe', 'logs');
  const read = (name: string): Promise<string> => readFile(join(logs, name), 'utf8');
  return { compiles: true, resources: resourcesOf(await read('mau.resources.log'), await read('metrics.json')), p4info: await readFile(p4info, 'utf8') };
}

/** The compiler's first error in one line, without the paths of this machine. */
function reasonOf(output: string): string {
  const lines = output.split('\n');
  const line = lines.find((text) => /\berror: /.test(text)) ?? lines.find((text) => /Compiler Bug/.test(text)) ?? 'the compiler failed without a reason';
  // Where containers run out, the line after says for how much.
  const unallocated = lines.find((text) => /remain unallocated/.test(text));
  return (unallocated === undefined ? line : `${line.trim()}: ${unallocated.trim()}`)
    .replace(/\S*\/(\w+\.(?:p4|cpp))/g, '$1')
    .replace(/^.*?error: /, '')
    .trim()
    .slice(0, 300);
}
