/** What a controller's messages may contain: nothing from the network is used before it is in range. */
import { MAX_JOBS, MAX_WORKERS, POOL_SLOTS } from '../../protocol/constants.js';
import { isUdpPort } from '../../net/host-port.js';
import { ipv4ToBytes } from '../../net/ipv4.js';
import { macToBytes } from '../../net/mac.js';
import type { ControllerMessage, Membership, MissingRank, Welcome } from './messages.js';

/** As many values as fit into the largest UDP datagram. */
const MAX_VALUES = 16_000;

/**
 * @param workers of the job
 * @param steps values that its packets may hold
 * @returns why a worker of `rank` cannot use the message; undefined for a valid one
 */
export function faultOf(
  message: ControllerMessage,
  rank: number,
  workers: number,
  steps: readonly number[] = [],
): string | undefined {
  const { welcome, membership, resume, missing, membersLost } = message;
  if (welcome !== undefined) return faultOfWelcome(welcome, rank);
  if (membership !== undefined) return faultOfMembership(membership, rank, workers);
  const values = resume?.packetValues ?? 0;
  if (values !== 0 && !steps.includes(values))
    return `chunks of ${values} values, where packets have ${steps.join(', ')}`;
  const ranks = missing?.ranks ?? membersLost?.ranks;
  return ranks === undefined ? undefined : faultOfMissing(ranks, workers);
}

function faultOfWelcome(welcome: Welcome, rank: number): string | undefined {
  const { job, valuesPerPacket, packetSteps, serviceIp, serviceUdpPort, serviceMac } = welcome;
  if (!isWithin(job.workers, 1, MAX_WORKERS)) return `a job of ${job.workers} workers`;
  if (rank >= job.workers) return `rank ${rank} in a job of ${job.workers} workers`;
  if (!isWithin(job.number, 0, MAX_JOBS - 1)) return `job number ${job.number}`;
  if (!isWithin(job.slots, 1, POOL_SLOTS) || !isWithin(job.slotBase, 0, POOL_SLOTS - job.slots))
    return `${job.slots} slots from ${job.slotBase}, where a switch has ${POOL_SLOTS}`;
  if (!isWithin(valuesPerPacket, 1, MAX_VALUES)) return `${valuesPerPacket} values per packet`;
  const areSteps = isAscending(packetSteps) && packetSteps.at(-1) === valuesPerPacket && packetSteps[0]! > 0;
  if (packetSteps.length > 0 && !areSteps)
    return `packets of ${packetSteps.join(', ')} values, where the largest has ${valuesPerPacket}`;
  if (ipv4ToBytes(serviceIp) === undefined || !isUdpPort(serviceUdpPort))
    return `the service address ${serviceIp}:${serviceUdpPort}`;
  if (serviceMac !== '' && macToBytes(serviceMac) === undefined) return `the MAC address ${serviceMac}`;
  return undefined;
}

function faultOfMembership(message: Membership, rank: number, workers: number): string | undefined {
  const { epoch, ranks, bits = [], missing = [] } = message;
  if (epoch < 1) return `epoch ${epoch}`;
  if (!isAscending(ranks) || !areRanks(ranks, workers)) return `ranks ${ranks.join(', ')} of ${workers} workers`;
  if (!ranks.includes(rank)) return `a membership without rank ${rank}`;
  if (bits.length !== 0 && bits.length !== ranks.length) return `${bits.length} bits for ${ranks.length} ranks`;
  // MAX_WORKERS itself stands for a rank that is counted at another switch.
  if (!bits.every((bit) => isWithin(bit, 0, MAX_WORKERS))) return `bits ${bits.join(', ')}`;
  return faultOfMissing(missing, workers);
}

function faultOfMissing(missing: readonly MissingRank[], workers: number): string | undefined {
  const ranks = missing.map(({ rank }) => rank);
  return isAscending(ranks) && areRanks(ranks, workers) ? undefined : `missing ranks ${ranks.join(', ')} of ${workers}`;
}

function areRanks(ranks: readonly number[], workers: number): boolean {
  return ranks.every((rank) => isWithin(rank, 0, workers - 1));
}

function isAscending(ranks: readonly number[]): boolean {
  return ranks.every((rank, index) => index === 0 || rank > ranks[index - 1]!);
}

function isWithin(value: number, from: number, to: number): boolean {
  return Number.isInteger(value) && value >= from && value <= to;
}
