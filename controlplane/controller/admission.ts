/** Whether a worker that says Hello can be a member, and at which switch port. */
import { choices, AddressTakenError, InvalidAddressError, JobFullError, RankOutOfRangeError, RankTakenError, SwitchPortError } from '../errors.js';
import { ipv4ToNumber, isUdpPort, macOfIpv4, macToBigint, parseEndpoint } from '../address.js';
import type { HelloMessage, WelcomeMessage } from '../messages.js';
import type { JobRecord, MemberRecord, SwitchConfig } from './state.js';

/** A member of some job on the same switch. */
export interface Occupant {
  readonly job: string;
  readonly member: MemberRecord;
  /** Stored members whose stream has ended hold their place until the epoch without them is stored. */
  readonly connected: boolean;
}

/**
 * @param occupants all members on the job's switch, those of other jobs as well
 * @returns the member as it will be stored
 * @throws InvalidAddressError, RankOutOfRangeError, RankTakenError, JobFullError, AddressTakenError, SwitchPortError
 */
export function admit(job: JobRecord, config: SwitchConfig, occupants: readonly Occupant[], hello: HelloMessage): MemberRecord {
  const ip = ipv4ToNumber(hello.ip);
  if (ip === undefined || ip === 0) {
    throw new InvalidAddressError(`worker address "${hello.ip}" is not one that packets can come from: expected dotted IPv4, and not 0.0.0.0`);
  }
  if (!isUdpPort(hello.udpPort)) throw new InvalidAddressError(`UDP port ${hello.udpPort} of worker ${hello.rank} is not one of 1 to 65535`);
  if (hello.mac !== '' && macToBigint(hello.mac) === undefined) {
    throw new InvalidAddressError(`MAC address "${hello.mac}" of worker ${hello.rank} is not six hex pairs such as 02:00:00:00:00:01`);
  }
  checkRank(job, occupants, hello);
  const others = occupants.filter((other) => other.job !== job.name || other.member.rank !== hello.rank);
  checkAddress(others, hello);
  const switchPort = choosePort(config, others, hello.switchPort === 0 ? formerPort(job, hello) : hello.switchPort);
  return { rank: hello.rank, ip: hello.ip, udpPort: hello.udpPort, mac: hello.mac === '' ? macOfIpv4(ip) : hello.mac.toLowerCase(), switchPort };
}

function checkRank(job: JobRecord, occupants: readonly Occupant[], { rank, ip, udpPort }: HelloMessage): void {
  const connected = occupants.filter((other) => other.job === job.name && other.connected).map(({ member }) => member);
  const free = [...Array(job.workers).keys()].filter((candidate) => connected.every((member) => member.rank !== candidate));
  const holder = connected.find((member) => member.rank === rank);
  // The same socket address is the same worker, whose old connection has not been seen to break yet.
  if (holder?.ip === ip && holder.udpPort === udpPort) return;
  if (!Number.isInteger(rank) || rank < 0 || rank >= job.workers) throw new RankOutOfRangeError(rank, job.name, job.workers, free);
  if (free.length === 0) throw new JobFullError(job.name, job.workers);
  if (holder !== undefined) throw new RankTakenError(rank, job.name, `${holder.ip}:${holder.udpPort}`, free);
}

/** The switch tells workers apart by job, rank and source address, but sends results to the address alone. */
function checkAddress(others: readonly Occupant[], { ip, udpPort }: HelloMessage): void {
  const same = others.find(({ member }) => member.ip === ip && member.udpPort === udpPort);
  if (same !== undefined) {
    throw new AddressTakenError(`${ip}:${udpPort} is the address of worker ${same.member.rank} of job "${same.job}" already; each worker needs a UDP port of its own`);
  }
}

/** A worker that comes back stays where it was; 0 for one that is new. */
function formerPort(job: JobRecord, { rank, ip, udpPort }: HelloMessage): number {
  const former = job.members.find((member) => member.rank === rank && member.ip === ip && member.udpPort === udpPort);
  return former?.switchPort ?? 0;
}

/** @param wanted 0: choose one that no other member uses */
function choosePort(config: SwitchConfig, others: readonly Occupant[], wanted: number): number {
  const ports = switchPorts(config);
  if (wanted !== 0) {
    if (ports.includes(wanted)) return wanted;
    throw new SwitchPortError(`switch "${config.name}" has no worker port ${wanted} (ports: ${choices(ports)})`);
  }
  const used = new Set(others.map(({ member }) => member.switchPort));
  const free = ports.find((port) => !used.has(port));
  if (free === undefined) {
    throw new SwitchPortError(`every worker port of switch "${config.name}" is in use (ports: ${choices(ports)}); name one to share it`);
  }
  return free;
}

/** Worker ports of a switch in ascending order. */
export function switchPorts(config: SwitchConfig): number[] {
  return Object.keys(config.ports)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Where a worker at `switchPort` sends its contributions. */
export function serviceOf(config: SwitchConfig, switchPort: number): Pick<WelcomeMessage, 'serviceIp' | 'serviceUdpPort' | 'serviceMac'> {
  const own = config.ports[switchPort];
  if (own === undefined || own === null) {
    return { serviceIp: config.serviceIp, serviceUdpPort: config.serviceUdpPort, serviceMac: config.serviceMac };
  }
  const { ip, udpPort } = parseEndpoint(own, `endpoint of port ${switchPort} of switch "${config.name}"`);
  return { serviceIp: ip, serviceUdpPort: udpPort, serviceMac: config.serviceMac };
}
