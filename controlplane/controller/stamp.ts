/**
 * A stamp that the controller leaves in each switch: which generation of the store wrote its tables, and the highest
 * epoch that any job there has had. If the store was put back from a copy, or the switch came back with older state,
 * the two name different generations; then no epoch that the registers may know is used again.
 *
 * It is an entry of the table of receivers for a packet that cannot exist: replica 0 is that of packets that were not
 * replicated, and no packet leaves through port 511, which means "drop".
 */
import { randomInt } from 'node:crypto';
import type { Entry, EntryInput } from '../p4runtime/entries.js';
import { jobsOn } from './jobs.js';
import type { ControllerState } from './state.js';
import { Table } from './tables.js';

export interface Stamp {
  /** Random, and another one with each epoch of a job on the switch: two copies of a store that go on have no other in common. 0: no epoch yet. */
  readonly generation: number;
  readonly epoch: number;
}

const JOB = 0;
const NO_REPLICA = 0;
const DROP_PORT = 511;
/** As a MAC address has. */
const GENERATIONS = 2 ** 48 - 1;
const NO_STAMP: Stamp = { generation: 0, epoch: 0 };

/** What the switch should have. */
export function stampOf(state: ControllerState, switchName: string): Stamp {
  const epochs = jobsOn(state, switchName).map(({ epoch }) => epoch);
  return {
    generation: state.generations[switchName] ?? 0,
    epoch: Math.max(state.epochFloor[switchName] ?? 0, ...epochs),
  };
}

export function stampEntries({ generation, epoch }: Stamp): EntryInput[] {
  if (generation === 0) return [];
  return [
    {
      table: Table.receiver,
      match: { job: JOB, replica: NO_REPLICA, egress_port: DROP_PORT },
      action: 'fpisa.address',
      // An epoch has 32 bits, as an address.
      params: { dst_mac: generation, dst_addr: epoch, dst_port: 0 },
    },
  ];
}

function isStamp({ table, match }: Entry): boolean {
  const { replica } = match;
  return table === Table.receiver && replica?.kind === 'exact' && replica.value === BigInt(NO_REPLICA);
}

export function stampIn(entries: readonly Entry[]): Stamp {
  const entry = entries.find(isStamp);
  if (entry === undefined) return NO_STAMP;
  return { generation: Number(entry.params['dst_mac'] ?? 0n), epoch: Number(entry.params['dst_addr'] ?? 0n) };
}

/** The highest epoch of the memberships in the switch's tables; 0: it has none. */
export function highestMemberEpoch(entries: readonly Entry[]): number {
  const members = entries.filter(({ table }) => table === Table.member);
  return Math.max(0, ...members.map(({ params }) => Number(params['epoch'] ?? 0n)));
}

/** The state in which another epoch has been assigned to a job on these switches. */
export function withNextGeneration(state: ControllerState, switchNames: readonly string[]): ControllerState {
  const next = switchNames.map((name) => [name, randomInt(1, GENERATIONS)] as const);
  return { ...state, generations: { ...state.generations, ...Object.fromEntries(next) } };
}

/** The state in which all epochs up to `epoch` count as used at the switch. */
export function withUsedEpochs(state: ControllerState, switchName: string, epoch: number): ControllerState {
  const floor = Math.max(state.epochFloor[switchName] ?? 0, epoch);
  return withNextGeneration({ ...state, epochFloor: { ...state.epochFloor, [switchName]: floor } }, [switchName]);
}
