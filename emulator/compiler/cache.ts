import { Worker } from 'node:worker_threads';
import { threadArguments } from '../../net/thread-arguments.js';
import type { Program } from '../json/program.js';
import { artifactOf, type Artifact } from '../machine/artifact.js';
import { binaryenIfLoaded, loadBinaryen } from './binaryen.js';
import type { CompileJob, CompileResult } from './compile-thread.js';
import { DiskCache } from './disk-cache.js';
import { precompiled } from './precompiled.js';
import { Layout } from '../machine/layout.js';
import { compileProgram } from './module.js';

const MAX_ARTIFACTS = 32;

/** Compiled programs of this process by their identity, the most recently used one at the end. */
const artifacts = new Map<string, Artifact>();

/** The compiled program if it is in the cache, or if the compiler is loaded and can make it immediately. */
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
 * Compiles a program in the background, on a separate thread that does not keep the process alive.
 * @param folder where compiled programs are cached across processes, if at all (see DiskCache)
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
  const kept =
    folder === undefined ? undefined : (new DiskCache(folder).read(key, dropPort) ?? precompiled(key, dropPort));
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
  // The artifact refers to objects of its own copy of the program, so the layout must be that of the same copy.
  return remembered(key, dropPort, artifactOf({ ...compiled, layout: new Layout(compiled.program) }));
}

function compileHere(program: Program, key: string, dropPort: number, folder: string | undefined): Artifact {
  const compiled = compileProgram(binaryenIfLoaded()!, program, dropPort);
  if (folder !== undefined) new DiskCache(folder).write(key, dropPort, compiled);
  return remembered(key, dropPort, artifactOf(compiled));
}

function compileOnThread(job: CompileJob): Promise<CompileResult> {
  const worker = new Worker(new URL('./compile-thread.js', import.meta.url), {
    workerData: job,
    execArgv: threadArguments(),
  });
  worker.unref();
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the compiler thread exited without a result')));
  });
}

/** Loads the compiler; from then on, programs are compiled when they are loaded. */
export async function loadCompiler(): Promise<void> {
  await loadBinaryen();
}
