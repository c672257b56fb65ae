/** fpisa as its user runs it: a switch, a controller and workers, each a process, over UDP on this machine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControllerClient } from '../../controlplane/index.js';
import { shippedFile } from '../../net/package-files.js';
import { LineProcess } from '../line-process.js';
import { untilIdle } from '../process-time.js';
import type { AllreduceLoad, SizeResult } from './load.js';
import type { WorkerLine } from './worker.js';

const JOB = 'bench';
const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));

/** @param values per packet */
export async function runFpisa({ workers, sizes, repeats }: AllreduceLoad, values: number): Promise<SizeResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fpisa-bench-'));
  const processes: LineProcess[] = [];
  const start = (name: string, file: string, args: readonly string[]): LineProcess => {
    const started = LineProcess.start(name, process.execPath, [file, ...args]);
    processes.push(started);
    return started;
  };
  const command = shippedFile('bin/fpisa.js');
  let client: ControllerClient | undefined;
  try {
    const device = start('the switch', command, [
      ...['switch', '--json', '--p4runtime', '127.0.0.1:0', '--ports', String(workers)],
    ]);
    const { p4runtime, ports } = await device.next<{ p4runtime: string; ports: Record<string, string> }>();
    const controllerProcess = start('the controller', command, [
      ...['controller', '--json', '--log-level', 'error', '--listen', '127.0.0.1:0'],
      ...['--store', join(folder, 'controller.json')],
      ...['--switch', p4runtime, '--values', String(values)],
      ...Object.entries(ports).flatMap(([port, place]) => ['--port', `${port}=${place}`]),
    ]);
    const { controller } = await controllerProcess.next<{ controller: string }>();
    client = new ControllerClient(controller);
    await client.createJob({ name: JOB, workers });
    await untilIdle(device.pid);
    const started = Array.from({ length: workers }, (_, rank) =>
      start(`worker ${rank}`, WORKER, [controller, JOB, String(rank), String(repeats), ...sizes.map(String)]),
    );
    const results: SizeResult[] = [];
    for (const bytes of sizes) {
      const lines = await Promise.all(started.map((worker) => worker.next<WorkerLine>()));
      results.push({
        bytes,
        seconds: Array.from({ length: repeats }, (_, i) => Math.max(...lines.map(({ seconds }) => seconds[i]!))),
        cpuSeconds: lines.reduce((sum, line) => sum + line.cpuSeconds, 0),
      });
    }
    return results;
  } finally {
    client?.close();
    // Workers first: one whose controller goes away keeps trying to reconnect.
    for (const each of processes.reverse()) await each.close('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
