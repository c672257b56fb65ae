/** `fpisa switch`: the embedded software switch. */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import {
  DEFAULT_CPU_PORT,
  defaultCacheFolder,
  ENGINE_NAMES,
  FaultInjector,
  interfaceMtu,
  isInterfaceName,
  P4RuntimeServer,
  PortError,
  PortRunner,
  portOf,
  SwitchDevice,
  ThreadedSwitch,
  type Device,
  type EngineName,
  type FaultOptions,
  type PortSpec,
} from '../../emulator/index.js';
import { SERVICE_UDP_PORT } from '../../protocol/constants.js';
import { SERVICE_UDP_PORT as QUERY_UDP_PORT } from '../../protocol/query/constants.js';
import { parseP4Info } from '../../p4runtime/p4info-file.js';
import { fileProblem } from '../../net/file-problem.js';
import { FileError, PortInUseError, UsageError } from '../errors.js';
import { listening } from '../listen.js';
import {
  DEFAULT_P4RUNTIME,
  DEFAULT_SERVICE_IP,
  DEFAULT_SERVICE_MAC,
  EXAMPLE_UDP_SOCKET,
  faultOptions,
  hostAlone,
  hostPort,
  integer,
  ipv4Address,
  jsonOption,
  listenAddress,
  macAddress,
  refuseOverlap,
  switchPortAssignment,
  type FaultFlags,
} from '../options.js';
import { Output } from '../output.js';
import { Repetitions } from '../repetitions.js';
import { aborted, interruption } from '../signals.js';
import { serverCredentials, serverTlsOptions, type TlsFlags } from '../tls.js';
import { checkExplainOptions, explainFile } from './explain.js';
import type { SwitchReady } from './ready.js';

interface Flags extends FaultFlags, TlsFlags {
  p4runtime: string;
  deviceId: number;
  cpuPort: number;
  port: Map<number, string>;
  ports?: number;
  host: string;
  basePort: number;
  serviceIp: string;
  serviceMac: string;
  serviceUdpPort: number;
  program?: string;
  p4info?: string;
  engine: EngineName;
  explain?: boolean;
  json?: boolean;
}

/** Share of packets that --delay delays, each by a random time up to the one given. */
const DELAYED_SHARE = 1;

export function switchCommand(): Command {
  const command = new Command('switch')
    .description(
      'run the embedded software switch: P4Runtime on one side, UDP sockets or network interfaces as ports on the other',
    )
    .addOption(
      new Option('--p4runtime <host:port>', 'where it serves P4Runtime; port 0 takes a free one')
        .argParser(listenAddress(DEFAULT_P4RUNTIME))
        .default(DEFAULT_P4RUNTIME),
    )
    .addOption(
      new Option('--device-id <number>', 'its P4Runtime device id')
        .argParser(integer(0, Number.MAX_SAFE_INTEGER))
        .default(0),
    )
    .addOption(
      new Option('--cpu-port <number>', 'switch port of packets to and from the controller, as the program has it')
        .argParser(integer(1, 510))
        .default(DEFAULT_CPU_PORT),
    )
    .addOption(new Option('--ports <count>', 'switch ports 1 to count, each a UDP socket').argParser(integer(1, 509)))
    .addOption(
      new Option('--base-port <number>', 'UDP port of switch port 1, the others follow; 0 takes free ones')
        .argParser(integer(0, 65_535))
        .default(0),
    )
    .addOption(
      new Option('--host <address>', 'address of these sockets')
        .argParser(hostAlone('--base-port'))
        .default('127.0.0.1'),
    )
    .addOption(
      new Option(
        '--port <port=place>',
        'one switch port and what it is: host:udpport of a UDP socket, or the name of a network interface; repeatable',
      )
        .argParser(switchPortAssignment)
        .default(new Map(), 'none'),
    )
    .addOption(
      new Option('--service-ip <address>', 'IPv4 address to which packets from these sockets are addressed')
        .argParser(ipv4Address)
        .default(DEFAULT_SERVICE_IP),
    )
    .addOption(
      new Option('--service-mac <address>', 'its MAC address').argParser(macAddress).default(DEFAULT_SERVICE_MAC),
    )
    .addOption(
      new Option('--service-udp-port <number>', `its UDP port; ${QUERY_UDP_PORT} for queries`)
        .argParser(integer(1, 65_535))
        .default(SERVICE_UDP_PORT),
    )
    .option('--program <file>', 'BMv2 JSON to run from the start; otherwise the controller pushes it')
    .option('--p4info <file>', 'P4Info of that program')
    .addOption(
      new Option(
        '--engine <engine>',
        'how programs are run: compiled, on a separate thread (the first seconds interpreted), or interpreted, which is far slower',
      )
        .choices(ENGINE_NAMES)
        .default('compiled'),
    )
    .option('--explain', 'say which loops and copies of --program run on vectors, or why not, and end')
    .addOption(jsonOption());
  for (const option of [...serverTlsOptions(), ...faultOptions()]) command.addOption(option);
  return command
    .addHelpText(
      'after',
      `
Examples:
  $ fpisa switch --ports 8 --base-port 47001
  $ fpisa switch --port 1=127.0.0.1:47001 --port 2=127.0.0.1:47002 --loss 0.05
  $ sudo fpisa switch --port 1=veth1 --port 2=veth2
  $ fpisa switch --explain --program program.json`,
    )
    .action((flags: Flags, self: Command) => run(flags, self));
}

async function run(flags: Flags, command: Command): Promise<void> {
  const output = new Output(flags.json ?? false);
  if (flags.explain === true) {
    if (flags.program === undefined) throw new UsageError('--explain needs --program, the BMv2 JSON to explain');
    checkExplainOptions(command);
    await explainFile(flags.program, read(flags.program), output);
    return;
  }
  if (flags.p4info !== undefined && flags.program === undefined)
    throw new UsageError('--p4info needs --program, the BMv2 JSON that p4c wrote beside it');
  for (const [name, option] of [
    ['basePort', '--base-port'],
    ['host', '--host'],
  ] as const) {
    if (flags.ports === undefined && flags.port.size > 0 && command.getOptionValueSource(name) === 'cli')
      throw new UsageError(`${option} is about the ports of --ports: --port says for itself where its port is`);
  }
  refuseOverlap(flags);
  const stop = interruption();
  const credentials = serverCredentials(flags);
  const { device, open, failed, close } = flags.engine === 'interpreter' ? interpreted(flags) : threaded(flags);
  const server = new P4RuntimeServer(device, { deviceId: BigInt(flags.deviceId) });
  if (flags.program !== undefined) {
    if (flags.p4info === undefined)
      throw new UsageError('--program needs --p4info, the P4Info file that p4c wrote along with it');
    runProgram(server, flags.program, flags.p4info);
  }
  try {
    const ports = await openPorts(open, flags);
    const port = await listening('P4Runtime', flags.p4runtime, '--p4runtime', (address) =>
      server.listen(address, credentials),
    );
    const p4runtime = `${hostPort(flags.p4runtime, DEFAULT_P4RUNTIME).host}:${port}`;
    const mtu = await mtus(ports);
    const ready: SwitchReady = { ready: true, p4runtime, deviceId: flags.deviceId, ports };
    output.object(Object.keys(mtu).length === 0 ? ready : { ...ready, mtu });
    output.line(`switch serves P4Runtime at ${p4runtime}, device ${flags.deviceId}`);
    for (const [number, place] of Object.entries(ports))
      output.line(
        `port ${number}: ${isInterfaceName(place) ? `interface ${place}, MTU ${mtu[number]!}` : `UDP ${place}`}`,
      );
    await Promise.race([aborted(stop), failed]);
  } finally {
    await close();
    await server.close();
  }
}

/** Of the ports that are network interfaces: longer packets cannot leave there. */
async function mtus(ports: Readonly<Record<string, string>>): Promise<Record<string, number>> {
  const mtu: Record<string, number> = {};
  for (const [number, place] of Object.entries(ports))
    if (isInterfaceName(place)) mtu[number] = await interfaceMtu(place);
  return mtu;
}

/** A switch that can be opened, in whatever way it runs its packets. */
interface Running {
  readonly device: Device;
  open(ports: readonly PortSpec[]): Promise<ReadonlyMap<number, string>>;
  /** Rejects when the switch cannot continue. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

function threaded(flags: Flags): Running {
  let fail: (error: Error) => void;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  // It may reject while ports are opened, which then fails by itself.
  failed.catch(() => {});
  const device = new ThreadedSwitch({
    cpuPort: flags.cpuPort,
    cacheFolder: defaultCacheFolder(),
    ...(hasFaults(flags) && { faults: faults(flags) }),
    onError: givenUp(),
    onFailure: (error) => fail(error),
    onInterpreted: (why) => process.stderr.write(`fpisa: the program stays interpreted, and slow: ${why}\n`),
  });
  return { device, open: (ports) => device.open(ports), failed, close: () => device.close() };
}

function interpreted(flags: Flags): Running {
  const device = new SwitchDevice({ engine: 'interpreter', cpuPort: flags.cpuPort });
  const runner = new PortRunner(device, {
    ...(hasFaults(flags) && { faults: new FaultInjector(faults(flags)) }),
    onError: givenUp(),
  });
  device.onOutput((packet) => runner.emit(packet));
  const open = async (ports: readonly PortSpec[]): Promise<ReadonlyMap<number, string>> => {
    const places = new Map<number, string>();
    for (const spec of ports) {
      const { port, place } = portOf(spec);
      await runner.attach(port);
      places.set(spec.number, place());
    }
    return places;
  };
  return { device, open, failed: new Promise(() => {}), close: () => runner.close() };
}

/** Packets that fail do so by the hundred: all those that a window of a worker holds, again and again. */
function givenUp(): (error: unknown, port: number) => void {
  const write = (line: string): void => void process.stderr.write(`fpisa: ${line}\n`);
  const repetitions = new Repetitions<string>((line, more) => write(`${line} (${more} more times)`));
  return (error, port) => {
    const line = `a packet from port ${port} was abandoned: ${(error as Error).message}`;
    if (repetitions.isFirst(line, line)) write(line);
  };
}

function runProgram(server: P4RuntimeServer, program: string, p4info: string): void {
  const [text, p4DeviceConfig] = [read(p4info).toString('utf8'), read(program)];
  try {
    server.setPipeline({ p4info: parseP4Info(text), p4DeviceConfig, cookie: { cookie: 0n } });
  } catch (error) {
    throw new FileError(`${program} with ${p4info} is not a program for this switch: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

async function openPorts(open: Running['open'], flags: Flags): Promise<Record<string, string>> {
  const wanted = new Map<number, string>();
  for (let port = 1; port <= (flags.ports ?? 0); port++) {
    wanted.set(port, `${flags.host}:${flags.basePort === 0 ? 0 : flags.basePort + port - 1}`);
  }
  for (const [port, place] of flags.port) wanted.set(port, place);
  if (wanted.size === 0)
    throw new UsageError(
      'a switch needs ports: give --ports COUNT, or --port NUMBER=HOST:UDPPORT or --port NUMBER=INTERFACE for each',
    );
  if (wanted.has(flags.cpuPort)) {
    throw new UsageError(
      `switch port ${flags.cpuPort} is the controller's, by --cpu-port; give fewer --ports, or another --port`,
    );
  }
  try {
    return Object.fromEntries(await open([...wanted].map(([number, place]) => portSpec(number, place, flags))));
  } catch (error) {
    if (error instanceof PortError && error.code === 'EMULATOR_PORT_IN_USE') {
      throw new PortInUseError(`switch port ${error.port}`, wanted.get(error.port)!, '--port or --base-port');
    }
    if (error instanceof PortError) {
      const isNoInterface = error.code === 'EMULATOR_PORT_NO_INTERFACE';
      const socket = isNoInterface ? `, or a UDP socket such as ${wanted.get(error.port)}:47001` : '';
      throw new UsageError(error.message + socket, { cause: error });
    }
    throw error;
  }
}

function portSpec(number: number, place: string, { serviceIp, serviceMac, serviceUdpPort }: Flags): PortSpec {
  if (isInterfaceName(place)) return { number, kind: 'interface', interface: place };
  const { host, port } = hostPort(place, EXAMPLE_UDP_SOCKET);
  return {
    number,
    kind: 'udp',
    bindAddress: host,
    bindPort: port,
    service: { mac: serviceMac, address: serviceIp, udpPort: serviceUdpPort },
  };
}

function hasFaults(flags: FaultFlags): boolean {
  return flags.loss > 0 || flags.duplicate > 0 || flags.reorder > 0 || flags.delay > 0;
}

function faults(flags: FaultFlags): FaultOptions {
  return {
    seed: flags.seed,
    drop: flags.loss,
    duplicate: flags.duplicate,
    reorder: flags.reorder,
    ...(flags.delay > 0 && { delay: DELAYED_SHARE, delayMs: flags.delay }),
  };
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new FileError(`${path} cannot be read: ${fileProblem(error)}`, { cause: error });
  }
}
