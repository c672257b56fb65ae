/** The program "features", whose builds are fixtures of the P4Runtime server's tests. */
import { readFileSync } from 'node:fs';

const FEATURES = new URL('../../emulator/p4runtime/fixtures/', import.meta.url);

export function featuresFile(name: string): string {
  return readFileSync(new URL(name, FEATURES), 'utf8');
}
