import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { replaceFile } from '../../net/atomic-file.js';
import { EmulatorError } from '../errors.js';

const run = promisify(execFile);

/** Large programs take p4c a minute on a busy machine; one that takes this long hangs. */
const COMPILE_TIMEOUT_MS = 600_000;
const MAX_OUTPUT_BYTES = 64 << 20;

/** p4c is not installed. */
export class CompilerMissingError extends EmulatorError {
  override readonly name = 'CompilerMissingError';
  constructor(command: string) {
    super(
      'EMULATOR_COMPILER_MISSING',
      `"${command}" cannot be started: install the P4 compiler (https://github.com/p4lang/p4c) and put it on PATH`,
    );
  }
}

/** p4c refuses the program; the message is p4c's own. */
export class CompileError extends EmulatorError {
  override readonly name = 'CompileError';
  constructor(readonly diagnostics: string) {
    super('EMULATOR_COMPILE', firstError(diagnostics));
  }
}

/** Stock p4c, which compiles programs for v1model to BMv2 JSON. Results are cached by the contents of their sources. */
export class P4c {
  private constructor(
    private readonly command: string,
    /** As it names itself, e.g. `p4c 1.2.5.16 (SHA: 34b86e9bac BUILD: Release)`. */
    readonly version: string,
    private readonly cacheDirectory: string,
  ) {}

  /**
   * @param cacheDirectory is created if missing; only this user may read it.
   * @throws CompilerMissingError
   */
  static async find(cacheDirectory: string, command = 'p4c'): Promise<P4c> {
    let version: string;
    try {
      version = (await run(command, ['--version'])).stdout.trim();
    } catch {
      throw new CompilerMissingError(command);
    }
    await mkdir(cacheDirectory, { recursive: true, mode: 0o700 });
    return new P4c(command, version, cacheDirectory);
  }

  /**
   * @param options of p4c, in addition to target and architecture.
   * @returns the text of the BMv2 JSON.
   * @throws CompileError
   */
  async compile(source: string, options: readonly string[] = []): Promise<string> {
    const cached = join(this.cacheDirectory, `${await this.fingerprint(source, options)}.json`);
    try {
      return await readFile(cached, 'utf8');
    } catch {
      const json = await this.compileAnew(source, options);
      // Two compilations may write it, for programs with equal contents.
      await replaceFile(cached, [Buffer.from(json)]);
      return json;
    }
  }

  private async compileAnew(source: string, options: readonly string[]): Promise<string> {
    const work = await mkdtemp(join(this.cacheDirectory, 'work-'));
    try {
      await run(this.command, ['--target', 'bmv2', '--arch', 'v1model', ...options, '-o', work, source], {
        timeout: COMPILE_TIMEOUT_MS,
        maxBuffer: MAX_OUTPUT_BYTES,
      });
      const made = (await readdir(work)).find((name) => name.endsWith('.json'));
      if (made === undefined) throw new CompileError('p4c wrote no JSON');
      return await readFile(join(work, made), 'utf8');
    } catch (error) {
      if (error instanceof EmulatorError) throw error;
      const {
        stdout = '',
        stderr = '',
        killed,
        message,
      } = error as { stdout?: string; stderr?: string; killed?: boolean; message: string };
      if (killed) throw new CompileError(`p4c did not finish within ${COMPILE_TIMEOUT_MS / 1000} seconds`);
      throw new CompileError(`${stderr}${stdout}`.trim() || message);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }

  /** Of everything the result depends on: compiler, options, the source and the files next to it that it includes. */
  private async fingerprint(source: string, options: readonly string[]): Promise<string> {
    const hash = createHash('sha256').update(JSON.stringify([this.version, options]));
    const seen = new Set<string>();
    const visit = async (file: string): Promise<void> => {
      if (seen.has(file)) return;
      seen.add(file);
      let text: string;
      try {
        text = await readFile(file, 'utf8');
      } catch {
        // One of the compiler's own files, which come with its version, or missing: then p4c reports it.
        return;
      }
      hash.update(`${text.length}:`).update(text);
      for (const [, name] of text.matchAll(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/gm))
        await visit(join(dirname(file), name!));
    };
    await visit(source);
    return hash.digest('hex');
  }
}

/** The line of the compiler's output that states the error; the rest quotes the source. */
function firstError(diagnostics: string): string {
  const lines = diagnostics
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const error =
    lines.find((line) => /\berror: /i.test(line)) ?? lines.find((line) => /Compiler Bug|error/i.test(line)) ?? lines[0];
  // The location is a path of the machine the compiler ran on.
  return (error ?? 'p4c failed without a message').replace(/^\S+\/([^/\s]+)/, '$1');
}
