/**
 * A controller and a switch as processes would be: the gRPC service of protocol/proto/fpisa.proto and
 * one UDP socket per switch port, around the models. A test can lose packets, kill the controller and
 * bring it back on the same port.
 */
import dgram from 'node:dgram';
import * as grpc from '@grpc/grpc-js';
import { loadService } from '../../../protocol/service.js';
import type { ControllerMessage, Failed, Hello, Progress, Submitted, Welcome } from '../../../host/session/messages.js';
import { ModelController } from './model-controller.js';
import { PAPER_PROFILE } from '../../support/paper-profile.js';
import { ModelSwitch } from './model-switch.js';

interface WorkerMessage {
  hello?: Hello;
  progress?: Progress;
  failed?: Failed;
  submitted?: Submitted;
  leave?: object;
}

type Stream = grpc.ServerDuplexStream<WorkerMessage, ControllerMessage>;

export interface FakeOptions {
  job?: string;
  workers: number;
  slots?: number;
  valuesPerPacket?: number;
  format?: 'fp32' | 'int32';
  /** False: packets vanish in the switch. */
  answers?: boolean;
  /** Whether the packet is lost; called for every packet in both directions. */
  loses?: () => boolean;
}

const JOB_NUMBER = 3;
const SLOT_BASE = 8;

export class FakeNetwork {
  readonly failures: Failed[] = [];
  readonly hellos: Hello[] = [];
  /** The last message of each worker before it left; undefined if that was not a Progress. */
  readonly farewells: (Progress | undefined)[] = [];
  /** Ranks that are taken by workers that the test does not have. */
  readonly occupied = new Set<number>();
  readonly switch: ModelSwitch;
  readonly controller: ModelController;
  private readonly ports = new Map<number, dgram.Socket>();
  private readonly portNumbers: number[] = [];
  private readonly streams = new Map<number, Stream>();
  private readonly peers = new Map<number, dgram.RemoteInfo>();
  private server: grpc.Server | undefined;
  private grpcPort = 0;

  private constructor(private readonly options: FakeOptions) {
    const { valuesPerPacket = 16, format = 'fp32', workers } = options;
    this.switch = new ModelSwitch(valuesPerPacket, format);
    this.controller = new ModelController({
      workers,
      send: (rank, message) => this.streams.get(rank)?.write(message),
      install: (epoch, ranks) =>
        this.switch.install({ job: JOB_NUMBER, epoch, ranks, slotBase: SLOT_BASE, slots: this.slots }),
    });
  }

  static async start(options: FakeOptions): Promise<FakeNetwork> {
    const network = new FakeNetwork(options);
    for (let rank = 0; rank < 8; rank++) network.portNumbers.push(await network.openPort(rank));
    await network.startController();
    return network;
  }

  /** `host:port` for {@link Worker.join}. */
  get address(): string {
    return `127.0.0.1:${this.grpcPort}`;
  }

  get jobName(): string {
    return this.options.job ?? 'train';
  }

  /** UDP port of the service at the switch port of `rank`. */
  portOf(rank: number): number {
    return this.portNumbers[rank]!;
  }

  async startController(): Promise<void> {
    const root = loadService();
    const methods = root.lookupService('fpisa.v1.Controller').methods;
    const definition: Record<string, grpc.MethodDefinition<object, object>> = {};
    for (const name of ['Join', 'ListJobs']) {
      const method = methods[name]!;
      method.resolve();
      const request = method.resolvedRequestType!;
      const response = method.resolvedResponseType!;
      definition[name] = {
        path: `/fpisa.v1.Controller/${name}`,
        requestStream: method.requestStream ?? false,
        responseStream: method.responseStream ?? false,
        requestDeserialize: (bytes: Buffer) =>
          request.toObject(request.decode(bytes), { defaults: true, oneofs: false }),
        requestSerialize: (value: object) => Buffer.from(request.encode(request.fromObject(value)).finish()),
        responseDeserialize: (bytes: Buffer) => response.toObject(response.decode(bytes)),
        responseSerialize: (value: object) => Buffer.from(response.encode(response.fromObject(value)).finish()),
      };
    }
    const server = new grpc.Server();
    server.addService(definition, {
      Join: (stream: Stream) => this.join(stream),
      ListJobs: (_call: unknown, callback: grpc.sendUnaryData<object>) =>
        callback(null, { jobs: [{ name: this.jobName }] }),
    });
    this.grpcPort = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.grpcPort}`, grpc.ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      );
    });
    this.server = server;
  }

  /** As a crash: connections break, the controller forgets its streams but not the job. */
  killController(): void {
    this.streams.clear();
    this.server?.forceShutdown();
    this.server = undefined;
  }

  async stop(): Promise<void> {
    this.killController();
    await this.killSwitch();
  }

  /** Nobody listens at its ports from now on. */
  async killSwitch(): Promise<void> {
    const ports = [...this.ports.values()];
    this.ports.clear();
    await Promise.all(ports.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }

  /** At the UDP ports that it had; it has forgotten nothing. */
  async startSwitch(): Promise<void> {
    for (const [rank, port] of this.portNumbers.entries()) await this.openPort(rank, port);
  }

  private get slots(): number {
    return this.options.slots ?? 8;
  }

  private join(stream: Stream): void {
    let rank: number | undefined;
    let last: WorkerMessage | undefined;
    stream.on('data', (message: WorkerMessage) => {
      if (message.leave !== undefined) this.farewells.push(last?.progress);
      last = message;
      if (message.hello !== undefined) {
        const refused = this.refuse(message.hello);
        if (refused !== undefined) {
          stream.emit('error', Object.assign(new Error(refused.details), refused));
          return;
        }
        rank = message.hello.rank;
        this.hellos.push(message.hello);
        this.streams.set(rank, stream);
        stream.write({ welcome: this.welcome(rank) });
        this.controller.hello(rank, message.hello.completed);
      } else if (rank === undefined) return;
      else if (message.progress !== undefined) {
        this.controller.progress(rank, message.progress);
      } else if (message.failed !== undefined) {
        this.failures.push(message.failed);
        this.controller.failed(rank, message.failed);
      } else if (message.submitted !== undefined) {
        this.controller.submitted(rank, message.submitted);
      } else if (message.leave !== undefined) {
        this.gone(rank, stream);
        stream.end();
      }
    });
    const ended = () => {
      if (rank !== undefined) this.gone(rank, stream);
    };
    stream.on('end', () => {
      ended();
      stream.end();
    });
    stream.on('cancelled', ended);
    stream.on('error', () => undefined);
  }

  private gone(rank: number, stream: Stream): void {
    if (this.streams.get(rank) !== stream) return;
    this.streams.delete(rank);
    this.controller.lost(rank);
  }

  private refuse(hello: Hello): { code: grpc.status; details: string } | undefined {
    if (hello.job !== this.jobName) return { code: grpc.status.NOT_FOUND, details: `no job '${hello.job}'` };
    if (this.streams.has(hello.rank) || this.occupied.has(hello.rank))
      return { code: grpc.status.ALREADY_EXISTS, details: `rank ${hello.rank} is taken` };
    return undefined;
  }

  private welcome(rank: number): Welcome {
    const { valuesPerPacket = 16, format = 'fp32', workers } = this.options;
    return {
      job: {
        name: this.jobName,
        number: JOB_NUMBER,
        workers,
        minWorkers: 1,
        epoch: this.controller.epoch,
        slotBase: SLOT_BASE,
        slots: this.slots,
        profile: { ...PAPER_PROFILE, format },
        state: 'waiting',
      },
      valuesPerPacket,
      packetSteps: [],
      serviceIp: '127.0.0.1',
      serviceUdpPort: this.portOf(rank),
      switchPort: rank + 1,
      serviceMac: '',
    };
  }

  private async openPort(rank: number, port = 0): Promise<number> {
    const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
    await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', resolve));
    this.ports.set(rank, socket);
    socket.on('message', (message, from) => {
      this.peers.set(rank, from);
      if (this.options.answers === false || this.options.loses?.()) return;
      for (const delivery of this.switch.handle(rank, message)) {
        const peer = this.peers.get(delivery.rank);
        if (peer === undefined || this.options.loses?.()) continue;
        this.ports.get(delivery.rank)?.send(delivery.message, peer.port, peer.address);
      }
    });
    socket.on('error', () => undefined);
    return socket.address().port;
  }
}
