/** Finds and runs a compiler that knows Tofino: p4c with its Tofino back end, or open-p4studio's, which has the same source. */
import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { environment } from '../../../net/environment.js';
import { shippedFile } from '../../../net/package-files.js';
import { ARCHITECTURES, type TofinoLayout } from './layouts.js';
import { resourcesOf, type Resources } from './reports.js';

const run = promisify(execFile);
const SOURCE = 'p4/tna/main.p4';
/** Maximum length of the output that is kept: the first error is near the beginning. */
const OUTPUT_LIMIT = 1 << 24;

/** The command named by FPISA_P4C_TOFINO, `p4c-tofino`, or a `p4c` with that target; undefined if none is found. */
export async function findTofinoCompiler(): Promise<string | undefined> {
  const named = environment('FPISA_P4C_TOFINO');
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
 * Compiles a layout; the compiler's whole output stays in `directory`, in the form that the controller needs (docs/tofino.md).
 * @param seconds after which it counts as not fitting: the allocation of containers is not bounded by itself
 */
export async function compileLayout(
  command: string,
  layout: TofinoLayout,
  directory: string,
  seconds: number,
): Promise<Compilation> {
  await mkdir(directory, { recursive: true });
  const p4info = join(directory, 'main.p4info.txtpb');
  // The assembler cannot determine the length of packet parts that the compiler leaves out of the containers.
  const withoutClots = layout.target === 'tofino2' ? ['-Xp4c=--no-clot'] : [];
  const args = [
    ...withoutClots,
    ...['--target', layout.target, '--arch', ARCHITECTURES[layout.target], '-g', '--verbose', '2'],
    ...[`-DVALUES_PER_PACKET=${layout.valuesPerPass}`, ...layout.defines],
    ...['--p4runtime-files', p4info, '--p4runtime-force-std-externs', '-o', directory, shippedFile(SOURCE)],
  ];
  const { code, output } = await runWithin(seconds, command, args);
  if (code === 'TIMED_OUT') return { compiles: false, notFitting: `no allocation found in ${seconds} s` };
  if (code !== 0) return { compiles: false, notFitting: reasonOf(output) };
  const logs = join(directory, 'pipe', 'logs');
  const read = (name: string): Promise<string> => readFile(join(logs, name), 'utf8');
  return {
    compiles: true,
    resources: resourcesOf(await read('mau.resources.log'), await read('metrics.json')),
    p4info: await readFile(p4info, 'utf8'),
  };
}

/**
 * Runs a command in its own process group. The compiler is a driver that starts other processes, which would run on for hours if only
 * the driver were ended: when the time is up, or this process ends, the whole group is ended.
 */
async function runWithin(
  seconds: number,
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number | 'TIMED_OUT'; readonly output: string }> {
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const endGroup = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // All of it has ended.
    }
  };
  const interrupted = (signal: NodeJS.Signals): void => {
    endGroup();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  let output = '';
  const keep = (text: string): void => {
    if (output.length < OUTPUT_LIMIT) output += text;
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    endGroup();
  }, seconds * 1000);
  process.once('exit', endGroup).once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    const code = await new Promise<number>((resolve, reject) =>
      child.once('error', reject).once('close', (ended) => resolve(ended ?? 1)),
    );
    return { code: timedOut ? 'TIMED_OUT' : code, output };
  } finally {
    clearTimeout(timer);
    process.off('exit', endGroup).off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

/** The compiler's first error in one line, without the paths of this machine. */
function reasonOf(output: string): string {
  const lines = output.split('\n');
  const line =
    lines.find((text) => /\berror: /.test(text)) ??
    lines.find((text) => /Compiler Bug/.test(text)) ??
    'the compiler failed without an error message';
  // When containers run out, the next line has the amount that did not fit.
  const unallocated = lines.find((text) => /remain unallocated/.test(text));
  return (unallocated === undefined ? line : `${line.trim()}: ${unallocated.trim()}`)
    .replace(/\S*\/(\w+\.(?:p4|cpp))/g, '$1')
    .replace(/^.*?error: /, '')
    .trim()
    .slice(0, 300);
}
