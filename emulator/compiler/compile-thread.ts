/** Compiles one program beside the thread that has asked for it, which goes on meanwhile. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadBinaryen } from './binaryen.js';
import { compileProgram, type Artifact } from './module.js';
import type { Program } from '../json/program.js';

export interface CompileJob {
  readonly program: Program;
  readonly dropPort: number;
}

export type CompileResult = Omit<Artifact, 'layout'>;

const { program, dropPort } = workerData as CompileJob;
const { fallbacks, module, scratchBytes } = compileProgram(await loadBinaryen(), program, dropPort);
// In one message, so that the fallbacks refer to the objects of the program that goes with them.
const result: CompileResult = { program, fallbacks, module, scratchBytes };
parentPort!.postMessage(result);
