/** Files that are shipped with the package in addition to its code. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The path of a file of the package, found from the sources and from `dist/` alike.
 * @param relative to the package's folder
 */
export function shippedFile(relative: string): string {
  for (const up of ['../', '../../']) {
    const path = fileURLToPath(new URL(up + relative, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new Error(`${relative} is not in the installed package`);
}

interface Manifest {
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const manifest = (): Manifest => JSON.parse(readFileSync(shippedFile('package.json'), 'utf8')) as Manifest;

export function packageVersion(): string {
  return manifest().version;
}

/** The version of a peer dependency that this package works with. */
export function peerVersion(name: string): string | undefined {
  return manifest().peerDependencies[name];
}
