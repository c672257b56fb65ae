import { Worker } from 'node:worker_threads';
import { knownArtifact, rememberArtifact } from '../compiler/cache.js';
import { Layout } from '../compiler/layout.js';
import type { Artifact } from '../compiler/module.js';
import { identityOf } from '../json/identity.js';
import type { Program } from '../json/program.js';
import type { CompileJob, CompileResult } from './compile-thread.js';

/**
 * Compiles a program on a thread of its own, unless this process knows it already.
 * @throws Error if it cannot be compiled
 */
export async function compileBeside(program: Program, dropPort: number): Promise<Artifact> {
  const key = identityOf(program);
  const known = knownArtifact(key, dropPort);
  if (known !== undefined) return known;
  const job: CompileJob = { program, dropPort };
  const worker = new Worker(new URL('./compile-thread.js', import.meta.url), { workerData: job });
  worker.unref();
  const compiled = await new Promise<CompileResult>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the compiler ended without a result')));
  });
  // Objects of the program that the artifact refers to are those of its own copy; the layout must be of the same.
  const artifact: Artifact = { ...compiled, layout: new Layout(compiled.program) };
  rememberArtifact(key, dropPort, artifact);
  return artifact;
}
