/** The systems that are compared: each runs all sizes with processes of its own, and says how long they took. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fpisaSystem } from './fpisa.js';
import { findGloo } from './gloo.js';
import type { Absent, System } from './load.js';
import { findMpi } from './mpi.js';

export interface FoundSystems {
  readonly systems: readonly System[];
  readonly absent: readonly Absent[];
  /** Removes what was compiled. */
  dispose(): void;
}

/** @param python interpreter that may have PyTorch. @param values per packet: one fpisa for each, and the int32 path for the largest */
export function findSystems(python: string, values: readonly number[]): FoundSystems {
  const folder = mkdtempSync(join(tmpdir(), 'fpisa-bench-'));
  const absent: Absent[] = [];
  const mpi = findMpi(folder);
  if (mpi.length === 0) absent.push({ name: 'openmpi', reason: 'mpicc and mpirun are not on PATH' });
  const gloo = findGloo(python);
  if (gloo === undefined) absent.push({ name: 'gloo', reason: `${python} has no PyTorch; --python names another` });
  const own = values.map((n) => fpisaSystem(values.length === 1 ? 'fpisa' : `fpisa_n${n}`, { values: n }));
  const integers = fpisaSystem('int32', { values: Math.max(...values), scheme: 'int32' });
  return {
    systems: [...own, integers, ...mpi, ...(gloo === undefined ? [] : [gloo])],
    absent,
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}
