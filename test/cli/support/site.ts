/** A switch and a controller as processes, on ports that no other test uses. */
import { join } from 'node:path';
import { freePorts } from '../../support/free-ports.js';
import { Command, fpisa, scratch, type Ended } from './command.js';

export interface SiteOptions {
  /** Of the switch; each becomes a UDP socket. */
  readonly ports: number;
  readonly values?: number;
  /** By its name, instead of by its values. */
  readonly build?: string;
  /** Further arguments of `fpisa switch`. */
  readonly faults?: readonly string[];
  /** Further arguments of `fpisa controller`. */
  readonly controller?: readonly string[];
}

export class Site {
  private constructor(
    private readonly options: SiteOptions,
    readonly directory: string,
    public device: Command,
    readonly p4runtime: string,
    /** UDP address of each switch port. */
    readonly ports: Readonly<Record<string, string>>,
    public keeper: Command,
    /** Of the controller, `host:port`. */
    readonly address: string,
  ) {}

  static async start(options: SiteOptions): Promise<Site> {
    const directory = scratch();
    // Chosen in advance, so that they are free when a server restarts on its own.
    const [first, second, base] = await freePorts(2 + Math.max(1, options.ports));
    const device = new Command([
      'switch',
      '--json',
      '--p4runtime',
      `127.0.0.1:${first}`,
      '--ports',
      String(options.ports),
      '--base-port',
      String(base),
      ...(options.faults ?? []),
    ]);
    const { p4runtime, ports } = (await device.line()) as { p4runtime: string; ports: Record<string, string> };
    const keeper = new Command(controllerArgs(options, directory, p4runtime, ports, `127.0.0.1:${second}`));
    const { controller } = (await keeper.line()) as { controller: string };
    return new Site(options, directory, device, p4runtime, ports, keeper, controller);
  }

  /** Runs a command that takes --controller. */
  run(...args: readonly string[]): Promise<Ended> {
    return fpisa(...args, '--controller', this.address);
  }

  /** A file of the test. */
  file(name: string): string {
    return join(this.directory, name);
  }

  /** One worker, with its events as lines of JSON. */
  worker(job: string, rank: number, input: string, output: string, ...more: readonly string[]): Command {
    return new Command([
      'allreduce',
      '--json',
      '--events',
      '--controller',
      this.address,
      '--job',
      job,
      '--rank',
      String(rank),
      '--in',
      input,
      '--out',
      output,
      ...more,
    ]);
  }

  async restartController(): Promise<void> {
    this.keeper.kill('SIGKILL');
    await this.keeper.ended;
    this.keeper = new Command(controllerArgs(this.options, this.directory, this.p4runtime, this.ports, this.address));
    await this.keeper.line();
  }

  async restartSwitch(): Promise<void> {
    this.device.kill('SIGKILL');
    await this.device.ended;
    this.device = new Command([
      ...['switch', '--json', '--p4runtime', this.p4runtime],
      ...Object.entries(this.ports).flatMap(([port, endpoint]) => ['--port', `${port}=${endpoint}`]),
    ]);
    await this.device.line();
  }
}

function controllerArgs(
  { values = 16, build, controller = [] }: SiteOptions,
  directory: string,
  p4runtime: string,
  ports: Readonly<Record<string, string>>,
  listen: string,
): string[] {
  return [
    ...[
      'controller',
      ...controller,
      '--json',
      '--listen',
      listen,
      '--store',
      join(directory, 'store.json'),
      '--switch',
      p4runtime,
    ],
    ...(build === undefined ? ['--values', String(values)] : ['--build', build]),
    ...Object.entries(ports).flatMap(([port, endpoint]) => ['--port', `${port}=${endpoint}`]),
  ];
}
