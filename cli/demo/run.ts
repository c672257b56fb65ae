/**
 * The demonstration: an embedded switch, a controller and workers, each a separate process, talking
 * over loopback exactly as they would over a network, reduce the recorded gradients.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { counted } from '../../net/count.js';
import type { NumericProfile } from '../../arithmetic/index.js';
import { readTensorFile, type TensorFile } from '../../host/index.js';
import { shippedFile } from '../../net/package-files.js';
import { ControllerClient } from '../../controlplane/index.js';
import { faultArguments, type FaultFlags } from '../options.js';
import { unlessInterrupted } from '../signals.js';
import type { AllreduceEvent, TensorResult } from '../allreduce/events.js';
import { DisposalStack } from '../disposal-stack.js';
import type { ControllerReady } from '../controller/ready.js';
import type { SwitchReady } from '../switch/ready.js';
import { Child } from '../child-process.js';
import { reductionReport, sum, type ReductionReport, type LayerReport } from '../reduction-report.js';
import { verifyLayer } from '../sum-verification.js';

const PHASES = ['early', 'late'] as const;
const JOB = 'demo';
/** Enough for the slowest machine to start all workers. */
const WAIT_SECONDS = '120';

export interface DemoOptions extends FaultFlags {
  readonly workers: number;
  readonly values: number;
  readonly profile: string;
  readonly signal: AbortSignal;
  /** Called with each stage, for people. */
  readonly onStage?: (text: string) => void;
  /** Share of all workers' work that is done, 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

interface WorkerEnd {
  readonly tensors: readonly TensorResult[];
}

/** @throws ChildError when a process dies, InterruptedError at `signal` */
export async function runDemo(options: DemoOptions): Promise<ReductionReport> {
  const started = performance.now();
  const directory = await mkdtemp(join(tmpdir(), 'fpisa-demo-'));
  const disposal = new DisposalStack();
  const start = <Message>(
    name: string,
    args: readonly string[],
    onMessage?: (message: Message) => void,
  ): Child<Message> => {
    const child = new Child<Message>(name, args, onMessage);
    return disposal.add(child, () => child.stop());
  };
  try {
    return await unlessInterrupted(options.signal, () => reduce(options, directory, start, started));
  } finally {
    // Workers first: a worker whose controller goes away keeps trying to reconnect.
    await disposal.dispose();
    await rm(directory, { recursive: true, force: true });
  }
}

type Start = <Message>(name: string, args: readonly string[], onMessage?: (message: Message) => void) => Child<Message>;

async function reduce(
  options: DemoOptions,
  directory: string,
  start: Start,
  started: number,
): Promise<ReductionReport> {
  options.onStage?.('starting the switch');
  const device = start<SwitchReady>('the switch', [
    ...['switch', '--json', '--p4runtime', '127.0.0.1:0', '--ports', String(options.workers)],
    ...faultArguments(options),
  ]);
  const { p4runtime, ports } = await device.next();

  options.onStage?.(`starting the controller; the switch serves P4Runtime at ${p4runtime}`);
  const controllerProcess = start<ControllerReady>('the controller', [
    ...[
      'controller',
      '--json',
      '--log-level',
      'error',
      '--listen',
      '127.0.0.1:0',
      '--store',
      join(directory, 'controller.json'),
    ],
    ...['--switch', p4runtime, '--values', String(options.values)],
    ...Object.entries(ports).flatMap(([port, endpoint]) => ['--port', `${port}=${endpoint}`]),
  ]);
  const { controller } = await controllerProcess.next();
  const client = new ControllerClient(controller);
  try {
    const job = await client.createJob({ name: JOB, workers: options.workers, profile: options.profile });
    options.onStage?.(
      `job "${JOB}" at ${controller}: ${counted(options.workers, 'worker')}, profile ${job.profile.name} with ${counted(job.profile.guard, 'guard digit')}, slots ${job.slots}`,
    );
    // Workers would wait for a switch or a controller to return; here nothing restarts them.
    const ends = await Promise.race([
      runWorkers(options, directory, controller, start),
      device.fault(),
      controllerProcess.fault(),
    ]);
    options.onStage?.('comparing the sums');
    return await assemble(options, directory, job.profile as NumericProfile, ends, started);
  } finally {
    client.close();
  }
}

async function runWorkers(
  options: DemoOptions,
  directory: string,
  controller: string,
  start: Start,
): Promise<WorkerEnd[]> {
  const shares = new Float64Array(options.workers);
  const ranks = Array.from({ length: options.workers }, (_, rank) => rank);
  return Promise.all(
    ranks.map(async (rank) => {
      const files = PHASES.flatMap((phase) => [
        '--in',
        inputPath(phase, rank),
        '--out',
        outputPath(directory, phase, rank),
      ]);
      let end: WorkerEnd | undefined;
      const worker = start<AllreduceEvent>(
        `worker ${rank}`,
        [
          'allreduce',
          '--json',
          '--events',
          '--each',
          '--wait',
          WAIT_SECONDS,
          '--controller',
          controller,
          '--job',
          JOB,
          '--rank',
          String(rank),
          ...files,
        ],
        (message) => {
          if (message.event === 'done') end = message;
          else if (message.event === 'progress') {
            shares[rank] = message.share;
            options.onProgress?.(shares.reduce((sum, share) => sum + share, 0) / options.workers);
          }
        },
      );
      await worker.done();
      return end!;
    }),
  );
}

async function assemble(
  options: DemoOptions,
  directory: string,
  profile: NumericProfile,
  ends: readonly WorkerEnd[],
  started: number,
): Promise<ReductionReport> {
  const layers: LayerReport[] = [];
  const ranks = ends.map((_, rank) => rank);
  let done = 0;
  for (const phase of PHASES) {
    const inputs = await Promise.all(ranks.map((rank) => readTensorFile(inputPath(phase, rank))));
    const outputs = await Promise.all(ranks.map((rank) => readTensorFile(outputPath(directory, phase, rank))));
    for (const [index, layer] of [...inputs[0]!.tensors.keys()].entries()) {
      const stats = ends.map((end) => end.tensors[done + index]!);
      layers.push({
        phase,
        layer,
        ...verifyLayer(
          inputs.map((file) => values(file, layer)),
          outputs.map((file) => values(file, layer)),
          profile,
        ),
        elapsedMs: Math.max(...stats.map((each) => each.elapsedMs)),
        packets: sum(stats, (each) => each.packetsSent),
        retransmissions: sum(stats, (each) => each.retransmissions),
        packetValues: Math.min(...stats.map((each) => each.packetValues)),
      });
    }
    done += inputs[0]!.tensors.size;
  }
  const { workers, values: valuesPerPacket, loss } = options;
  return reductionReport(layers, {
    workers,
    valuesPerPacket,
    loss,
    profile: profile.name,
    transports: ends.flatMap(({ tensors }) => tensors.map(({ transport }) => transport)),
    elapsedMs: Math.round(performance.now() - started),
  });
}

function values(file: TensorFile, layer: string): Float32Array {
  return file.tensors.get(layer)!.data as Float32Array;
}

function inputPath(phase: string, rank: number): string {
  return shippedFile(`bench/data/gradients/${phase}/worker-${rank}.safetensors`);
}

function outputPath(directory: string, phase: string, rank: number): string {
  return join(directory, `${phase}-${rank}.safetensors`);
}
