/** PyTorch's Gloo over TCP, one process a rank. */
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { shippedFile } from '../../net/package-files.js';
import { LineProcess } from '../line-process.js';
import type { AllreduceLoad, SizeResult, System } from './load.js';

/** @param python interpreter that may have PyTorch */
export function findGloo(python: string): System | undefined {
  const version = torchVersion(python);
  if (version === undefined) return undefined;
  return { name: 'gloo', version: `PyTorch ${version}`, isNetworked: true, run: (load) => runGloo(python, load) };
}

function torchVersion(python: string): string | undefined {
  try {
    const program = 'import torch, torch.distributed as d; assert d.is_gloo_available(); print(torch.__version__)';
    return execFileSync(python, ['-c', program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

async function runGloo(python: string, load: AllreduceLoad): Promise<SizeResult[]> {
  const { placement, workers, sizes, repeats, onResult } = load;
  const store = `${placement.address(0)}:${await freePort()}`;
  const script = shippedFile('bench/allreduce/gloo_worker.py');
  const ranks = Array.from({ length: workers }, (_, rank) => {
    const [program, ...args] = [
      ...placement.prefix(rank),
      ...[python, script, String(rank), String(workers), store, String(repeats), ...sizes.map(String)],
    ];
    return LineProcess.start(`gloo's rank ${rank}`, program!, args, {
      GLOO_SOCKET_IFNAME: placement.interface,
      OMP_NUM_THREADS: '1',
    });
  });
  const results: SizeResult[] = [];
  try {
    while (results.length < sizes.length) {
      const others = ranks.slice(1).map((rank) => rank.fault());
      results.push(await Promise.race([ranks[0]!.next<SizeResult>(), ...others]));
      onResult?.(results.length);
    }
    return results;
  } finally {
    await Promise.all(ranks.map((rank) => rank.close(results.length < sizes.length ? 'SIGKILL' : undefined)));
  }
}

/** Of this machine's loopback; those of a worker's own namespace are free. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
