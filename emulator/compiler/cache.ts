import type { Program } from '../json/program.js';
import { binaryenIfLoaded, loadBinaryen } from './binaryen.js';
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

/** Loads the compiler, after which programs are compiled as they are loaded. */
export async function loadCompiler(): Promise<void> {
  await loadBinaryen();
}
