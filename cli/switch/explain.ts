/** `fpisa switch --explain`: which loops and copies of a program run on vectors. */
import type { Command } from 'commander';
import { explain, loadProgram, type Program } from '../../emulator/index.js';
import { FileError, UsageError } from '../errors.js';
import type { Output } from '../output.js';

const ITS_OPTIONS = ['explain', 'program', 'json'];

/** @throws UsageError if options were given that are about a running switch */
export function checkExplainOptions(command: Command): void {
  const other = command.options.find(
    (option) =>
      !ITS_OPTIONS.includes(option.attributeName()) && command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (other !== undefined)
    throw new UsageError(`--explain starts no switch, it only reads --program: leave out ${other.long}`);
}

/** @param json the contents of the file */
export async function explainFile(file: string, json: Buffer, output: Output): Promise<void> {
  const { loops, moves } = await explain(programOf(file, json)).catch((error: unknown) => {
    throw new FileError(`${file} cannot be compiled, and stays interpreted: ${(error as Error).message}`, {
      cause: error,
    });
  });
  output.object({ ok: true, program: file, loops, moves });
  for (const { action, vectorised, reason } of loops)
    output.line(`loop in ${action}: ${vectorised ? 'vector code' : `no vector code: ${reason}`}`);
  for (const { from, to, words } of moves) output.line(`block of ${words} words: ${from} to ${to}`);
  if (loops.length + moves.length === 0) output.line('the program has no loops, and copies no blocks');
}

function programOf(file: string, json: Buffer): Program {
  try {
    return loadProgram(json.toString('utf8'));
  } catch (error) {
    throw new FileError(`${file} is not a program for this switch: ${(error as Error).message}`, { cause: error });
  }
}
