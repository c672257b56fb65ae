import { DEFAULT_DROP_PORT } from '../limits.js';
import type { Program } from '../json/program.js';
import { loadBinaryen } from './binaryen.js';
import { explainProgram } from './module.js';
import type { CompilerReport } from './report.js';

/** What the compiler makes of the loops and copies of a program. @throws Error if the program cannot be compiled */
export async function explain(program: Program): Promise<CompilerReport> {
  return explainProgram(await loadBinaryen(), program, DEFAULT_DROP_PORT);
}
