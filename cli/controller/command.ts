/** `fpisa controller`: keeps switches programmed and jobs alive. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { counted } from '../../net/count.js';
import { BUILD_DESCRIPTORS, buildNamed } from '../../protocol/builds.js';
import { LARGEST_BUILD, SERVICE_UDP_PORT } from '../../protocol/constants.js';
import {
  Controller,
  ControllerServer,
  ControllerStoppedError,
  FileStore,
  MemoryStore,
  readTofinoBuild,
  StoreAccessError,
  SwitchConfigError,
  type ControllerOptions,
  type SwitchConfig,
} from '../../controlplane/index.js';
import { fileProblem } from '../../net/file-problem.js';
import { duplicateKey } from '../duplicate-key.js';
import { FileError, UsageError } from '../errors.js';
import { listening } from '../listen.js';
import { createLog, logOptions, type LogFlags } from '../log.js';
import {
  DEFAULT_CONTROLLER,
  DEFAULT_P4RUNTIME,
  DEFAULT_SERVICE_IP,
  DEFAULT_SERVICE_MAC,
  buildName,
  integer,
  ipv4Address,
  jsonOption,
  listenAddress,
  macAddress,
  peerAddress,
  refuseOverlap,
  workerPort,
} from '../options.js';
import { Output } from '../output.js';
import { aborted, interruption } from '../signals.js';
import { clientTls, clientTlsOptions, type TlsFlags } from '../tls.js';
import { checkKeys } from './configuration.js';
import type { ControllerReady } from './ready.js';

/** Where ports are interfaces the switch may be BMv2, which adds large packets more slowly, value for value. */
const DEFAULT_VALUES = 64;
const MAX_VALUES = 2048;
const DEFAULT_RETURN_SECONDS = 15;

interface Flags extends TlsFlags, LogFlags {
  listen: string;
  store: string;
  config?: string;
  switch?: string;
  deviceId: number;
  values?: number;
  build?: string;
  buildDir?: string;
  port: Map<number, string | null>;
  ports?: number;
  serviceIp: string;
  serviceMac: string;
  returnTimeout: number;
  json?: boolean;
}

export function controllerCommand(): Command {
  const command = new Command('controller')
    .description('run the controller: programs switches over P4Runtime, keeps jobs, admits workers')
    .addOption(
      new Option('-l, --listen <host:port>', 'gRPC address for workers and for this command; port 0 takes a free one')
        .argParser(listenAddress(DEFAULT_CONTROLLER))
        .default(DEFAULT_CONTROLLER),
    )
    .option('--store <file>', 'file that keeps jobs and epochs across restarts; "memory" keeps nothing', 'memory')
    .option('--config <file>', 'JSON file {"switches": [...]}; see docs/controller.md')
    .addOption(
      new Option('-s, --switch <host:port>', 'P4Runtime address of one switch, named "s1"').argParser(oneSwitch),
    )
    .addOption(
      new Option('--device-id <number>', 'P4Runtime device id of that switch')
        .argParser(integer(0, Number.MAX_SAFE_INTEGER))
        .default(0),
    )
    .addOption(
      new Option(
        '--values <number>',
        `values per packet of that switch's build (default: ${DEFAULT_VALUES}, or ${LARGEST_BUILD} if all ports are UDP sockets)`,
      ).argParser(integer(1, MAX_VALUES)),
    )
    .addOption(
      new Option(
        '--build <name>',
        `its build, if not the one with all profiles: ${BUILD_DESCRIPTORS.map(({ name }) => name).join(', ')}`,
      ).argParser(buildName),
    )
    .option(
      '--build-dir <directory>',
      'what p4c wrote when it compiled the program for a Tofino; the switch runs Stratum',
    )
    .addOption(
      new Option(
        '--port <port[=ip:udpport]>',
        'a port of that switch for workers, with the UDP socket behind it if the switch is an embedded one; repeatable',
      )
        .argParser(workerPort)
        .default(new Map(), 'none'),
    )
    .addOption(
      new Option('--ports <count>', 'ports 1 to count of a switch whose workers send to the service address').argParser(
        integer(1, 509),
      ),
    )
    .addOption(
      new Option('--service-ip <address>', 'IPv4 address of the aggregation service on that switch')
        .argParser(ipv4Address)
        .default(DEFAULT_SERVICE_IP),
    )
    .addOption(
      new Option('--service-mac <address>', 'its MAC address').argParser(macAddress).default(DEFAULT_SERVICE_MAC),
    )
    .addOption(
      new Option('--return-timeout <seconds>', 'how long a job waits for a lost worker that it cannot do without')
        .argParser(integer(1, 86_400))
        .default(DEFAULT_RETURN_SECONDS),
    )
    .addOption(jsonOption());
  for (const option of [...clientTlsOptions(), ...logOptions()]) command.addOption(option);
  return command
    .addHelpText(
      'after',
      `
Examples:
  $ fpisa controller --switch 127.0.0.1:9559 --port 1=127.0.0.1:47001 --port 2=127.0.0.1:47002
  $ fpisa controller --config switches.json --store state/controller.json
  $ fpisa controller --switch 10.9.0.1:9559 --device-id 1 --build-dir out/tofino-n12 --port 132 --port 140`,
    )
    .action((flags: Flags, self: Command) => run(flags, self));
}

/** Given again it would replace the first without a word. */
function oneSwitch(text: string, previous: string | undefined): string {
  if (previous !== undefined)
    throw new InvalidArgumentError('--switch is given twice; several switches are described in a file: --config FILE.');
  return peerAddress(DEFAULT_P4RUNTIME)(text);
}

async function run(flags: Flags, command: Command): Promise<void> {
  const output = new Output(flags.json ?? false);
  checkSwitchFlags(flags, command);
  const stop = interruption();
  const tls = clientTls(flags);
  const store = flags.store === 'memory' ? new MemoryStore() : new FileStore(flags.store);
  let fail: (error: Error) => void;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  // Before the server listens, the constructor throws the same.
  failed.catch(() => {});
  let server: ControllerServer;
  try {
    const timing = { returnTimeoutMs: flags.returnTimeout * 1000 };
    const controller = newController(flags, {
      store,
      switches: switchConfigs(flags),
      timing,
      log: createLog(flags),
      onFailure: (error) => fail(storeProblem(error)),
      ...(tls !== undefined && { tls }),
    });
    server = new ControllerServer(controller);
    const port = await listening('the controller', flags.listen, '--listen', (address) => server.listen(address));
    const address = `${flags.listen.slice(0, flags.listen.lastIndexOf(':'))}:${port}`;
    output.object({ ready: true, controller: address, store: store.location } satisfies ControllerReady);
    output.line(`controller at ${address}, state in ${store.location}`);
  } catch (error) {
    store.close();
    throw storeProblem(error);
  }
  try {
    await Promise.race([aborted(stop), failed]);
  } finally {
    await server.close();
  }
}

/** What stopped the controller: it must not promise what its store cannot keep. */
function storeProblem(error: unknown): Error {
  const { cause } = error as Error;
  return error instanceof ControllerStoppedError && cause instanceof StoreAccessError ? cause : (error as Error);
}

/** @throws FileError for switches that the configuration describes wrongly, SwitchConfigError for that of the options */
function newController({ config }: Flags, options: ControllerOptions): Controller {
  try {
    return new Controller(options);
  } catch (error) {
    if (config === undefined || !(error instanceof SwitchConfigError)) throw error;
    throw new FileError(`configuration ${config}: ${error.message}`, { cause: error });
  }
}

/** What a configuration calls the options that describe the switch of --switch. */
const OF_SWITCH = {
  deviceId: 'deviceId',
  values: 'valuesPerPacket',
  build: 'build',
  buildDir: 'buildDir',
  port: 'ports',
  ports: 'ports',
  serviceIp: 'serviceIp',
  serviceMac: 'serviceMac',
} satisfies Partial<Record<keyof Flags, keyof SwitchConfig>>;

/** @throws UsageError for options of which one would be left out without a word */
function checkSwitchFlags({ config, switch: named }: Flags, command: Command): void {
  if (named !== undefined) {
    if (config !== undefined)
      throw new UsageError('--config and --switch both say which switches there are: give one of them');
    return;
  }
  const given = command.options.filter(
    (option) => option.attributeName() in OF_SWITCH && command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (given.length === 0) return;
  const keys = new Set(given.map((option) => OF_SWITCH[option.attributeName() as keyof typeof OF_SWITCH]));
  throw new UsageError(
    `${given.map(({ long }) => long).join(', ')} describe the switch that --switch names; in a configuration they are ${[...keys].map((key) => `"${key}"`).join(', ')}`,
  );
}

function switchConfigs(flags: Flags): SwitchConfig[] {
  const configs = flags.config === undefined ? [] : readConfig(flags.config);
  if (flags.switch === undefined) return configs;
  refuseOverlap(flags);
  const ports: Record<number, string | null> = {};
  for (let port = 1; port <= (flags.ports ?? 0); port++) ports[port] = null;
  for (const [port, endpoint] of flags.port) ports[port] = endpoint;
  if (Object.keys(ports).length === 0)
    throw new UsageError(
      'a switch needs ports for its workers: give --ports COUNT, or --port NUMBER or NUMBER=IP:UDPPORT for each',
    );
  return [
    ...configs,
    {
      name: 's1',
      address: flags.switch,
      deviceId: flags.deviceId,
      serviceIp: flags.serviceIp,
      serviceMac: flags.serviceMac,
      serviceUdpPort: SERVICE_UDP_PORT,
      ports,
      ...buildFlags(flags, ports),
    },
  ];
}

/** The switch's build as the flags describe it. @throws ArtifactError for a directory without one */
function buildFlags(
  { build, buildDir, values }: Flags,
  ports: SwitchConfig['ports'],
): Pick<SwitchConfig, 'valuesPerPacket' | 'build' | 'target' | 'buildDir'> {
  // Sockets carry datagrams of any length; what an interface and the links behind it carry is not known here.
  const defaultValues = Object.values(ports).includes(null) ? DEFAULT_VALUES : LARGEST_BUILD;
  if (buildDir === undefined)
    return {
      valuesPerPacket: values ?? (build === undefined ? defaultValues : buildNamed(build)!.valuesPerPacket),
      ...(build !== undefined && { build }),
    };
  if (build !== undefined)
    throw new UsageError('--build is a build for BMv2, and --build-dir one for a Tofino: give one of them');
  const directory = resolve(buildDir);
  const { chip, valuesPerPacket = values } = readTofinoBuild(directory);
  if (valuesPerPacket === undefined)
    throw new UsageError(
      `the registers of the program in ${buildDir} do not show its values per packet: give --values`,
    );
  if (values !== undefined && values !== valuesPerPacket)
    throw new UsageError(
      `the program in ${buildDir} is compiled for ${counted(valuesPerPacket, 'value')} per packet, not --values ${values}`,
    );
  return { valuesPerPacket, target: chip, buildDir: directory };
}

function readConfig(path: string): SwitchConfig[] {
  let parsed: unknown;
  let twice: string | undefined;
  try {
    const text = readFileSync(path, 'utf8');
    parsed = JSON.parse(text);
    twice = duplicateKey(text);
  } catch (error) {
    const problem =
      error instanceof SyntaxError ? `is not JSON (${error.message})` : `cannot be read: ${fileProblem(error)}`;
    throw new FileError(`configuration ${path} ${problem}`, { cause: error });
  }
  if (twice !== undefined)
    throw new FileError(`configuration ${path} has the key "${twice}" twice in one object: only the last would count`);
  const switches = (parsed as { switches?: unknown } | null)?.switches;
  if (!Array.isArray(switches))
    throw new FileError(`configuration ${path} has no list "switches"; docs/controller.md has an example`);
  const other = switches.findIndex((each) => typeof each !== 'object' || each === null);
  if (other >= 0)
    throw new FileError(`configuration ${path} has no object at switches[${other}]; docs/controller.md has an example`);
  checkKeys(path, parsed as object, switches as object[]);
  return (switches as SwitchConfig[]).map((config) => {
    if (typeof config.buildDir !== 'string') return config;
    const buildDir = resolve(dirname(path), config.buildDir);
    // The controller itself continues without it, as without a switch; the user who starts it should know now.
    readTofinoBuild(buildDir);
    return { ...config, buildDir };
  });
}
