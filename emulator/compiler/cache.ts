import { Worker } from 'node:worker_threads';
import type { Program } from '../json/program.js';
import { binaryenIfLoaded, loadBinaryen } from './binaryen.js';
import type { CompileJob, CompileResult } from './compile-thread.js';
import { Layout } from './layout.js';
import { compileProgram, type Artifact } from './module.js';

const MOST_ARTIFACTS = 32;

/** Compiled programs of this process by their identity, the one used last at the end. */
const artifacts = new Map<string, Artifact>();

/** The compiled program if there is one already, or if the compiler is loaded and can make it at once. */
export function compileNow(program: Program, key: string, dropPort: number): Artifact | undefined {
  const known = knownArtifact(key, dropPort);
  if (known !== undefined) return known;
  const compiler = binaryenIfLoaded();
  if (compiler === undefined) return undefined;
  const artifact = compileProgram(compiler, program, dropPort);
  rememberArtifact(key, dropPort, artifact);
  return artifact;
}

/** @param key identity of the program */
export function knownArtifact(key: string, dropPort: number): Artifact | undefined {
  const artifact = artifacts.get(`${key}/${dropPort}`);
  if (artifact !== undefined) rememberArtifact(key, dropPort, artifact);
  return artifact;
}

export function rememberArtifact(key: string, dropPort: number, artifact: Artifact): void {
  const id = `${key}/${dropPort}`;
  artifacts.delete(id);
  artifacts.set(id, artifact);
  const [oldest] = artifacts.keys();
  if (artifacts.size > MOST_ARTIFACTS && oldest !== undefined) artifacts.delete(oldest);
}

/**
 * Compiles a program beside what goes on here: on a thread of its own, which keeps no process alive.
 * @throws Error if it cannot be compiled
 */
export async function compileAside(program: Program, key: string, dropPort: number): Promise<Artifact> {
  // Threads cannot be started from TypeScript sources, as tests run them.
  if (binaryenIfLoaded() !== undefined || import.meta.url.endsWith('.ts')) {
    await loadBinaryen();
    return compileNow(program, key, dropPort)!;
  }
  const known = knownArtifact(key, dropPort);
  if (known !== undefined) return known;
  const compiled = await compileOnThread({ program, dropPort });
  // Objects of the program that the artifact refers to are those of its own copy; the layout must be of the same.
  const artifact: Artifact = { ...compiled, layout: new Layout(compiled.program) };
  rememberArtifact(key, dropPort, artifact);
  return artifact;
}

function compileOnThread(job: CompileJob): Promise<CompileResult> {
  const worker = new Worker(new URL('./compile-thread.js', import.meta.url), { workerData: job });
  worker.unref();
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the compiler ended without a result')));
  });
}

/** Loads the compiler, after which programs are compiled as they are loaded. */
export async function loadCompiler(): Promise<void> {
  await loadBinaryen();
}
