import { Worker } from 'node:worker_threads';
import type { Program } from '../json/program.js';
import { artifactOf, type Artifact } from '../machine/artifact.js';
import { binaryenIfLoaded, loadBinaryen } from './binaryen.js';
import type { CompileJob, CompileResult } from './compile-thread.js';
import { DiskCache } from './disk-cache.js';
import { Layout } from '../machine/layout.js';
import { compileProgram } from './module.js';

const MAX_ARTIFACTS = 32;

/** Compiled programs of this process by their identity, the one used last at the end. */
const artifacts = new Map<string, Artifact>();

/** The compiled program if there is one already, or if the compiler is loaded and can make it at once. */
export function compileNow(program: Program, key: string, dropPort: number): Artifact | undefined {
  const known = knownArtifact(key, dropPort);
  if (known !== undefined) return known;
  return binaryenIfLoaded() === undefined ? undefined : compileHere(program, key, dropPort, undefined);
}

/** @param key identity of the program */
function knownArtifact(key: string, dropPort: number): Artifact | undefined {
  const artifact = artifacts.get(`${key}/${dropPort}`);
  return artifact === undefined ? undefined : remembered(key, dropPort, artifact);
}

function remembered(key: string, dropPort: number, artifact: Artifact): Artifact {
  const id = `${key}/${dropPort}`;
  artifacts.delete(id);
  artifacts.set(id, artifact);
  const [oldest] = artifacts.keys();
  if (artifacts.size > MAX_ARTIFACTS && oldest !== undefined) artifacts.delete(oldest);
  return artifact;
}

/**
 * Compiles a program beside what goes on here: on a thread of its own, which keeps no process alive.
 * @param folder where compiled programs are kept from one process to the next, if they are (see DiskCache)
 * @throws Error if it cannot be compiled
 */
export async function compileAside(
  program: Program,
  key: string,
  dropPort: number,
  folder?: string,
): Promise<Artifact> {
  const known = knownArtifact(key, dropPort);
  if (known !== undefined) return known;
  const kept = folder === undefined ? undefined : new DiskCache(folder).read(key, dropPort);
  if (kept !== undefined) return remembered(key, dropPort, artifactOf(kept));
  // Threads cannot be started from TypeScript sources, as tests run them.
  if (binaryenIfLoaded() !== undefined || import.meta.url.endsWith('.ts')) {
    await loadBinaryen();
    return knownArtifact(key, dropPort) ?? compileHere(program, key, dropPort, folder);
  }
  const compiled = await compileOnThread({
    program,
    dropPort,
    cache: folder === undefined ? undefined : { folder, key },
  });
  // Objects of the program that the artifact refers to are those of its own copy; the layout must be of the same.
  return remembered(key, dropPort, artifactOf({ ...compiled, layout: new Layout(compiled.program) }));
}

function compileHere(program: Program, key: string, dropPort: number, folder: string | undefined): Artifact {
  const compiled = compileProgram(binaryenIfLoaded()!, program, dropPort);
  if (folder !== undefined) new DiskCache(folder).write(key, dropPort, compiled);
  return remembered(key, dropPort, artifactOf(compiled));
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
