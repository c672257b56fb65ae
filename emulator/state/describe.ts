import type { ActionDescription, ProgramDescription, TableDescription } from '../control.js';
import type { ActionDef } from '../json/program.js';
import type { Table } from '../tables/table.js';
import type { ProgramState } from './program-state.js';

function describeAction({ name, params }: ActionDef): ActionDescription {
  return { name, params };
}

function describeTable(table: Table): TableDescription {
  const { def } = table;
  return {
    name: def.name,
    pipeline: def.pipeline,
    keys: def.keys.map(({ name, kind, width }) => ({ name, kind, width })),
    actions: def.actions.map(describeAction),
    maxSize: def.maxSize,
    entryCount: table.size,
    constEntries: table.hasConstEntries,
    constDefault: def.constDefaultEntry,
    hasPriority: table.ranked,
    hasDirectCounter: def.withCounters,
    directMeter: def.directMeter?.name,
    actionProfile: def.profile?.name,
    supportsIdleTimeout: def.supportsTimeout,
  };
}

/** Everything of the loaded program that has a name. */
export function describeProgram({ program, tables }: ProgramState): ProgramDescription {
  return {
    tables: tables.map(describeTable),
    counters: program.counters.map(({ name, size }) => ({ name, size })),
    registers: program.registers.map(({ name, size, width }) => ({ name, size, width })),
    meters: program.meters.map(({ name, size, unit, rateCount }) => ({ name, size, unit, rates: rateCount })),
    actionProfiles: program.profiles.map(({ name, size, selector }) => ({
      name,
      size,
      selector: selector !== undefined,
    })),
    valueSets: program.valueSets.map(({ name, width }) => ({ name, width })),
    digests: [...program.learnLists.values()].map(({ name, id }) => ({ name, id })),
  };
}
