/** Whether a worker that sends Hello can be a member, and at which port of which switch. */
import {
  choices,
  AddressTakenError,
  InvalidAddressError,
  JobFullError,
  RankOutOfRangeError,
  RankTakenError,
  SessionProtocolError,
  SwitchPortError,
  UnknownSwitchError,
} from '../errors.js';
import { pipeOf } from '../tofino/ports.js';
import { isUdpPort } from '../../net/host-port.js';
import { ipv4ToBytes } from '../../net/ipv4.js';
import { macOfIpv4, macText, macToBytes } from '../../net/mac.js';
import { parseEndpoint } from '../endpoint.js';
import type { HelloMessage, WelcomeMessage } from '../messages.js';
import { pipeOfJob } from './pipes.js';
import type { JobRecord, MemberRecord, SwitchConfig } from './state.js';
import type { Switches } from './topology.js';

const PROCESS = /^[0-9a-f]{32}$/;

/** A member of some job on one of the same switches. */
export interface Occupant {
  readonly job: string;
  readonly member: MemberRecord;
  /** Stored members whose stream has ended hold their place until the epoch without them is stored. */
  readonly connected: boolean;
}

/**
 * @param occupants all members on the job's switches, including those of other jobs
 * @returns the member as it will be stored
 * @throws InvalidAddressError, SessionProtocolError, RankOutOfRangeError, RankTakenError, JobFullError, UnknownSwitchError, AddressTakenError, SwitchPortError
 */
export function admit(
  job: JobRecord,
  switches: Switches,
  occupants: readonly Occupant[],
  hello: HelloMessage,
): MemberRecord {
  const ip = ipv4ToBytes(hello.ip);
  if (ip === undefined || ip.every((octet) => octet === 0)) {
    throw new InvalidAddressError(
      `worker address "${hello.ip}" cannot be the source of packets: expected dotted IPv4 without leading zeros, and not 0.0.0.0`,
    );
  }
  if (!isUdpPort(hello.udpPort))
    throw new InvalidAddressError(`UDP port ${hello.udpPort} of worker ${hello.rank} is not in the range 1 to 65535`);
  if (!PROCESS.test(hello.process)) {
    throw new SessionProtocolError(
      `Hello of worker ${hello.rank} has no identity of its process (32 hexadecimal digits): use one version of fpisa everywhere`,
    );
  }
  const mac = hello.mac === '' ? macOfIpv4(ip) : macToBytes(hello.mac);
  if (mac === undefined) {
    throw new InvalidAddressError(
      `MAC address "${hello.mac}" of worker ${hello.rank} is not six hex pairs such as 02:00:00:00:00:01`,
    );
  }
  checkRank(job, occupants, hello);
  const others = occupants.filter((other) => other.job !== job.name || other.member.rank !== hello.rank);
  const config = chooseSwitch(job, switches, others, hello);
  const there = others.filter(({ member }) => member.switchName === config.name);
  checkAddress(there, hello);
  const switchPort = choosePort(
    switches,
    config,
    job,
    there,
    hello.switchPort === 0 ? formerPort(job, config, hello) : hello.switchPort,
  );
  const { rank, udpPort, process } = hello;
  return { rank, ip: hello.ip, udpPort, mac: macText(mac), process, switchName: config.name, switchPort };
}

/** A worker that names no switch gets its former one, or the only switch of the job that could have room for it. */
function chooseSwitch(
  job: JobRecord,
  switches: Switches,
  others: readonly Occupant[],
  hello: HelloMessage,
): SwitchConfig {
  const { switchName, switchPort } = hello;
  if (switchName !== '') {
    if (job.switches.includes(switchName)) return switches[switchName]!;
    throw new UnknownSwitchError(
      `switch "${switchName}" is not one of job "${job.name}" (switches: ${choices(job.switches)})`,
    );
  }
  const former = formerPlace(job, hello);
  if (former !== undefined) return switches[former.switchName]!;
  const [only, ...more] = job.switches;
  if (more.length === 0) return switches[only!]!;
  const withPorts = job.switches.filter((name) => Object.keys(switches[name]!.ports).length > 0);
  const possible = withPorts.filter((name) => {
    if (switchPort !== 0) return switchPorts(switches[name]!).includes(switchPort);
    const there = others.filter(({ member }) => member.switchName === name);
    return freePort(portsInPipe(switches[name]!, jobsPipe(switches, switches[name]!, job, there)), there) !== undefined;
  });
  if (possible.length === 1) return switches[possible[0]!]!;
  if (possible.length > 1)
    throw new UnknownSwitchError(
      `specify the switch to which worker ${hello.rank} is connected: one of ${choices(possible)}`,
    );
  if (switchPort !== 0)
    throw new SwitchPortError(
      `no switch of job "${job.name}" has a worker port ${switchPort} (switches with worker ports: ${choices(withPorts)})`,
    );
  throw new SwitchPortError(
    `every worker port of the switches of job "${job.name}" is in use (switches with worker ports: ${choices(withPorts)}); specify switch and port to share one`,
  );
}

function checkRank(job: JobRecord, occupants: readonly Occupant[], { rank, ip, udpPort, process }: HelloMessage): void {
  const connected = occupants.filter((other) => other.job === job.name && other.connected).map(({ member }) => member);
  const free = [...Array(job.workers).keys()].filter((candidate) =>
    connected.every((member) => member.rank !== candidate),
  );
  const holder = connected.find((member) => member.rank === rank);
  // Its old connection has not been detected as broken yet. One at its address is its successor: a socket address has
  // one owner.
  if (holder !== undefined && (holder.process === process || (holder.ip === ip && holder.udpPort === udpPort))) return;
  if (!Number.isInteger(rank) || rank < 0 || rank >= job.workers)
    throw new RankOutOfRangeError(rank, job.name, job.workers, free);
  if (free.length === 0) throw new JobFullError(job.name, job.workers);
  if (holder !== undefined) throw new RankTakenError(rank, job.name, `${holder.ip}:${holder.udpPort}`, free);
}

/** The switch tells workers apart by job, rank and source address, but sends results to the address alone. */
function checkAddress(others: readonly Occupant[], { ip, udpPort }: HelloMessage): void {
  const same = others.find(({ member }) => member.ip === ip && member.udpPort === udpPort);
  if (same !== undefined) {
    throw new AddressTakenError(
      `${ip}:${udpPort} is already the address of worker ${same.member.rank} of job "${same.job}"; each worker needs its own UDP port`,
    );
  }
}

/** A worker that returns stays where it was; undefined for a new one. */
function formerPlace(job: JobRecord, { rank, ip, udpPort }: HelloMessage): MemberRecord | undefined {
  return job.members.find((member) => member.rank === rank && member.ip === ip && member.udpPort === udpPort);
}

function formerPort(job: JobRecord, config: SwitchConfig, hello: HelloMessage): number {
  const former = formerPlace(job, hello);
  return former?.switchName === config.name ? former.switchPort : 0;
}

/** @param wanted 0: choose one that no other member uses */
function choosePort(
  switches: Switches,
  config: SwitchConfig,
  job: JobRecord,
  there: readonly Occupant[],
  wanted: number,
): number {
  const all = switchPorts(config);
  const pipe = jobsPipe(switches, config, job, there);
  const ports = portsInPipe(config, pipe);
  if (wanted !== 0) {
    if (ports.includes(wanted)) return wanted;
    if (!all.includes(wanted))
      throw new SwitchPortError(`switch "${config.name}" has no worker port ${wanted} (ports: ${choices(all)})`);
    throw new SwitchPortError(
      `port ${wanted} of switch "${config.name}" is in a different pipe from the rest of job "${job.name}", and pipes do not share registers (ports of the job's pipe: ${choices(ports)})`,
    );
  }
  const free = freePort(pipe === undefined && config.target !== undefined ? roomiestPipe(ports, there) : ports, there);
  if (free === undefined) {
    const where =
      pipe === undefined ? `switch "${config.name}"` : `switch "${config.name}" in the pipe of job "${job.name}"`;
    throw new SwitchPortError(
      `every worker port of ${where} is in use (ports: ${choices(ports)}); specify one to share it`,
    );
  }
  return free;
}

function jobsPipe(
  switches: Switches,
  config: SwitchConfig,
  job: JobRecord,
  there: readonly Occupant[],
): number | undefined {
  return pipeOfJob(
    switches,
    config,
    job,
    there.filter((other) => other.job === job.name).map(({ member }) => member),
  );
}

function portsInPipe(config: SwitchConfig, pipe: number | undefined): number[] {
  return switchPorts(config).filter((port) => pipe === undefined || pipeOf(port) === pipe);
}

/** The first worker of a job determines the pipe for all: takes the ports of the pipe with the most free ports. */
function roomiestPipe(ports: readonly number[], there: readonly Occupant[]): number[] {
  const used = new Set(there.map(({ member }) => member.switchPort));
  const pipes = [...new Set(ports.map(pipeOf))].map((pipe) => ports.filter((port) => pipeOf(port) === pipe));
  const room = (list: readonly number[]): number => list.filter((port) => !used.has(port)).length;
  return pipes.reduce((most, list) => (room(list) > room(most) ? list : most), pipes[0] ?? []);
}

/** @param there members at the switch. @returns undefined when each of the ports has a member */
function freePort(ports: readonly number[], there: readonly Occupant[]): number | undefined {
  const used = new Set(there.map(({ member }) => member.switchPort));
  return ports.find((port) => !used.has(port));
}

/** Worker ports of a switch in ascending order. */
function switchPorts(config: SwitchConfig): number[] {
  return Object.keys(config.ports)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Where a worker at `switchPort` sends its contributions. */
export function serviceOf(
  config: SwitchConfig,
  switchPort: number,
): Pick<WelcomeMessage, 'serviceIp' | 'serviceUdpPort' | 'serviceMac'> {
  const own = config.ports[switchPort];
  if (own === undefined || own === null) {
    return { serviceIp: config.serviceIp, serviceUdpPort: config.serviceUdpPort, serviceMac: config.serviceMac };
  }
  const { ip, udpPort } = parseEndpoint(own, `endpoint of port ${switchPort} of switch "${config.name}"`);
  return { serviceIp: ip, serviceUdpPort: udpPort, serviceMac: config.serviceMac };
}
