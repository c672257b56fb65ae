/**
 * Trees of emulator switches that one controller drives: leaves reach their parents over wires in this
 * process, workers their leaves over UDP on loopback. What a test starts here ends with the test.
 */
import { InProcessPort, P4RuntimeServer, PortRunner, SwitchDevice, UdpPort } from '../../emulator/index.js';
import { Controller } from '../../controlplane/controller/controller.js';
import type { ControllerTiming } from '../../controlplane/controller/controller-options.js';
import type { SwitchConfig } from '../../controlplane/controller/state.js';
import { MemoryStore } from '../../controlplane/controller/store.js';
import { ControllerClient } from '../../controlplane/service/client.js';
import { ControllerServer } from '../../controlplane/service/server.js';
import { DgramTransport, Worker, type JoinOptions } from '../../host/index.js';
import { Random } from '../../net/random.js';
import { SERVICE_UDP_PORT } from '../../protocol/constants.js';
import { Line } from '../e2e/support/line.js';
import { onEnd } from './site.helpers.js';

/** Uplink of every switch that has a parent; the parent's ports towards its children come after it. */
export const UPLINK = 100;
const N = 16;

/** A cable between two switches, either of which may be replaced while it hangs there. */
export class Wire {
  /** Of the frames of each direction, from 0 to 1. */
  loss = { up: 0, down: 0 };
  private readonly random: Random;
  lower: InProcessPort | undefined;
  upper: InProcessPort | undefined;

  constructor(seed: number) {
    this.random = new Random(seed);
  }
  up(frame: Uint8Array): void {
    if (!this.random.chance(this.loss.up)) this.upper?.inject(frame);
  }
  down(frame: Uint8Array): void {
    if (!this.random.chance(this.loss.down)) this.lower?.inject(frame);
  }
}

export interface SwitchPlan {
  readonly name: string;
  readonly parent?: string;
  /** Ports 1 to this number are for workers. */
  readonly workers: number;
}

/** An embedded switch whose addresses survive its restart. */
class TreeSwitch {
  uplink: { readonly wire: Wire; readonly parent: TreeSwitch; readonly parentPort: number } | undefined;
  readonly children = new Map<number, Wire>();
  readonly endpoints = new Map<number, string>();
  private grpcPort = 0;
  private server: P4RuntimeServer | undefined;
  private runner: PortRunner | undefined;
  private device: SwitchDevice | undefined;

  constructor(
    private readonly plan: SwitchPlan,
    private readonly index: number,
  ) {}

  get config(): SwitchConfig {
    const { uplink } = this;
    return {
      name: this.plan.name,
      address: `127.0.0.1:${this.grpcPort}`,
      deviceId: 1,
      serviceIp: `10.0.${this.index}.254`,
      serviceMac: `02:00:0a:00:${this.index.toString(16).padStart(2, '0')}:fe`,
      serviceUdpPort: SERVICE_UDP_PORT,
      ports: Object.fromEntries(this.endpoints),
      valuesPerPacket: N,
      ...(uplink && { parent: { switch: uplink.parent.plan.name, port: UPLINK, parentPort: uplink.parentPort } }),
    };
  }

  /** Begins with empty tables and registers, and without a program. */
  async start(): Promise<void> {
    // Compiling would stop this thread, which all switches, the controller and the workers share.
    const device = new SwitchDevice({ engine: 'interpreter' });
    const runner = new PortRunner(device);
    device.onOutput((output) => runner.emit(output));
    const { serviceIp: address, serviceMac: mac } = this.config;
    for (let number = 1; number <= this.plan.workers; number++) {
      const former = this.endpoints.get(number);
      const port = new UdpPort({
        number,
        bindPort: former === undefined ? 0 : Number(former.split(':')[1]),
        service: { mac, address, udpPort: SERVICE_UDP_PORT },
      });
      await runner.attach(port);
      this.endpoints.set(number, `${port.address.address}:${port.address.port}`);
    }
    if (this.uplink) {
      const { wire } = this.uplink;
      wire.lower = new InProcessPort(UPLINK, (frame) => wire.up(frame));
      await runner.attach(wire.lower);
    }
    for (const [number, wire] of this.children) {
      wire.upper = new InProcessPort(number, (frame) => wire.down(frame));
      await runner.attach(wire.upper);
    }
    this.runner = runner;
    this.device = device;
    this.server = new P4RuntimeServer(device);
    this.grpcPort = await this.server.listen(`127.0.0.1:${this.grpcPort}`);
  }

  async stop(): Promise<void> {
    await this.runner?.close();
    await this.server?.close();
    this.runner = this.server = this.device = undefined;
  }

  /** Goes on with its packets as it is; the controller cannot reach it. */
  async isolate(): Promise<void> {
    await this.server?.close();
    this.server = undefined;
  }

  async reconnect(): Promise<void> {
    this.server = new P4RuntimeServer(this.device!);
    await this.server.listen(`127.0.0.1:${this.grpcPort}`);
  }
}

export class Network {
  readonly switches = new Map<string, TreeSwitch>();
  /** By the name of the lower switch. */
  readonly wires = new Map<string, Wire>();
  client!: ControllerClient;
  controller!: Controller;
  private address = '';
  private readonly lines = new Map<Worker, { line: Line; transport: DgramTransport }>();

  private constructor() {}

  /** @param plans parents before their children */
  static async start(plans: readonly SwitchPlan[], timing: Partial<ControllerTiming> = {}): Promise<Network> {
    const network = new Network();
    for (const plan of plans) {
      const { size } = network.switches;
      const added = new TreeSwitch(plan, size);
      network.switches.set(plan.name, added);
      if (plan.parent === undefined) continue;
      const parent = network.switches.get(plan.parent)!;
      const wire = new Wire(size);
      network.wires.set(plan.name, wire);
      added.uplink = { wire, parent, parentPort: UPLINK + 1 + parent.children.size };
      parent.children.set(added.uplink.parentPort, wire);
    }
    for (const each of network.switches.values()) {
      await each.start();
      onEnd(() => each.stop());
    }
    // Children first: a parent need not come before them in the list.
    const switches = [...network.switches.values()].map(({ config }) => config).reverse();
    network.controller = new Controller({ store: new MemoryStore(), switches, timing });
    const server = new ControllerServer(network.controller);
    network.address = `127.0.0.1:${await server.listen('127.0.0.1:0')}`;
    network.client = new ControllerClient(network.address);
    onEnd(async () => {
      network.client.close();
      await server.close();
    });
    return network;
  }

  /** A worker at a switch that can be {@link kill}ed. */
  async join(job: string, rank: number, switchName?: string, options: Partial<JoinOptions> = {}): Promise<Worker> {
    const line = await Line.open(this.address);
    const transport = await DgramTransport.open({ ip: '127.0.0.1' });
    const worker = await Worker.join({
      controller: line.address,
      job,
      rank,
      transport,
      ...(switchName !== undefined && { switchName }),
      ...options,
    });
    this.lines.set(worker, { line, transport });
    onEnd(async () => {
      await worker.close();
      await line.cut();
    });
    return worker;
  }

  /** @param homes the switch of each rank */
  joinAll(job: string, homes: readonly string[]): Promise<Worker[]> {
    return Promise.all(homes.map((home, rank) => this.join(job, rank, home)));
  }

  /** As if its process got SIGKILL. */
  async kill(worker: Worker): Promise<void> {
    const { line, transport } = this.lines.get(worker)!;
    await transport.close();
    await line.cut();
  }

  /** The worker continues to send packets, and the controller considers it lost. */
  async loseSight(worker: Worker): Promise<void> {
    await this.lines.get(worker)!.line.cut();
  }

  async restart(name: string): Promise<void> {
    await this.switches.get(name)!.stop();
    await this.switches.get(name)!.start();
  }

  /** Loses frames of every wire between switches. */
  loseEverywhere(rate: number): void {
    for (const wire of this.wires.values()) wire.loss = { up: rate, down: rate };
  }
}
