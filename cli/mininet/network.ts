/** The parts of a running network: Mininet with its switches, the controller, and the job's workers. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { NumericProfile } from '../../arithmetic/index.js';
import { ControllerClient } from '../../controlplane/index.js';
import type { AllreduceEvent, TensorResult } from '../allreduce/events.js';
import { Child } from '../child-process.js';
import type { ControllerReady } from '../controller/ready.js';
import type { SumTree } from '../sum-verification.js';
import { NetworkError, UsageError } from '../errors.js';
import type { ControlCommand } from './control.js';
import { MininetDriver, type NetworkDescription, type NetworkSpec, type WorkerPlace } from './driver.js';
import type { Inputs } from './inputs.js';

const JOB = 'mininet';
const CONTROLLER_PORT = 9600;
/** `fpisa_topo.py` gives it to the near end of every host's management link. */
const CONTROLLER_IP = '198.18.0.1';
/** As workers see it; also in the environment of Mininet's prompt. */
const CONTROLLER = `${CONTROLLER_IP}:${CONTROLLER_PORT}`;

/** Seconds that a worker waits for the job to run (again): longer than a switch or the controller needs to return. */
const WAIT_SECONDS = 60;

export interface NetworkOptions {
  readonly python: string;
  readonly spec: Omit<NetworkSpec, 'logs'>;
  /** Folder for configuration, logs and sums. */
  readonly directory: string;
  readonly profile: string;
  /** Of the job. */
  readonly elastic: boolean;
  readonly minWorkers?: number;
}

/** How long the switches may take until the controller has programmed them. */
const READY_MS = 30_000;
const POLL_MS = 50;

/** What a worker that finished did, an entry for each tensor. */
export interface WorkerEnd {
  readonly rank: number;
  readonly results: readonly TensorResult[];
}

export class Network {
  private readonly driver: MininetDriver;
  private description!: NetworkDescription;
  private controller: Child<ControllerReady> | undefined;
  private client: ControllerClient | undefined;
  private readonly workers = new Map<number, Child<AllreduceEvent>>();
  /** Ranks of workers that were killed by command, in that order. */
  private readonly killed = new Set<number>();
  private break!: (error: Error) => void;
  /** Rejects when something ends that was not told to. */
  readonly broken: Promise<never>;

  constructor(private readonly options: NetworkOptions) {
    const { python, spec, directory } = options;
    this.driver = new MininetDriver(
      python,
      { ...spec, logs: directory },
      { FPISA_CONTROLLER: CONTROLLER, PATH: `${directory}:${process.env['PATH'] ?? ''}` },
    );
    const own = new Promise<never>((_, reject) => (this.break = reject));
    this.broken = Promise.race([own, this.driver.broken]);
    this.broken.catch(() => undefined);
  }

  get places(): readonly WorkerPlace[] {
    return this.description.workers;
  }

  get switches(): NetworkDescription['switches'] {
    return this.description.switches;
  }

  /** Ranks under each switch, from the root of the tree. */
  get tree(): readonly SumTree[] {
    const below = (name: string): SumTree[] => [
      ...this.places.filter((place) => place.switch === name).map(({ rank }) => rank),
      ...this.switches.filter(({ parent }) => parent?.switch === name).map((child) => below(child.name)),
    ];
    return this.switches.filter(({ parent }) => parent === undefined).flatMap(({ name }) => below(name));
  }

  get netem(): boolean {
    return this.description.netem;
  }

  get lost(): readonly number[] {
    return [...this.killed];
  }

  get prompt(): MininetDriver {
    return this.driver;
  }

  /** Builds the network. */
  async build(): Promise<void> {
    this.description = await this.driver.start();
  }

  /** Starts the controller, with a job for all workers. @returns the job's profile */
  async serve(): Promise<NumericProfile> {
    const { profile, elastic, minWorkers } = this.options;
    await writeFile(this.path('controller.json'), JSON.stringify({ switches: this.description.switches }, null, 2));
    await this.startController();
    this.client = new ControllerClient(`127.0.0.1:${CONTROLLER_PORT}`);
    await this.switchesReady(this.client);
    const job = await this.client.createJob({
      ...{ name: JOB, workers: this.places.length, profile, elastic },
      ...(minWorkers !== undefined && { minWorkers }),
    });
    return job.profile as NumericProfile;
  }

  /**
   * Runs a worker on every host.
   * @param onProgress share of the work that is done, 0 to 1
   * @returns of the workers that were not killed
   * @throws ChildError when one ends otherwise, NetworkError when one is killed before the job runs
   */
  async allreduce(inputs: Inputs, onProgress: (share: number) => void): Promise<WorkerEnd[]> {
    const shares = new Map<number, number>();
    let hasBegun = false;
    const ends = await Promise.all(
      this.places.map(async (place): Promise<WorkerEnd | undefined> => {
        let results: readonly TensorResult[] | undefined;
        const worker = new Child<AllreduceEvent>(
          `worker ${place.rank} on ${place.host}`,
          this.workerArguments(place, inputs),
          (message) => {
            hasBegun ||= message.event === 'progress' || message.event === 'done';
            if (message.event === 'done') results = message.tensors;
            else if (message.event === 'progress') {
              shares.set(place.rank, message.share);
              onProgress([...shares.values()].reduce((sum, share) => sum + share, 0) / this.places.length);
            }
          },
          { within: ['mnexec', '-a', String(place.pid)], detached: true },
        );
        this.workers.set(place.rank, worker);
        try {
          await worker.done();
        } catch (error) {
          if (!this.killed.has(place.rank)) throw error;
          if (!hasBegun) throw killedEarly(place, this.places.length);
        } finally {
          this.workers.delete(place.rank);
        }
        return results && { rank: place.rank, results };
      }),
    );
    return ends.filter((end) => end !== undefined);
  }

  /** @throws UsageError for a target that does not exist, NetworkError when it could not be done */
  async carryOut({ verb, target }: ControlCommand): Promise<void> {
    if ('worker' in target) return await this.killWorker(target.worker);
    if (target.part === 'controller') {
      if (verb !== 'start') await this.killController();
      if (verb !== 'kill') await this.startController();
      return;
    }
    await this.driver.command({ [verb]: target.part } as Parameters<MininetDriver['command']>[0]);
  }

  outputPath(sourceIndex: number, extension: string, rank: number): string {
    return this.path(`sum-${sourceIndex}-${rank}${extension}`);
  }

  /** Ends everything, workers first: one whose controller goes away keeps trying to reconnect. */
  async stop(): Promise<void> {
    await Promise.all([...this.workers.values()].map((worker) => worker.stop()));
    this.client?.close();
    const { controller } = this;
    this.controller = undefined;
    await controller?.stop();
    await this.driver.stop();
  }

  private workerArguments({ rank, ip, mac, switch: place, port }: WorkerPlace, { sources }: Inputs): string[] {
    return [
      ...[
        'allreduce',
        '--json',
        '--events',
        '--each',
        '--controller',
        CONTROLLER,
        '--job',
        JOB,
        '--rank',
        String(rank),
      ],
      ...['--ip', ip, '--mac', mac, '--switch', place, '--switch-port', String(port), '--wait', String(WAIT_SECONDS)],
      ...sources.flatMap((source, index) => [
        '--in',
        source.pathOf(rank),
        '--out',
        this.outputPath(index, source.extension, rank),
      ]),
    ];
  }

  /** Resolves when every switch runs the program, and so carries ordinary traffic too. */
  private async switchesReady(client: ControllerClient): Promise<void> {
    const deadline = performance.now() + READY_MS;
    for (;;) {
      const { switches } = await client.getStatus();
      const late = switches.find(({ state }) => state !== 'ready');
      if (late === undefined) return;
      if (performance.now() > deadline)
        throw new NetworkError(
          `switch ${late.name} is ${late.state} after ${READY_MS / 1000} s${late.detail === '' ? '' : `: ${late.detail}`}`,
        );
      await setTimeout(POLL_MS);
    }
  }

  private async killWorker(rank: number): Promise<void> {
    const worker = this.workers.get(rank);
    if (worker === undefined)
      throw new UsageError(
        `no worker ${rank} is running; running workers: ${[...this.workers.keys()].sort((a, b) => a - b).join(', ') || 'none'}`,
      );
    this.killed.add(rank);
    await worker.kill();
  }

  private async startController(): Promise<void> {
    if (this.controller !== undefined) throw new UsageError('the controller is already running');
    const controller = new Child<ControllerReady>(
      'the controller',
      [
        'controller',
        '--log-level',
        'error',
        '--json',
        '--listen',
        `0.0.0.0:${CONTROLLER_PORT}`,
        '--config',
        this.path('controller.json'),
        '--store',
        this.path('store.json'),
      ],
      undefined,
      { detached: true },
    );
    this.controller = controller;
    await controller.next();
    void controller.exit.then(() => {
      if (this.controller === controller) this.break(new NetworkError('the controller ended unexpectedly'));
    });
  }

  private async killController(): Promise<void> {
    const { controller } = this;
    if (controller === undefined) throw new UsageError('the controller is not running');
    this.controller = undefined;
    await controller.kill();
  }

  private path(name: string): string {
    return join(this.options.directory, name);
  }
}

/** The others would wait for its place to be taken, which nothing here does. */
function killedEarly({ rank, host }: WorkerPlace, workers: number): NetworkError {
  return new NetworkError(
    `worker ${rank} on ${host} was killed before the job ran, and the job needs ${workers === 1 ? 'it' : `all ${workers} workers`} to begin: kill workers after the first "progress" of --events`,
  );
}
