/** The contents that the stored state requires of each table and group of a switch. */
import { SERVICE_UDP_PORT } from '../../protocol/constants.js';
import type { EntryInput, MulticastGroup } from '../p4runtime/entries.js';
import { jobsOn } from './jobs.js';
import { placeAt, switchNumber } from './placement.js';
import { profileParams } from './profile.js';
import { stampEntries, stampOf } from './stamp.js';
import type { ControllerState, JobRecord, Route, SwitchConfig } from './state.js';
import { Table } from './tables.js';

export interface DesiredSwitch {
  /** Tables that the controller owns: an entry of these that is not in `entries` is deleted. */
  readonly tables: readonly string[];
  readonly entries: readonly EntryInput[];
  readonly groups: readonly MulticastGroup[];
}

/** A worker or a child switch that may contribute to a job at a switch, and where its results go. */
interface Contributor {
  readonly port: number;
  readonly ip: string;
  readonly udpPort: number;
  readonly mac: string;
  /** Field `worker` of its packets. */
  readonly number: number;
  readonly bit: number;
}

export function desiredSwitch(state: ControllerState, config: SwitchConfig): DesiredSwitch {
  const jobs = jobsOn(state, config.name);
  const { routes } = config;
  return {
    tables: [
      Table.local,
      Table.receiver,
      Table.parent,
      Table.fromParent,
      Table.member,
      ...(routes === undefined ? [] : [Table.ipv4]),
    ],
    entries: [
      ...stampEntries(stampOf(state, config.name)),
      { table: Table.local, match: { dst_addr: config.serviceIp }, action: 'fpisa.serve' },
      ...jobs.flatMap((job) => receiverEntries(job, contributors(state, job, config))),
      ...jobs.flatMap((job) => parentEntries(state, job, config)),
      ...jobs.flatMap((job) => memberEntries(state, job, config)),
      ...(routes ?? []).map((route) => routeEntry(config, route)),
    ],
    groups: jobs.flatMap((job) => multicastGroup(job, contributors(state, job, config))),
  };
}

function contributors(state: ControllerState, job: JobRecord, config: SwitchConfig): Contributor[] {
  const { workers, children } = placeAt(state.switches, job, job.active?.members ?? [], config.name);
  return [
    ...workers.map(({ switchPort, ip, udpPort, mac, rank }) => ({
      port: switchPort,
      ip,
      udpPort,
      mac,
      number: rank,
      bit: rank,
    })),
    ...children.map(({ config: child, bit }) => ({
      port: child.parent!.parentPort,
      ip: child.serviceIp,
      udpPort: SERVICE_UDP_PORT,
      mac: child.serviceMac,
      number: switchNumber(job, child.name),
      bit,
    })),
  ];
}

/** The membership of a job at a switch. Empty if no member of its active epoch is at the switch or below it. */
export function memberEntries(state: ControllerState, job: JobRecord, config: SwitchConfig): EntryInput[] {
  const { active } = job;
  if (active === undefined) return [];
  const all = contributors(state, job, config);
  const mask = all.reduce((bits, { bit }) => bits | (1n << BigInt(bit)), 0n);
  return all.map(({ port, ip, udpPort, number, bit }) => ({
    table: Table.member,
    match: { ingress_port: port, src_addr: ip, src_port: udpPort, job: job.number, worker: number },
    action: 'fpisa.join',
    params: {
      bitmap: 1n << BigInt(bit),
      all: mask,
      group: job.multicastGroup,
      slot_base: job.slotBase,
      slots: job.slots,
      epoch: active.epoch,
      ...profileParams(job.profile),
    },
  }));
}

function receiverEntries(job: JobRecord, members: readonly Contributor[]): EntryInput[] {
  return members.map((member) => ({
    table: Table.receiver,
    match: { job: job.number, replica: instanceOf(member), egress_port: member.port },
    action: 'fpisa.address',
    params: { dst_mac: member.mac, dst_addr: member.ip, dst_port: member.udpPort },
  }));
}

/**
 * The path to the job's switch above this one. It exists as long as the job, whatever its members:
 * without it a switch takes the sum of its own members for the result. Messages from above pass in the
 * active epoch only.
 */
function parentEntries(state: ControllerState, job: JobRecord, config: SwitchConfig): EntryInput[] {
  if (config.name === job.switchName || config.parent === undefined) return [];
  const { port } = config.parent;
  const parent = state.switches[config.parent.switch]!;
  const ascend: EntryInput = {
    table: Table.parent,
    match: { job: job.number },
    action: 'fpisa.ascend',
    params: { port, dst_mac: parent.serviceMac, dst_addr: parent.serviceIp, worker: switchNumber(job, config.name) },
  };
  if (contributors(state, job, config).length === 0) return [ascend];
  const descend: EntryInput = {
    table: Table.fromParent,
    match: { ingress_port: port, src_addr: parent.serviceIp, job: job.number },
    action: 'fpisa.descend',
    params: { group: job.multicastGroup, epoch: job.active!.epoch },
  };
  return [ascend, descend];
}

function multicastGroup(job: JobRecord, members: readonly Contributor[]): MulticastGroup[] {
  if (members.length === 0) return [];
  return [
    {
      group: job.multicastGroup,
      replicas: members.map((member) => ({ port: member.port, instance: instanceOf(member) })),
    },
  ];
}

/** `egress_rid` of the copy for this member; 0 is the value of packets that were not replicated. */
function instanceOf({ number }: Contributor): number {
  return number + 1;
}

/** checkSwitchConfig has validated the prefix; the client clears host bits in it. */
function routeEntry(config: SwitchConfig, route: Route): EntryInput {
  const [address = '', length = ''] = route.prefix.split('/');
  return {
    table: Table.ipv4,
    match: { dst_addr: { value: address, prefixLength: Number(length) } },
    action: 'fpisa.forward',
    params: { port: route.port, src_mac: config.serviceMac, dst_mac: route.mac },
  };
}
