/** Compiles one program in the background of the thread that requested it. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadBinaryen } from './binaryen.js';
import { DiskCache } from './disk-cache.js';
import { compileProgram } from './module.js';
import type { CompiledProgram } from '../machine/artifact.js';
import type { Program } from '../json/program.js';

export interface CompileJob {
  readonly program: Program;
  readonly dropPort: number;
  /** Where the result is cached, and under which identity of the program. */
  readonly cache: { readonly folder: string; readonly key: string } | undefined;
}

export type CompileResult = Omit<CompiledProgram, 'layout'>;

const { program, dropPort, cache } = workerData as CompileJob;
const { fallbacks, wasm, scratchBytes } = compileProgram(await loadBinaryen(), program, dropPort);
// In one message, so that the fallbacks refer to the objects of the program that goes with them.
const result: CompileResult = { program, fallbacks, wasm, scratchBytes };
parentPort!.postMessage(result);
if (cache !== undefined) new DiskCache(cache.folder).write(cache.key, dropPort, result);
