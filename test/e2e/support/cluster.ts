/**
 * Switch, controller and workers as they are, in this process: the emulator with the committed build of the
 * P4 program, the controller behind its gRPC service, and workers that join over it. What a test starts here
 * ends with the test.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import {
  Controller,
  ControllerClient,
  ControllerServer,
  FileStore,
  type CreateJobRequest,
  type JobMessage,
  type StatusMessage,
  type SwitchConfig,
} from '../../../controlplane/index.js';
import type { FaultOptions } from '../../../emulator/index.js';
import { DgramTransport, InProcessTransport, Worker, type JoinOptions, type Transport } from '../../../host/index.js';
import { SERVICE_UDP_PORT, type ValuesPerPacket } from '../../../protocol/constants.js';
import { DEVICE_ID, EmbeddedSwitch, SERVICE_IP, SERVICE_MAC } from './embedded-switch.js';
import { Line } from './line.js';

/** Name of the job that a cluster begins with. */
export const JOB = 'training';

export interface ClusterOptions {
  /** Of the first job. */
  readonly workers: number;
  /** Numeric profile of the first job; default `fpisa`. */
  readonly profile?: string;
  /** Slots of the first job; default the controller's. */
  readonly slots?: number;
  /** Whether the first job goes on with fewer workers. */
  readonly elastic?: boolean;
  /** How long the controller waits for lost members; default its own. */
  readonly returnTimeoutMs?: number;
  /** Values per packet: which build of the program runs. Default 16. */
  readonly values?: ValuesPerPacket;
  /** Another build of that many values; default the one with all profiles. */
  readonly build?: string;
  /** Worker ports of the switch; default one for each worker of the first job. */
  readonly ports?: number;
  /** How workers reach the switch; default `in-process`. */
  readonly transport?: 'udp' | 'in-process';
  readonly faults?: FaultOptions;
}

export interface JoinChanges extends Partial<JoinOptions> {
  /** The worker can be {@link Cluster.kill}ed. */
  readonly mortal?: boolean;
}

const running: Cluster[] = [];

afterEach(async () => {
  for (const cluster of running.splice(0)) await cluster.stop();
});

export class Cluster {
  /** Of every worker that joined, what it sends through: forged packets go the same way. */
  readonly transports = new Map<Worker, Transport>();
  private readonly lines = new Map<Worker, Line>();
  private readonly workers: Worker[] = [];
  /** In process: switch ports at which a worker is, or was. */
  private readonly plugged = new Set<number>();
  private server: ControllerServer | undefined;
  private controllerPort = 0;
  private connectedClient: ControllerClient | undefined;

  private constructor(
    private readonly options: ClusterOptions,
    readonly network: EmbeddedSwitch,
    private readonly directory: string,
  ) {}

  /** A running switch and controller, with a job called {@link JOB} that waits for its workers. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const { workers, ports = workers, transport = 'in-process', profile, slots, faults } = options;
    const network = await EmbeddedSwitch.start({ ports, transport, ...(faults && { faults }) });
    const cluster = new Cluster(options, network, await mkdtemp(join(tmpdir(), 'fpisa-e2e-')));
    running.push(cluster);
    await cluster.startController();
    await cluster.addJob({
      name: JOB,
      workers,
      ...(profile !== undefined && { profile }),
      ...(slots !== undefined && { slots }),
      elastic: options.elastic ?? false,
    });
    return cluster;
  }

  /** The controller's address, which stays the same over restarts. */
  get controller(): string {
    return `127.0.0.1:${this.controllerPort}`;
  }

  get client(): ControllerClient {
    return (this.connectedClient ??= new ControllerClient(this.controller));
  }

  get storeFile(): string {
    return join(this.directory, 'store.json');
  }

  addJob(request: CreateJobRequest): Promise<JobMessage> {
    return this.client.createJob(request);
  }

  job(name = JOB): Promise<JobMessage> {
    return this.client.getJob(name);
  }

  status(): Promise<StatusMessage> {
    return this.client.getStatus();
  }

  /** Packets that the switch has dropped, by reason; reasons that never occurred are absent. */
  async drops(): Promise<Readonly<Record<string, number>>> {
    return (await this.status()).switches[0]!.drops;
  }

  async join(rank: number, { mortal = false, ...options }: JoinChanges = {}): Promise<Worker> {
    const line = mortal ? await Line.open(this.controller) : undefined;
    const transport = options.transport ?? (await this.transport());
    const worker = await Worker.join({
      controller: line?.address ?? this.controller,
      job: JOB,
      rank,
      ...options,
      transport,
    });
    this.workers.push(worker);
    this.transports.set(worker, transport);
    if (line !== undefined) this.lines.set(worker, line);
    return worker;
  }

  /** All workers of a job, by rank. */
  async joinAll(options: JoinChanges = {}): Promise<Worker[]> {
    const { workers } = await this.job(options.job);
    return Promise.all(Array.from({ length: workers }, (_, rank) => this.join(rank, options)));
  }

  /** As if the worker's process got SIGKILL: no farewell to anybody, and nothing is heard of it any more. */
  async kill(worker: Worker): Promise<void> {
    const line = this.lines.get(worker);
    if (line === undefined) throw new Error('only a worker that joined with { mortal: true } can be killed');
    await this.transports.get(worker)!.close();
    await line.cut();
  }

  /** In process: frees the switch ports of workers that are closed. */
  unplug(...workers: readonly Worker[]): void {
    for (const worker of workers) this.plugged.delete(this.transports.get(worker)!.localAddress.switchPort!);
  }

  async stopController(): Promise<void> {
    await this.server?.close();
    this.server = undefined;
  }

  /** A new controller on the same address and store. */
  async startController(): Promise<void> {
    const { returnTimeoutMs } = this.options;
    const controller = new Controller({
      ...(returnTimeoutMs !== undefined && { timing: { returnTimeoutMs } }),
      store: new FileStore(this.storeFile),
      switches: [this.switchConfig()],
    });
    this.server = new ControllerServer(controller);
    this.controllerPort = await this.server.listen(this.controller);
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
    await Promise.all([...this.lines.values()].map((line) => line.cut()));
    this.connectedClient?.close();
    await this.stopController();
    await this.network.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** A connection to the switch from an address that no other host has. */
  private async transport(): Promise<Transport> {
    if (this.options.transport === 'udp') return await DgramTransport.open({ ip: '127.0.0.1' });
    const { cables } = this.network;
    const number = [...cables.keys()].find((port) => !this.plugged.has(port));
    if (number === undefined) throw new Error(`something is plugged into each of the switch's ${cables.size} ports`);
    this.plugged.add(number);
    const mac = `02:00:0a:00:00:${number.toString(16).padStart(2, '0')}`;
    return new InProcessTransport(cables.get(number)!, {
      ip: `10.0.0.${number}`,
      udpPort: 40_000 + number,
      mac,
      switchPort: number,
    });
  }

  private switchConfig(): SwitchConfig {
    const { network, options } = this;
    const numbers = options.transport === 'udp' ? network.endpoints.keys() : network.cables.keys();
    return {
      name: 's1',
      address: network.address,
      deviceId: DEVICE_ID,
      serviceIp: SERVICE_IP,
      serviceMac: SERVICE_MAC,
      serviceUdpPort: SERVICE_UDP_PORT,
      ports: Object.fromEntries([...numbers].map((number) => [number, network.endpoints.get(number) ?? null])),
      valuesPerPacket: options.values ?? 16,
      ...(options.build !== undefined && { build: options.build }),
    };
  }
}
