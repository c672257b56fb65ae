import type { CloneSession, Replica } from '../control.js';
import { createHash, type Hash } from '../externs/hash.js';
import type { ActionDef, ActionProfileDef, Program } from '../json/program.js';
import { Table } from '../tables/table.js';
import { CounterArray } from './counters.js';
import { MeterArray } from './meters.js';
import { ActionProfileState } from './profiles.js';
import { RegisterArray } from './registers.js';
import { plainStorage, type CellStorage } from './storage.js';

/**
 * Everything that outlives a packet and belongs to one loaded program: what the control plane writes and what
 * packets leave behind. Engines share it; arrays are indexed by the `index` of the definitions.
 */
export class ProgramState {
  readonly tables: readonly Table[];
  readonly registers: readonly RegisterArray[];
  readonly counters: readonly CounterArray[];
  readonly meters: readonly MeterArray[];
  readonly profiles: readonly ActionProfileState[];
  readonly hashes: readonly Hash[];
  /** Values by the index of their set, as given by the control plane. */
  readonly valueSets: bigint[][];
  readonly multicastGroups = new Map<number, readonly Replica[]>();
  readonly cloneSessions = new Map<number, CloneSession>();

  /** @param now microseconds; meters count from here. */
  constructor(
    readonly program: Program,
    now: number,
    storage: CellStorage = plainStorage,
  ) {
    this.tables = program.tables.map((def) => new Table(def));
    this.registers = program.registers.map((def) => new RegisterArray(def, storage));
    this.counters = program.counters.map((def) => new CounterArray(def, storage));
    this.meters = program.meters.map((def) => new MeterArray(def, now));
    this.profiles = program.profiles.map(
      (def) =>
        new ActionProfileState(def, this.actionsOf(def), (reference) =>
          this.tables.some((table) => table.def.profile === def && table.refersTo(reference)),
        ),
    );
    const hashes: Hash[] = [];
    for (const calculation of program.calculations) hashes[calculation.index] = createHash(calculation.algorithm);
    this.hashes = hashes;
    this.valueSets = program.valueSets.map(() => []);
  }

  /** Moves all cells to other storage, with their contents. */
  moveTo(storage: CellStorage): void {
    for (const register of this.registers) register.moveTo(storage);
    for (const counter of this.counters) counter.moveTo(storage);
  }

  private actionsOf(profile: ActionProfileDef): ActionDef[] {
    const actions = this.program.tables.filter((table) => table.profile === profile).flatMap((table) => table.actions);
    return [...new Set(actions)];
  }
}
