/** OpenMPI's MPI_Allreduce, one rank a worker. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shippedFile } from '../../net/package-files.js';
import { LineProcess } from '../line-process.js';
import type { AllreduceLoad, SizeResult, System } from './load.js';
import type { Placement } from './placement.js';

/** Named transports: without them OpenMPI takes shared memory between processes of one machine. */
const TRANSPORTS = { openmpi_tcp: 'tcp,self', openmpi_shm: 'vader,self' } as const;

/** @param folder where the program is compiled. @returns nothing where OpenMPI is not installed */
export function findMpi(folder: string): readonly System[] {
  const program = join(folder, 'allreduce_mpi');
  let version: string;
  try {
    execFileSync('mpicc', ['-O3', '-o', program, shippedFile('bench/c/allreduce_mpi.c')], { stdio: 'pipe' });
    version = execFileSync('mpirun', ['--version'], { encoding: 'utf8' }).split('\n')[0]!.replace(/^.*\s/, 'OpenMPI ');
  } catch {
    return [];
  }
  return Object.entries(TRANSPORTS).map(([name, layers]) => ({
    name,
    version,
    isNetworked: layers.startsWith('tcp'),
    run: (load) => runMpi(program, layers, load),
  }));
}

async function runMpi(program: string, layers: string, load: AllreduceLoad): Promise<SizeResult[]> {
  const { placement, workers, sizes, repeats, onResult } = load;
  const folder = mkdtempSync(join(tmpdir(), 'fpisa-bench-'));
  const launcher = LineProcess.start(
    'mpirun',
    'mpirun',
    [
      ...['--allow-run-as-root', '--oversubscribe', '--mca', 'btl', layers, '--mca', 'btl_tcp_if_include'],
      ...[placement.network, '--mca', 'oob_tcp_if_include', placement.middleInterface],
      // More processes than processors: waiting ones give way.
      ...['--mca', 'mpi_yield_when_idle', '1', '-np', String(workers)],
      ...[launchScript(folder, placement, workers), program, String(repeats), ...sizes.map(String)],
    ],
    // Each rank talks to the launcher over TCP, from where it runs.
    { PMIX_MCA_ptl_tcp_if_include: placement.middleInterface },
  );
  const results: SizeResult[] = [];
  try {
    while (results.length < sizes.length) {
      results.push(await launcher.next<SizeResult>());
      onResult?.(results.length);
    }
    return results;
  } finally {
    await launcher.close(results.length < sizes.length ? 'SIGTERM' : undefined);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** mpirun starts one command for all ranks: this one goes to where each rank belongs. */
function launchScript(folder: string, placement: Placement, workers: number): string {
  const file = join(folder, 'rank');
  const quoted = (words: readonly string[]): string =>
    words.map((word) => `'${word.replace(/'/g, `'\\''`)}'`).join(' ');
  const cases = Array.from({ length: workers }, (_, rank) => `${rank}) exec ${quoted(placement.prefix(rank))} "$@";;`);
  writeFileSync(file, ['#!/bin/sh', 'case "$OMPI_COMM_WORLD_RANK" in', ...cases, 'esac', ''].join('\n'));
  chmodSync(file, 0o755);
  return file;
}
