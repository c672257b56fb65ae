/** What the stored state wants each table and group of a switch to hold. */
import type { EntryInput, MulticastGroup } from '../p4runtime/entries.js';
import { jobsOn } from './jobs.js';
import { profileParams } from './profile.js';
import type { ControllerState, JobRecord, MemberRecord, Route, SwitchConfig } from './state.js';

/** Names in the P4 program (p4/v1model). */
export const Table = {
  local: 'fpisa.local',
  member: 'fpisa.member',
  receiver: 'fpisa.receiver',
  ipv4: 'fpisa.ipv4',
} as const;

export interface DesiredSwitch {
  /** Tables that the controller owns: an entry of these that is not in `entries` is deleted. */
  readonly tables: readonly string[];
  readonly entries: readonly EntryInput[];
  readonly groups: readonly MulticastGroup[];
}

export function desiredSwitch(state: ControllerState, config: SwitchConfig): DesiredSwitch {
  const jobs = jobsOn(state, config.name);
  const { routes } = config;
  return {
    tables: [Table.local, Table.receiver, Table.member, ...(routes === undefined ? [] : [Table.ipv4])],
    // Receivers before members: no result may find a group whose copies have no address.
    entries: [
      { table: Table.local, match: { dst_addr: config.serviceIp }, action: 'fpisa.serve' },
      ...jobs.flatMap(receiverEntries),
      ...jobs.flatMap(memberEntries),
      ...(routes ?? []).map((route) => routeEntry(config, route)),
    ],
    groups: jobs.flatMap(multicastGroup),
  };
}

function memberEntries(job: JobRecord): EntryInput[] {
  const { active } = job;
  if (active === undefined) return [];
  const all = active.members.reduce((mask, { rank }) => mask | (1n << BigInt(rank)), 0n);
  return active.members.map((member) => ({
    table: Table.member,
    match: {
      ingress_port: member.switchPort,
      src_addr: member.ip,
      src_port: member.udpPort,
      job: job.number,
      worker: member.rank,
    },
    action: 'fpisa.join',
    params: {
      bitmap: 1n << BigInt(member.rank),
      all,
      group: job.multicastGroup,
      slot_base: job.slotBase,
      slots: job.slots,
      epoch: active.epoch,
      ...profileParams(job.profile),
    },
  }));
}

function receiverEntries(job: JobRecord): EntryInput[] {
  return (job.active?.members ?? []).map((member) => ({
    table: Table.receiver,
    match: { job: job.number, replica: instanceOf(member), egress_port: member.switchPort },
    action: 'fpisa.address',
    params: { dst_mac: member.mac, dst_addr: member.ip, dst_port: member.udpPort },
  }));
}

function multicastGroup(job: JobRecord): MulticastGroup[] {
  const members = job.active?.members ?? [];
  if (members.length === 0) return [];
  return [{ group: job.multicastGroup, replicas: members.map((member) => ({ port: member.switchPort, instance: instanceOf(member) })) }];
}

/** `egress_rid` of the copy for this member; 0 is what packets that were not replicated have. */
function instanceOf(member: MemberRecord): number {
  return member.rank + 1;
}

/** checkSwitchConfig has seen the prefix; host bits in it are cut off by the client. */
function routeEntry(config: SwitchConfig, route: Route): EntryInput {
  const [address = '', length = ''] = route.prefix.split('/');
  return {
    table: Table.ipv4,
    match: { dst_addr: { value: address, prefixLength: Number(length) } },
    action: 'fpisa.forward',
    params: { port: route.port, src_mac: config.serviceMac, dst_mac: route.mac },
  };
}
