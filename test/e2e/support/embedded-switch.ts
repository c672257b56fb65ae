/** The embedded switch of a cluster: device, P4Runtime server and ports, at addresses that survive its restart. */
import { loadCompiler } from '../../../emulator/compiler/cache.js';
import {
  FaultInjector,
  InProcessPort,
  P4RuntimeServer,
  PortRunner,
  SwitchDevice,
  UdpPort,
  type FaultOptions,
} from '../../../emulator/index.js';
import { SERVICE_UDP_PORT } from '../../../protocol/constants.js';
import type { FramePort } from '../../../host/index.js';

export const SERVICE_IP = '10.0.0.254';
export const SERVICE_MAC = '02:00:0a:00:00:fe';
export const DEVICE_ID = 7;

export interface EmbeddedSwitchOptions {
  /** Switch ports 1 to `ports`. */
  readonly ports: number;
  readonly transport: 'udp' | 'in-process';
  readonly faults?: FaultOptions;
  /** To which datagrams at UDP ports are addressed; that of allreduce by default. */
  readonly serviceUdpPort?: number;
}

/** One end of a cable whose other end is a switch port; the switch may be replaced while it hangs there. */
class Cable implements FramePort {
  onFrame: ((frame: Uint8Array) => void) | undefined;
  /** The present switch's end. */
  port: InProcessPort | undefined;
  /** Which of the frames that the switch sends do not arrive. */
  loses: (frame: Uint8Array) => boolean = () => false;

  send(frame: Uint8Array): void {
    this.port?.inject(frame);
  }
}

export class EmbeddedSwitch {
  /** In process: what a worker at switch port `number` is attached to. */
  readonly cables = new Map<number, Cable>();
  /** UDP: `ip:port` of each switch port. */
  readonly endpoints = new Map<number, string>();
  device: SwitchDevice | undefined;
  runner: PortRunner | undefined;
  faults: FaultInjector | undefined;
  private server: P4RuntimeServer | undefined;
  private grpcPort = 0;

  private constructor(private readonly options: EmbeddedSwitchOptions) {}

  static async start(options: EmbeddedSwitchOptions): Promise<EmbeddedSwitch> {
    const embedded = new EmbeddedSwitch(options);
    await embedded.start();
    return embedded;
  }

  /** Of P4Runtime, `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.grpcPort}`;
  }

  /** Begins with empty tables and registers, and without a program. */
  async start(): Promise<void> {
    const { options } = this;
    // A program is then compiled when the controller brings it. Later, when packets come, it would stop this thread,
    // which is that of controller and workers too, for seconds on a busy machine.
    await loadCompiler();
    const device = new SwitchDevice({ engine: 'compiled' });
    this.server = new P4RuntimeServer(device, { deviceId: BigInt(DEVICE_ID) });
    this.faults = options.faults && new FaultInjector(options.faults);
    const runner = new PortRunner(device, { ...(this.faults && { faults: this.faults }) });
    device.onOutput((output) => runner.emit(output));
    for (let number = 1; number <= options.ports; number++) {
      if (options.transport === 'udp') await this.attachUdp(runner, number);
      else await this.attachInProcess(runner, number);
    }
    this.device = device;
    this.runner = runner;
    this.grpcPort = await this.server.listen(this.address);
  }

  /** Everything that it knew is gone. */
  async stop(): Promise<void> {
    await this.runner?.close();
    await this.server?.close();
    this.runner = this.server = this.device = undefined;
    for (const cable of this.cables.values()) cable.port = undefined;
  }

  private async attachUdp(runner: PortRunner, number: number): Promise<void> {
    const former = this.endpoints.get(number);
    const port = new UdpPort({
      number,
      bindPort: former === undefined ? 0 : Number(former.split(':')[1]),
      service: { mac: SERVICE_MAC, address: SERVICE_IP, udpPort: this.options.serviceUdpPort ?? SERVICE_UDP_PORT },
    });
    await runner.attach(port);
    this.endpoints.set(number, `${port.address.address}:${port.address.port}`);
  }

  private async attachInProcess(runner: PortRunner, number: number): Promise<void> {
    const cable = this.cables.get(number) ?? new Cable();
    this.cables.set(number, cable);
    cable.port = new InProcessPort(number, (frame) => {
      if (!cable.loses(frame)) cable.onFrame?.(frame);
    });
    await runner.attach(cable.port);
  }
}
