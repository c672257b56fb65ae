/** What is shipped with the package beside its code. */
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

export function packageVersion(): string {
  return (JSON.parse(readFileSync(shippedFile('package.json'), 'utf8')) as { version: string }).version;
}
