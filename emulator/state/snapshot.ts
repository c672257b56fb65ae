import type { RandomState } from '../../net/random.js';
import type { CloneSession, Replica } from '../control.js';
import { EmulatorError } from '../errors.js';
import type { HashSnapshot } from '../externs/hash.js';
import { identityOf } from '../json/identity.js';
import type { TableSnapshot } from '../tables/table.js';
import type { MeterSnapshot } from '../externs/meter.js';
import type { ProfileSnapshot } from './profiles.js';
import type { ProgramState } from './program-state.js';

/**
 * Everything a program remembers: entries with their counters and meters, default actions, registers, counters,
 * meters, action profiles, groups, sessions, value sets, the state of the random numbers, and the time. Plain data that
 * is never modified, so it can be restored repeatedly, cloned and sent to other threads. Lists are in the order of the
 * program's objects.
 */
export interface Snapshot {
  /** Identity of the program. */
  readonly program: string;
  readonly clock: { readonly time: number; readonly standing: boolean };
  readonly random: RandomState;
  readonly tables: readonly TableSnapshot[];
  /** Cells: of up to 32 bits, or limbs of 64 bits, lowest first. */
  readonly registers: readonly (Uint32Array | BigUint64Array)[];
  readonly counters: readonly { readonly packets: Float64Array; readonly bytes: Float64Array }[];
  /** By index; those that were never configured are left out. */
  readonly meters: readonly ReadonlyMap<number, MeterSnapshot>[];
  readonly profiles: readonly ProfileSnapshot[];
  readonly hashes: readonly (HashSnapshot | undefined)[];
  readonly valueSets: readonly (readonly bigint[])[];
  readonly multicastGroups: ReadonlyMap<number, readonly Replica[]>;
  readonly cloneSessions: ReadonlyMap<number, CloneSession>;
}

/** The snapshot was taken of another program. */
export class SnapshotMismatchError extends EmulatorError {
  override readonly name = 'SnapshotMismatchError';
  constructor() {
    super(
      'EMULATOR_SNAPSHOT_MISMATCH',
      'the snapshot was taken of another program, not of the loaded one: load its program first',
    );
  }
}

export type StateSnapshot = Omit<Snapshot, 'clock' | 'random'>;

export function saveState(state: ProgramState): StateSnapshot {
  return {
    program: identityOf(state.program),
    tables: state.tables.map((table) => table.save()),
    registers: state.registers.map((register) => register.save()),
    counters: state.counters.map(({ packets, bytes }) => ({ packets: packets.slice(), bytes: bytes.slice() })),
    meters: state.meters.map((meter) => meter.save()),
    profiles: state.profiles.map((profile) => profile.save()),
    hashes: state.hashes.map((hash) => hash.memory?.save()),
    valueSets: state.valueSets.map((values) => [...values]),
    multicastGroups: new Map(state.multicastGroups),
    cloneSessions: new Map(state.cloneSessions),
  };
}

/** @throws SnapshotMismatchError, and then nothing has changed. */
export function restoreState(state: ProgramState, saved: StateSnapshot): void {
  if (saved.program !== identityOf(state.program)) throw new SnapshotMismatchError();
  state.tables.forEach((table, i) => table.restore(saved.tables[i]!));
  state.registers.forEach((register, i) => register.restore(saved.registers[i]!));
  state.counters.forEach(({ packets, bytes }, i) => {
    packets.set(saved.counters[i]!.packets);
    bytes.set(saved.counters[i]!.bytes);
  });
  state.meters.forEach((meter, i) => meter.restore(saved.meters[i]!));
  state.profiles.forEach((profile, i) => profile.restore(saved.profiles[i]!));
  state.hashes.forEach((hash, i) => hash.memory?.restore(saved.hashes[i]!));
  saved.valueSets.forEach((values, i) => {
    state.valueSets[i] = [...values];
  });
  refill(state.multicastGroups, saved.multicastGroups);
  refill(state.cloneSessions, saved.cloneSessions);
}

function refill<K, V>(map: Map<K, V>, saved: ReadonlyMap<K, V>): void {
  map.clear();
  for (const [key, value] of saved) map.set(key, value);
}
