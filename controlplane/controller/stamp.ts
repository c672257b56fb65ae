/**
 * A stamp that the controller leaves in each switch: which generation of the store wrote the tables, and the highest
 * epoch that any job there has had. A store that was put back from a copy, and a switch that came back with older
 * state, show as a difference; an epoch that the registers may know already is then never used again.
 *
 * It is an entry of the table of receivers for a packet that cannot exist: replica 0 is that of packets that were not
 * replicated, and no packet leaves through port 511, which means "drop".
 */
import type { Entry, EntryInput } from '../p4runtime/entries.js';
import { jobsOn } from './jobs.js';
import type { ControllerState } from './state.js';
import { Table } from './tables.js';

export interface Stamp {
  /** Number of epochs that were assigned to jobs on the switch; 0: none, and no entry. */
  readonly generation: number;
  readonly epoch: number;
}

const JOB = 0;
const NO_REPLICA = 0;
const DROP_PORT = 511;
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
      // Wide enough: 48 bits, and an epoch has 32.
      params: { dst_mac: generation, dst_addr: epoch, dst_port: 0 },
    },
  ];
}

export function isStamp({ table, match }: Entry): boolean {
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
  const raised = switchNames.map((name) => [name, (state.generations[name] ?? 0) + 1] as const);
  return { ...state, generations: { ...state.generations, ...Object.fromEntries(raised) } };
}

/** The state in which all epochs up to `epoch`, of `generation`, count as used at the switch. */
export function withUsedEpochs(
  state: ControllerState,
  switchName: string,
  { generation, epoch }: Stamp,
): ControllerState {
  const atLeast = (record: Readonly<Record<string, number>>, value: number): Record<string, number> => ({
    ...record,
    [switchName]: Math.max(record[switchName] ?? 0, value),
  });
  return {
    ...state,
    epochFloor: atLeast(state.epochFloor, epoch),
    generations: atLeast(state.generations, generation),
  };
}
