/** The systems that are compared: each runs all sizes with processes of its own, and says how long they took. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { shippedFile } from '../../net/package-files.js';
import { runFpisa } from './fpisa.js';
import type { AllreduceLoad, SizeResult } from './load.js';

const run = promisify(execFile);

export interface System {
  readonly name: string;
  /** For people, with the version. */
  readonly version: string;
  run(load: AllreduceLoad): Promise<readonly SizeResult[]>;
}

/** A system that is not here, and why. */
export interface Absent {
  readonly name: string;
  readonly reason: string;
}

export interface FoundSystems {
  readonly systems: readonly System[];
  readonly absent: readonly Absent[];
  /** Removes what was compiled. */
  dispose(): void;
}

/** @param python interpreter that may have PyTorch */
export function findSystems(python: string, values: readonly number[]): FoundSystems {
  const folder = mkdtempSync(join(tmpdir(), 'fpisa-bench-'));
  const systems: System[] = values.map((n) => ({
    name: values.length === 1 ? 'fpisa' : `fpisa_n${n}`,
    version: `${n} values a packet, node ${process.versions.node}`,
    run: (load) => runFpisa(load, n),
  }));
  const absent: Absent[] = [];
  const mpi = compileMpi(folder);
  if (mpi === undefined) absent.push({ name: 'openmpi', reason: 'mpicc and mpirun are not on PATH' });
  else {
    // Named transports: without them OpenMPI takes shared memory between processes of one machine.
    for (const [name, layers] of [
      ['openmpi_tcp', 'tcp,self'],
      ['openmpi_shm', 'vader,self'],
    ] as const)
      systems.push({ name, version: mpi.version, run: (load) => runMpi(mpi.program, layers, load) });
  }
  const torch = torchVersion(python);
  if (torch === undefined) absent.push({ name: 'gloo', reason: `${python} has no PyTorch; --python names another` });
  else systems.push({ name: 'gloo', version: `PyTorch ${torch}`, run: (load) => runGloo(python, load) });
  return { systems, absent, dispose: () => rmSync(folder, { recursive: true, force: true }) };
}

function compileMpi(folder: string): { readonly program: string; readonly version: string } | undefined {
  const program = join(folder, 'allreduce_mpi');
  try {
    execFileSync('mpicc', ['-O3', '-o', program, shippedFile('bench/c/allreduce_mpi.c')], { stdio: 'pipe' });
    const version = execFileSync('mpirun', ['--version'], { encoding: 'utf8' }).split('\n')[0]!;
    return { program, version: version.replace(/^.*\s/, 'OpenMPI ') };
  } catch {
    return undefined;
  }
}

async function runMpi(
  program: string,
  layers: string,
  { workers, sizes, repeats }: AllreduceLoad,
): Promise<SizeResult[]> {
  const { stdout } = await run('mpirun', [
    ...['--allow-run-as-root', '--oversubscribe', '--mca', 'btl', layers, '--mca', 'btl_tcp_if_include', 'lo'],
    // More processes than processors: waiting ones give way.
    ...['--mca', 'mpi_yield_when_idle', '1', '-np', String(workers), program, String(repeats), ...sizes.map(String)],
  ]);
  return lines(stdout);
}

function torchVersion(python: string): string | undefined {
  try {
    const program = 'import torch, torch.distributed as d; assert d.is_gloo_available(); print(torch.__version__)';
    return execFileSync(python, ['-c', program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

async function runGloo(python: string, { workers, sizes, repeats }: AllreduceLoad): Promise<SizeResult[]> {
  const port = await freePort();
  const script = shippedFile('bench/allreduce/gloo_worker.py');
  const outputs = await Promise.all(
    Array.from({ length: workers }, (_, rank) => {
      const child = spawn(python, [script, rank, workers, port, repeats, ...sizes].map(String), {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, GLOO_SOCKET_IFNAME: 'lo', OMP_NUM_THREADS: '1' },
      });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      return new Promise<string>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code) =>
          code === 0 ? resolve(text) : reject(new Error(`gloo's rank ${rank} ended with exit code ${code}`)),
        );
      });
    }),
  );
  return lines(outputs[0]!);
}

function lines(text: string): SizeResult[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SizeResult);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
