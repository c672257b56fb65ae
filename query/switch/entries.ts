/** A query as entries of the query program's tables (p4/v1model/query). */
import { MASTER } from '../../protocol/query/constants.js';
import type { HostPlace, QuerySetup, StreamSetup } from './provisioning.js';
import { ipv4ToBytes } from '../../net/ipv4.js';
import { macOfIpv4, macText } from '../../net/mac.js';
import type { Route } from '../../controlplane/controller/state.js';
import type { EntryInput } from '../../controlplane/p4runtime/entries.js';

export const QueryTable = {
  local: 'fpisa_query.local',
  member: 'fpisa_query.member',
  receiver: 'fpisa_query.receiver',
  ipv4: 'fpisa.ipv4',
} as const;

const LANE_BITS = 8n;

export interface ServiceSettings {
  readonly serviceIp: string;
  readonly serviceMac: string;
  /** Routes of traffic that is not for the service. */
  readonly routes: readonly Route[];
}

export function queryEntries(
  { serviceIp, serviceMac, routes }: ServiceSettings,
  { epoch, hosts, streams }: QuerySetup,
): EntryInput[] {
  return [
    { table: QueryTable.local, match: { dst_addr: serviceIp }, action: 'fpisa_query.serve' },
    ...routes.map(({ prefix, port, mac }): EntryInput => {
      const [value = '', length = ''] = prefix.split('/');
      return {
        table: QueryTable.ipv4,
        match: { dst_addr: { value, prefixLength: Number(length) } },
        action: 'fpisa.forward',
        params: { port, src_mac: serviceMac, dst_mac: mac },
      };
    }),
    ...streams.flatMap((stream, index) =>
      hosts.flatMap((host) => [
        member(host, stream, epoch, flowBase(host, hosts, streams, index)),
        receiver(host, stream),
      ]),
    ),
  ];
}

/** Flow slots are disjoint for each stream and worker. */
function flowBase(
  { worker }: HostPlace,
  hosts: readonly HostPlace[],
  streams: readonly StreamSetup[],
  index: number,
): number {
  if (worker === MASTER) return 0;
  const workers = hosts.length - 1;
  const before = streams.slice(0, index).reduce((sum, { flowSlots }) => sum + flowSlots * workers, 0);
  return before + worker * streams[index]!.flowSlots;
}

function member({ worker, port, ip, udpPort }: HostPlace, setup: StreamSetup, epoch: number, base: number): EntryInput {
  const { stream, operator, laneOps, order, stateBase, stateMask, having, flowSlots } = setup;
  return {
    table: QueryTable.member,
    match: { ingress_port: port, src_addr: ip, src_port: udpPort, stream, worker },
    action: 'fpisa_query.join',
    params: {
      flow_base: base,
      flow_slots: flowSlots,
      epoch,
      operator,
      lane_ops: laneOps.reduce((ops, op, lane) => ops | (BigInt(op) << (LANE_BITS * BigInt(lane))), 0n),
      order: order ?? 0,
      state_base: stateBase,
      state_mask: stateMask,
      having: having?.comparison ?? 0,
      having_lane: having?.lane ?? 0,
      having_key: having?.key ?? 0n,
    },
  };
}

function receiver({ worker, port, ip, udpPort, mac }: HostPlace, { stream }: StreamSetup): EntryInput {
  return {
    table: QueryTable.receiver,
    match: { stream, peer: worker },
    action: 'fpisa_query.address',
    params: { port, dst_mac: mac ?? macText(macOfIpv4(ipv4ToBytes(ip)!)), dst_addr: ip, dst_port: udpPort },
  };
}
