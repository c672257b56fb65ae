import { HASH_ALGORITHMS } from '../externs/hash.js';
import type { JsonReader } from './reader.js';
import { Registry } from './reader.js';
import { fieldOf, isOneOf, type NameScope } from './expression.js';
import type { FieldDef, FieldRef } from './data.js';
import type {
  CalculationDef,
  CalculationInput,
  ChecksumDef,
  CounterDef,
  FieldListDef,
  LearnListDef,
  MeterDef,
  ValueSetDef,
} from './program.js';

/** What a hash or checksum can be computed over. */
export const CALCULATION_INPUTS = ['field', 'hexstr', 'header', 'payload'] as const;

export function loadRegisters(root: JsonReader, scope: NameScope): void {
  root
    .get('register_arrays')
    .items()
    .forEach((at, index) => {
      const width = at.get('bitwidth').integer();
      if (width < 1) at.get('bitwidth').fail('a register is at least one bit wide');
      scope.registers.add(at, at.get('name').string(), { name: at.get('name').string(), index, size: size(at), width });
    });
}

/** Indirect counter arrays only: a direct counter is part of its table. */
export function loadCounters(root: JsonReader): Registry<CounterDef> {
  const counters = new Registry<CounterDef>('counter array');
  let index = 0;
  for (const at of root.get('counter_arrays').items()) {
    const name = at.get('name').string();
    if (!at.get('is_direct').boolean(false)) counters.add(at, name, { name, index: index++, size: size(at) });
  }
  return counters;
}

export function loadMeters(root: JsonReader, scope: NameScope): Registry<MeterDef> {
  const meters = new Registry<MeterDef>('meter array');
  root
    .get('meter_arrays')
    .items()
    .forEach((at, index) => {
      const unit = at.get('type').string();
      if (unit !== 'bytes' && unit !== 'packets') at.get('type').fail('a meter counts "bytes" or "packets"');
      meters.add(at, at.get('name').string(), {
        name: at.get('name').string(),
        index,
        unit: unit as 'bytes' | 'packets',
        rateCount: at.get('rate_count').integer(),
        size: size(at),
        directTarget: at.get('is_direct').boolean(false) ? scope.field(at.get('result_target')) : undefined,
      });
    });
  return meters;
}

function size(at: JsonReader): number {
  const size = at.get('size').integer();
  if (size < 0) at.get('size').fail('a size cannot be negative');
  return size;
}

export class CalculationLoader {
  readonly named = new Registry<CalculationDef>('calculation');
  private count = 0;
  constructor(private readonly scope: NameScope) {}

  loadAll(root: JsonReader): void {
    for (const at of root.get('calculations').items())
      this.named.add(at, at.get('name').string(), this.load(at, at.get('name').string()));
  }

  load(at: JsonReader, name: string): CalculationDef {
    const algorithm = at.get('algo').string();
    if (!HASH_ALGORITHMS.includes(algorithm)) at.get('algo').lacks(`hash algorithm "${algorithm}"`);
    return {
      name,
      index: this.count++,
      algorithm,
      input: at
        .get('input')
        .items()
        .flatMap((item) => this.input(item)),
    };
  }

  get total(): number {
    return this.count;
  }

  private input(at: JsonReader): CalculationInput[] {
    const type = at.get('type').string();
    const value = at.get('value');
    if (!isOneOf(CALCULATION_INPUTS, type)) {
      at.lacks(`calculation input "${type}"`);
      return [];
    }
    switch (type) {
      case 'field':
        return [{ kind: 'field', field: this.scope.field(value) }];
      case 'hexstr':
        return [{ kind: 'constant', value: value.hex(), width: at.get('bitwidth').integer() }];
      case 'header':
        return [{ kind: 'header', header: this.scope.headers.get(value, value.string()) }];
      case 'payload':
        return [{ kind: 'payload' }];
    }
  }
}

export function loadChecksums(
  root: JsonReader,
  scope: NameScope,
  calculations: Registry<CalculationDef>,
): ChecksumDef[] {
  return root
    .get('checksums')
    .items()
    .flatMap((at) => {
      if (at.get('type').string() !== 'generic') {
        at.get('type').lacks(`checksum type "${at.get('type').string()}"`);
        return [];
      }
      const calculation = at.get('calculation');
      return [
        {
          name: at.get('name').string(),
          target: scope.field(at.get('target')),
          calculation: calculations.get(calculation, calculation.string()),
          verify: at.get('verify').boolean(true),
          update: at.get('update').boolean(true),
          condition: at.has('if_cond') ? scope.condition(at.get('if_cond')) : undefined,
        },
      ];
    });
}

export function loadFieldLists(root: JsonReader, scope: NameScope): Map<number, FieldListDef> {
  const lists = new Map<number, FieldListDef>();
  for (const at of root.get('field_lists').items()) {
    const fields: FieldDef[] = [];
    for (const element of at.get('elements').items()) {
      const type = element.get('type').string();
      // Constants in a field list are legal and carry nothing from packet to packet.
      if (type === 'field') fields.push(scope.field(element.get('value')));
      else if (type !== 'hexstr') element.lacks(`field list element "${type}"`);
    }
    const id = at.get('id').integer();
    lists.set(id, { id, name: at.get('name').string(), fields });
  }
  return lists;
}

export function loadLearnLists(root: JsonReader, scope: NameScope): Map<number, LearnListDef> {
  const lists = new Map<number, LearnListDef>();
  for (const at of root.get('learn_lists').items()) {
    const fields: FieldRef[] = [];
    for (const element of at.get('elements').items()) {
      const type = element.get('type').string();
      if (type === 'field') fields.push(scope.fieldRef(element.get('value')));
      else element.lacks(`digest element "${type}"`);
    }
    const id = at.get('id').integer();
    lists.set(id, { id, name: at.get('name').string(), fields });
  }
  return lists;
}

export function loadValueSets(root: JsonReader): Registry<ValueSetDef> {
  const sets = new Registry<ValueSetDef>('parser value set');
  root
    .get('parse_vsets')
    .items()
    .forEach((at, index) => {
      const name = at.get('name').string();
      sets.add(at, name, { name, index, width: at.get('compressed_bitwidth').integer() });
    });
  return sets;
}

/** Error names with their values; core errors the program does not list get values above its own, as in BMv2. */
export function loadErrors(root: JsonReader): Map<string, number> {
  const errors = new Map<string, number>();
  let next = 0;
  for (const at of root.get('errors').items()) {
    const [name, value] = at.tuple(2) as [JsonReader, JsonReader];
    errors.set(name.string(), value.integer());
    next = Math.max(next, value.integer() + 1);
  }
  for (const core of [
    'NoError',
    'PacketTooShort',
    'NoMatch',
    'StackOutOfBounds',
    'HeaderTooShort',
    'ParserTimeout',
    'ParserInvalidArgument',
  ]) {
    if (!errors.has(core)) errors.set(core, next++);
  }
  return errors;
}

/** Names under which simple_switch looks for the fields it reads and writes; only the first five must exist. */
export const ARCHITECTURE_FIELDS = [
  'standard_metadata.ingress_port',
  'standard_metadata.packet_length',
  'standard_metadata.instance_type',
  'standard_metadata.egress_spec',
  'standard_metadata.egress_port',
  'standard_metadata.parser_error',
  'standard_metadata.checksum_error',
  'intrinsic_metadata.ingress_global_timestamp',
  'intrinsic_metadata.egress_global_timestamp',
  'intrinsic_metadata.mcast_grp',
  'intrinsic_metadata.egress_rid',
  'intrinsic_metadata.priority',
  'queueing_metadata.enq_timestamp',
  'queueing_metadata.enq_qdepth',
  'queueing_metadata.deq_timedelta',
  'queueing_metadata.deq_qdepth',
  'queueing_metadata.qid',
];
const REQUIRED = 5;

export function loadArchitecture(root: JsonReader, scope: NameScope): Map<string, FieldDef> {
  const aliases = new Map<string, FieldDef>();
  for (const at of root.get('field_aliases').items()) {
    const [name, target] = at.tuple(2) as [JsonReader, JsonReader];
    const [header, field] = target.tuple(2) as [JsonReader, JsonReader];
    aliases.set(name.string(), fieldOf(field, scope.headers.get(header, header.string()), field.string()));
  }
  const fields = new Map<string, FieldDef>();
  ARCHITECTURE_FIELDS.forEach((name, i) => {
    const [header, member] = name.split('.') as [string, string];
    const field = aliases.get(name) ?? scope.headers.find(header)?.fields.find((f) => f.name === member);
    if (field !== undefined) fields.set(name, field);
    else if (i < REQUIRED) root.get('headers').fail(`the architecture needs a field ${name}`);
  });
  return fields;
}
