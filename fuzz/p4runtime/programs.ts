/** The programs that the P4Runtime fuzzer drives: together they have every object that v1model offers. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { indexP4Info, type P4InfoIndex } from '../../p4runtime/index.js';

export interface FuzzProgram {
  readonly name: string;
  readonly index: P4InfoIndex;
  /** BMv2 JSON. */
  readonly deviceConfig: Uint8Array;
}

/** The root of the repository, both from the sources and from `dist/`. */
const ROOTS = ['../../', '../../../'].map((up) => new URL(up, import.meta.url));

function read(path: string): Buffer {
  for (const root of ROOTS) {
    try {
      return readFileSync(fileURLToPath(new URL(path, root)));
    } catch {
      // The other root has it.
    }
  }
  throw new Error(`There is no file ${path}.`);
}

function load(name: string, json: string, p4info: string): FuzzProgram {
  return { name, index: indexP4Info(read(p4info).toString()), deviceConfig: new Uint8Array(read(json)) };
}

const OF_EMULATOR = ['profiles', 'externs', 'tables', 'router', 'parsing'];
const FIXTURES = 'test/emulator/p4runtime/fixtures';

export function loadPrograms(): FuzzProgram[] {
  return [
    load('features', `${FIXTURES}/features.json`, `${FIXTURES}/features.p4info.txtpb`),
    ...OF_EMULATOR.map((name) =>
      load(name, `test/emulator/programs/${name}.json`, `${FIXTURES}/p4info/${name}.p4info.txtpb`),
    ),
    load('fpisa-n16', 'p4/build/fpisa-n16.json', 'p4/build/fpisa-n16.p4info.txtpb'),
  ];
}
