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
    actionProfiles: program.profiles.map(({ name, size, selector }) => ({ name, size, selector: selector !== undefined })),
    valueSets: program.valueSets.map(({ name, width }) => ({ name, width })),
    digests: [...program.learnLists.values()].map(({ name, id }) => ({ name, id })),
  };
}

/** The description as text, one object a line. */
export function renderDescription(description: ProgramDescription): string {
  const lines: string[] = [];
  for (const table of description.tables) {
    const keys = table.keys.map((key) => `${key.name}: ${key.kind} ${key.width}`).join(', ');
    lines.push(`table ${table.name} (${keys}) ${table.entryCount}/${table.maxSize} entries${table.constEntries ? ', const' : ''}`);
    for (const { name, params } of table.actions) {
      lines.push(`  action ${name}(${params.map((p) => `${p.name}: ${p.width}`).join(', ')})`);
    }
  }
  for (const { name, size } of description.counters) lines.push(`counter ${name}[${size}]`);
  for (const { name, size, width } of description.registers) lines.push(`register ${name}[${size}] of ${width} bits`);
  for (const { name, size, unit } of description.meters) lines.push(`meter ${name}[${size}] of ${unit}`);
  for (const { name, size, selector } of description.actionProfiles) lines.push(`action ${selector ? 'selector' : 'profile'} ${name}, ${size} members`);
  for (const { name, width } of description.valueSets) lines.push(`value set ${name} of ${width} bits`);
  for (const { name, id } of description.digests) lines.push(`digest ${name} (${id})`);
  return lines.join('\n');
}
