/** A folder laid out as p4c's test data, and a stand-in for p4c that gives out what was compiled before. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const programs = fileURLToPath(new URL('../programs/', import.meta.url));

/** Writes the JSON that is next to the source; what it cannot compile it rejects as p4c does. */
const STAND_IN = `#!/bin/sh
[ "$1" = --version ] && { echo 'p4c 9.9.9 (stand-in)'; exit 0; }
echo "$@" >> "$(dirname "$0")/calls"
out=
std=16
while [ $# -gt 1 ]; do
  case "$1" in
    -o) out=$2; shift 2 ;;
    --std) std=14; shift 2 ;;
    *) shift ;;
  esac
done
[ $std = 14 ] && { echo '[--Werror=invalid] error: Illegal language version 14' >&2; exit 1; }
json="\${1%.p4}.json"
[ -f "$json" ] || { printf '%s(1): [--Werror=type-error] error: Unexpected\\n  source line\\n1 errors generated\\n' "$1" >&2; exit 1; }
cp "$json" "$out/"
`;

export interface SuiteFolder {
  /** To be given to --suite. */
  readonly testdata: string;
  /** To be put in front of PATH. */
  readonly bin: string;
  /** How often p4c was asked to compile. */
  calls(): number;
}

/** One program of every kind that a suite treats differently. With `failing`, two of the core do not pass. */
export function makeSuiteFolder(failing: boolean): SuiteFolder {
  const root = mkdtempSync(join(tmpdir(), 'suite-'));
  const testdata = join(root, 'testdata');
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(testdata, path)), { recursive: true });
    writeFileSync(join(testdata, path), text);
  };
  const program = (name: string, path: string, stf = readFileSync(join(programs, `${name}.stf`), 'utf8')): void => {
    put(`${path}.stf`, stf);
    for (const ending of ['p4', 'json'])
      copyFileSync(join(programs, `${name}.${ending}`), join(testdata, `${path}.${ending}`));
  };
  program('tables', 'p4_16_samples/tables-bmv2');
  program('copies', 'p4_16_samples/parser-inline/copies');
  program('tables', 'p4_16_samples/predication_issue');
  program('tables', 'p4_16_samples/extern-funcs-bmv2');
  put('p4_16_samples/other-bmv2.p4', '#include <bmv2/psa.p4>\n');
  put('p4_16_samples/other-bmv2.stf', 'packet 1 00\n');
  put('p4_16_samples/kernel.p4', '#include <ebpf_model.p4>\n');
  put('p4_16_samples/kernel.stf', 'packet 1 00\n');
  put('p4_16_samples/orphan-bmv2.stf', 'packet 1 00\n');
  put('p4_14_samples/old.p4', 'header_type h { fields { a : 8; } }\n');
  put('p4_14_samples/old.stf', 'packet 1 00\n');
  if (failing) {
    program('tables', 'p4_16_samples/wrong-bmv2', 'packet 1 01 0001 00000002 00 00\nexpect 1\n');
    put('p4_16_samples/broken-bmv2.p4', '#include <v1model.p4>\n');
    put('p4_16_samples/broken-bmv2.stf', 'packet 1 00\n');
  }
  const bin = join(root, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'p4c'), STAND_IN);
  chmodSync(join(bin, 'p4c'), 0o755);
  writeFileSync(join(bin, 'calls'), '');
  return { testdata, bin, calls: () => readFileSync(join(bin, 'calls'), 'utf8').split('\n').length - 1 };
}
