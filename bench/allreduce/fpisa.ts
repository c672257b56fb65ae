/** fpisa as its user runs it: a switch, a controller and workers, each a process, over UDP. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControllerClient } from '../../controlplane/index.js';
import { shippedFile } from '../../net/package-files.js';
import { LineProcess } from '../line-process.js';
import { untilIdle } from '../process-time.js';
import type { AllreduceLoad, SizeResult, System } from './load.js';
import type { Scheme, WorkerLine } from './worker.js';

const JOB = 'bench';
const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));

export interface FpisaOptions {
  /** Per packet. */
  readonly values: number;
  /** Floats that the switch adds, or integers that workers make of them (SwitchML's scheme). */
  readonly scheme?: Scheme;
  /** Of the job; absent: the default. */
  readonly slots?: number;
  /** Probability with which the switch's ports drop a packet, in each direction. */
  readonly loss?: number;
}

export function fpisaSystem(name: string, options: FpisaOptions): System {
  return {
    name,
    version: `${options.scheme === 'int32' ? 'quantized, ' : ''}${options.values} values a packet, node ${process.versions.node}`,
    isNetworked: true,
    run: (load) => runFpisa(load, options),
  };
}

async function runFpisa(load: AllreduceLoad, options: FpisaOptions): Promise<SizeResult[]> {
  const { placement, workers, sizes, repeats, onResult } = load;
  const folder = mkdtempSync(join(tmpdir(), 'fpisa-bench-'));
  const processes: LineProcess[] = [];
  const start = (name: string, words: readonly string[]): LineProcess => {
    const [program, ...args] = words;
    const started = LineProcess.start(name, program!, args);
    processes.push(started);
    return started;
  };
  const command = [process.execPath, shippedFile('bin/fpisa.js')];
  const anyPort = `${placement.middle}:0`;
  let client: ControllerClient | undefined;
  try {
    const device = start('the switch', [
      ...[
        ...command,
        'switch',
        '--json',
        '--p4runtime',
        anyPort,
        '--host',
        placement.middle,
        '--ports',
        String(workers),
      ],
      ...(options.loss === undefined ? [] : ['--loss', String(options.loss)]),
    ]);
    const { p4runtime, ports } = await device.next<{ p4runtime: string; ports: Record<string, string> }>();
    const controllerProcess = start('the controller', [
      ...[...command, 'controller', '--json', '--log-level', 'error', '--listen', anyPort],
      ...['--store', join(folder, 'controller.json'), '--switch', p4runtime, '--values', String(options.values)],
      ...Object.entries(ports).flatMap(([port, place]) => ['--port', `${port}=${place}`]),
    ]);
    const { controller } = await controllerProcess.next<{ controller: string }>();
    client = new ControllerClient(controller);
    const { scheme = 'fp32', slots } = options;
    await client.createJob({
      name: JOB,
      workers,
      ...(slots !== undefined && { slots }),
      ...(scheme === 'int32' && { profile: 'int32' }),
    });
    await untilIdle(device.pid);
    const started = Array.from({ length: workers }, (_, rank) =>
      start(`worker ${rank}`, [
        ...[...placement.prefix(rank), process.execPath, WORKER, controller, JOB, scheme, String(rank)],
        ...[repeats, ...sizes].map(String),
      ]),
    );
    const results: SizeResult[] = [];
    for (const bytes of sizes) {
      const lines = await Promise.all(started.map((worker) => worker.next<WorkerLine>()));
      results.push({
        bytes,
        seconds: Array.from({ length: repeats }, (_, i) => Math.max(...lines.map(({ seconds }) => seconds[i]!))),
        cpuSeconds: lines.reduce((sum, line) => sum + line.cpuSeconds, 0),
      });
      onResult?.(results.length);
    }
    return results;
  } finally {
    client?.close();
    // Workers first: one whose controller goes away keeps trying to reconnect.
    for (const each of processes.reverse()) await each.close('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
