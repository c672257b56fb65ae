/** Parsers of option values, and the options that several commands share. */
import { InvalidArgumentError, Option } from 'commander';
import { isInterfaceName } from '../emulator/index.js';
import { parseHostPort, type HostPort } from '../net/host-port.js';
import { ipv4ToBytes } from '../net/ipv4.js';
import { macToBytes } from '../net/mac.js';
import { BUILD_DESCRIPTORS, buildNamed } from '../protocol/builds.js';
import { BUILDS, MAX_WORKERS } from '../protocol/constants.js';
import { UsageError } from './errors.js';

export { DEFAULT_SERVICE_IP, DEFAULT_SERVICE_MAC } from '../protocol/constants.js';

export const DEFAULT_CONTROLLER = '127.0.0.1:9600';
export const DEFAULT_P4RUNTIME = '127.0.0.1:9559';
export const EXAMPLE_MASTER = '192.0.2.1:9700';
/** Of a port of the embedded switch. */
export const EXAMPLE_UDP_SOCKET = '127.0.0.1:47001';

/** @param example of what the option takes */
export function hostPort(text: string, example: string): HostPort {
  const place = parseHostPort(text);
  if (place === undefined) throw new InvalidArgumentError(`"${text}" is not host:port, for example ${example}.`);
  return place;
}

/** Where something will listen. @param example of what the option takes */
export function listenAddress(example: string): (text: string) => string {
  return (text) => {
    hostPort(text, example);
    return text;
  };
}

/** Where something listens, which is never port 0. @param example of what the option takes */
export function peerAddress(example: string): (text: string) => string {
  return (text) => {
    if (hostPort(text, example).port === 0)
      throw new InvalidArgumentError(`"${text}" has port 0, where nothing listens; for example ${example}.`);
    return text;
  };
}

/** An address alone, of sockets whose ports are given otherwise. @param otherwise the option that gives them */
export function hostAlone(otherwise: string): (text: string) => string {
  return (text) => {
    if (text === '' || /[\s:]/.test(text))
      throw new InvalidArgumentError(
        `"${text}" is not an IPv4 address or a name, for example 127.0.0.1; ${otherwise} gives the port.`,
      );
    return text;
  };
}

export function ipv4Address(text: string): string {
  if (ipv4ToBytes(text) === undefined)
    throw new InvalidArgumentError(
      `"${text}" is not an IPv4 address, four numbers without leading zeros, for example 10.0.0.1.`,
    );
  return text;
}

export function macAddress(text: string): string {
  if (macToBytes(text) === undefined)
    throw new InvalidArgumentError(`"${text}" is not a MAC address, for example 02:00:00:00:00:01.`);
  return text;
}

export function integer(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < low || value > high)
      throw new InvalidArgumentError(`"${text}" is not a whole number from ${low} to ${high}.`);
    return value;
  };
}

export interface ElasticFlags {
  elastic?: boolean;
  minWorkers?: number;
}

/** Of commands that create a job. */
export function elasticOptions(): Option[] {
  return [
    new Option('--elastic', 'when workers are lost, go on with the others: results say which are missing'),
    new Option('--min-workers <number>', 'with --elastic: not with fewer than this (default: 1)').argParser(
      integer(1, MAX_WORKERS),
    ),
  ];
}

/** @returns the request's part @throws UsageError */
export function elasticity({ elastic = false, minWorkers }: ElasticFlags): { elastic: boolean; minWorkers?: number } {
  if (minWorkers !== undefined && !elastic)
    throw new UsageError('--min-workers is about a job that goes on with fewer workers: add --elastic, or omit it');
  return { elastic, ...(minWorkers !== undefined && { minWorkers }) };
}

export function probability(text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0 && value < 1))
    throw new InvalidArgumentError(`"${text}" is not a probability: a number from 0 up to, but not including, 1.`);
  return value;
}

/** A link's loss as Mininet's users write it: `0.1`, `10%`, or `10` for per cent. */
export function lossShare(text: string): number {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  const value = percent === undefined ? Number(text) : Number(percent) / 100;
  const share = percent === undefined && value >= 1 ? value / 100 : value;
  if (text === '' || !(share >= 0 && share < 1))
    throw new InvalidArgumentError(
      `"${text}" is not a share of packets: a probability below 1, such as 0.1, or a percentage below 100, such as 10%.`,
    );
  return share;
}

export function milliseconds(text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0)) throw new InvalidArgumentError(`"${text}" is not a number of milliseconds.`);
  return value;
}

/**
 * `PORT=HOST:UDPPORT`, or `PORT` alone for one whose workers send to the service address; collected over
 * repetitions. Which ports exist depends on the switch.
 */
export function workerPort(
  text: string,
  previous: ReadonlyMap<number, string | null> = new Map(),
): Map<number, string | null> {
  if (/^\d+$/.test(text)) return withPort(previous, Number(text), null);
  const [[port, endpoint]] = [...portAssignment(text)] as [[number, string]];
  return withPort(previous, port, endpoint);
}

/** `PORT=HOST:UDPPORT`, collected over repetitions. */
export function portAssignment(text: string, previous: ReadonlyMap<number, string> = new Map()): Map<number, string> {
  const [port, value] = assignment(text, 'HOST:UDPPORT', EXAMPLE_UDP_SOCKET);
  peerAddress(EXAMPLE_UDP_SOCKET)(value);
  return withPort(previous, port, value);
}

/** `PORT=HOST:UDPPORT` or `PORT=INTERFACE`, collected over repetitions. */
export function switchPortAssignment(
  text: string,
  previous: ReadonlyMap<number, string> = new Map(),
): Map<number, string> {
  const [port, value] = assignment(text, 'HOST:UDPPORT or PORT=INTERFACE', `${EXAMPLE_UDP_SOCKET} or 1=veth1`);
  // An address without a port could be the name of an interface, but never is.
  if (!isInterfaceName(value) || ipv4ToBytes(value) !== undefined) hostPort(value, EXAMPLE_UDP_SOCKET);
  return withPort(previous, port, value);
}

/** Given again a port would move without a word. */
function withPort<T>(previous: ReadonlyMap<number, T>, port: number, place: T): Map<number, T> {
  if (previous.has(port)) throw new InvalidArgumentError(`port ${port} is given twice; each port has one place.`);
  return new Map(previous).set(port, place);
}

/** @throws UsageError if `--port` names a port that is one of `--ports` */
export function refuseOverlap({ ports = 0, port }: { ports?: number; port: ReadonlyMap<number, unknown> }): void {
  const twice = [...port.keys()].find((number) => number <= ports);
  if (twice !== undefined)
    throw new UsageError(
      `port ${twice} is given twice, by --ports ${ports} and by --port; --ports gives ports 1 to ${ports}, --port others`,
    );
}

function assignment(text: string, form: string, example: string): [port: number, value: string] {
  const match = /^(\d+)=(.+)$/.exec(text);
  if (match === null || Number(match[1]) < 1 || Number(match[1]) > 509) {
    throw new InvalidArgumentError(
      `"${text}" is not PORT=${form} with a switch port from 1 to 509, for example 1=${example}.`,
    );
  }
  return [Number(match[1]), match[2]!];
}

/** One of the builds of the program, by its name. */
export function buildName(text: string): string {
  if (buildNamed(text) === undefined)
    throw new InvalidArgumentError(
      `"${text}" is not a build: ${BUILD_DESCRIPTORS.map(({ name }) => name).join(', ')}.`,
    );
  return text;
}

/** One of the builds of the program, by its values per packet. */
export function buildOf(text: string): number {
  if (!BUILDS.some((n) => String(n) === text))
    throw new InvalidArgumentError(`"${text}" is not a build: ${BUILDS.join(', ')}.`);
  return Number(text);
}

export function collect(text: string, previous: readonly string[] = []): string[] {
  return [...previous, text];
}

export const controllerOption = () => {
  const option = new Option('-c, --controller <host:port>', 'gRPC address of the controller')
    .default(DEFAULT_CONTROLLER)
    .argParser(peerAddress(DEFAULT_CONTROLLER));
  // Empty is how scripts leave a variable that names nothing.
  return process.env['FPISA_CONTROLLER'] === '' ? option : option.env('FPISA_CONTROLLER');
};

/** Events are lines of JSON, which would mix with text for people. @throws UsageError */
export function checkEvents({ events, json }: { readonly events?: boolean; readonly json?: boolean }): void {
  if (events && !json) throw new UsageError('--events needs --json: events are JSON objects, one a line');
}

export const jsonOption = () => new Option('--json', 'print one JSON object instead of text');

/** Faults that the embedded switch injects, for the switch and for the demonstration. */
export const faultOptions = () => [
  new Option('--loss <probability>', 'drop packets, in each direction').argParser(probability).default(0),
  new Option('--duplicate <probability>', 'send packets twice').argParser(probability).default(0),
  new Option('--reorder <probability>', 'hold packets back until after later ones').argParser(probability).default(0),
  new Option('--delay <ms>', 'largest random delay of a packet').argParser(milliseconds).default(0),
  new Option('--seed <number>', 'seed of the injected faults').argParser(integer(0, 0xffff_ffff)).default(1),
];

/** The same faults as arguments of `fpisa switch`. */
export function faultArguments({ loss, duplicate, reorder, delay, seed }: FaultFlags): string[] {
  return Object.entries({ loss, duplicate, reorder, delay, seed }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);
}

/** Where a worker or a query's master is, if the switch cannot detect it. @param who for the descriptions */
export const placeOptions = (who: string) => [
  new Option('--ip <address>', `address of ${who} as the switch sees it`).argParser(ipv4Address),
  new Option('--udp-port <number>', `UDP port of ${who}`).argParser(integer(1, 65_535)),
  new Option('--switch-port <number>', `port of the switch that leads to ${who}`).argParser(integer(1, 509)),
  new Option('--mac <address>', `destination MAC address of what the switch sends to ${who}`).argParser(macAddress),
];

export interface PlaceFlags {
  readonly ip?: string;
  readonly udpPort?: number;
  readonly switchPort?: number;
  readonly mac?: string;
}

export interface FaultFlags {
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly delay: number;
  readonly seed: number;
}
