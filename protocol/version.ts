/** What this package says of itself in its package.json. */
import { readFileSync } from 'node:fs';
import { shippedFile } from './service.js';

interface Manifest {
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

const manifest = (): Manifest => JSON.parse(readFileSync(shippedFile('package.json'), 'utf8')) as Manifest;

export function packageVersion(): string {
  return manifest().version;
}

/** The version of a peer dependency that this package goes with. */
export function peerVersion(name: string): string | undefined {
  return manifest().peerDependencies[name];
}
