import type { Program } from '../json/program.js';
import { binaryenIfLoaded, loadBinaryen } from './binaryen.js';
import { compileProgram, type Artifact } from './module.js';

const MOST_ARTIFACTS = 32;

/** Compiled programs of this process by their identity, the one used last at the end. */
const artifacts = new Map<string, Artifact>();

/** The compiled program if there is one already, or if the compiler is loaded and can make it at once. */
export function compileNow(program: Program, key: string, dropPort: number): Artifact | undefined {
  const id = `${key}/${dropPort}`;
  const known = artifacts.get(id);
  const compiler = binaryenIfLoaded();
  const artifact = known ?? (compiler === undefined ? undefined : compileProgram(compiler, program, dropPort));
  if (artifact === undefined) return undefined;
  artifacts.delete(id);
  artifacts.set(id, artifact);
  const [oldest] = artifacts.keys();
  if (artifacts.size > MOST_ARTIFACTS && oldest !== undefined) artifacts.delete(oldest);
  return artifact;
}

/** Loads the compiler, after which programs are compiled as they are loaded. */
export async function loadCompiler(): Promise<void> {
  await loadBinaryen();
}
