import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** A message that fixtures/generate.py wrote. */
export function fixture(name: string): Uint8Array {
  return new Uint8Array(Buffer.from(readFileSync(folder(`fixtures/${name}.hex`), 'utf8').trim(), 'hex'));
}

/** p4c's output for fixtures/features.p4 of the server's tests. */
export function features(suffix: 'json' | 'p4info.txtpb' | 'p4info.json' | 'p4info.bin'): Buffer {
  return readFileSync(folder(`../emulator/p4runtime/fixtures/features.${suffix}`));
}
