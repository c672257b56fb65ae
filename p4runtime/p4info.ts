/**
 * A P4Info prepared for use: every object by id, by name and by unique suffix of its name, with references
 * resolved.
 *
 * A name matches, in this order: the full name, the alias, a suffix that starts at a dot and belongs to one
 * name only. So `member` finds `fpisa.member`, and an error lists the candidates.
 */
import { P4InfoLookupError } from './errors.js';
import { NameIndex } from './name-index.js';
import type {
  ActionScope,
  CounterUnit,
  MatchField,
  MeterSpec,
  P4DataTypeSpec,
  P4Info,
  P4NamedType,
  P4TypeInfo,
  Preamble,
  Table,
} from './p4info-messages.js';

export type MatchKind = 'exact' | 'lpm' | 'ternary' | 'range' | 'optional';

interface Named {
  readonly id: number;
  readonly name: string;
  readonly alias: string;
}

/** A typed value of the control plane: match field, action parameter or packet metadata. */
export interface FieldInfo extends Named {
  /** Bits. 0 if the value is a string (`@p4runtime_translation` to a string). */
  readonly bitwidth: number;
  readonly isString: boolean;
  /** `@p4runtime_translation`: the bits are the controller's, not the program's. */
  readonly isTranslated: boolean;
}

export interface MatchFieldInfo extends FieldInfo {
  readonly kind: MatchKind;
  /** Place in the table's key, from 0; BMv2's JSON has the same order. */
  readonly position: number;
}

export interface ActionDefinition extends Named {
  /** In the order of the P4 program. */
  readonly params: NameIndex<FieldInfo>;
}

export interface TableActionInfo extends Named {
  readonly scope: ActionScope;
  readonly definition: ActionDefinition;
}

export interface TableInfo extends Named {
  /** In the order of the P4 program. */
  readonly keys: NameIndex<MatchFieldInfo>;
  readonly actions: NameIndex<TableActionInfo>;
  readonly size: number;
  /** Whether entries need a priority: one of the keys is ternary, range or optional. */
  readonly needsPriority: boolean;
  /** Entries come from the program and cannot be changed. */
  readonly isConst: boolean;
  readonly hasInitialEntries: boolean;
  /** The default action, if the program declares it constant. */
  readonly constDefaultAction: ActionDefinition | undefined;
  readonly initialDefaultAction: Table['initialDefaultAction'];
  readonly actionProfileId: number | undefined;
  readonly directCounter: DirectCounterInfo | undefined;
  readonly directMeter: DirectMeterInfo | undefined;
  readonly hasIdleTimeout: boolean;
}

export interface ActionProfileInfo extends Named {
  readonly tableIds: readonly number[];
  readonly withSelector: boolean;
  readonly size: number;
  /** 0: no limit. */
  readonly maxGroupSize: number;
  /** The unit of `size` and `maxGroupSize` for a selector's groups. */
  readonly sizeUnit: 'weights' | 'members';
  /** 0: no limit. */
  readonly maxMemberWeight: number;
}

export interface CounterInfo extends Named {
  readonly unit: CounterUnit;
  readonly size: number;
}
export interface DirectCounterInfo extends Named {
  readonly unit: CounterUnit;
  readonly tableId: number;
}
export interface MeterInfo extends Named, MeterSpec {
  readonly size: number;
}
export interface DirectMeterInfo extends Named, MeterSpec {
  readonly tableId: number;
}
export interface RegisterInfo extends Named {
  readonly type: P4DataTypeSpec;
  /** Bits of an element, if it is `bit<W>` or `int<W>`. */
  readonly bitwidth: number | undefined;
  readonly signed: boolean;
  readonly size: number;
}
export interface DigestInfo extends Named {
  readonly type: P4DataTypeSpec;
}
export interface ValueSetInfo extends Named {
  readonly keys: NameIndex<MatchFieldInfo>;
  readonly size: number;
}
/** The header that a packet-in or packet-out carries. */
export interface PacketHeaderInfo extends Named {
  /** In the order of the header. */
  readonly fields: NameIndex<FieldInfo>;
}

const MATCH_KINDS: Readonly<Record<string, MatchKind>> = {
  EXACT: 'exact',
  LPM: 'lpm',
  TERNARY: 'ternary',
  RANGE: 'range',
  OPTIONAL: 'optional',
};

function named(preamble: Preamble | undefined, what: string): Named {
  if (!preamble || preamble.id === 0) throw new P4InfoLookupError(`The P4Info has a ${what} without an id.`);
  return { id: preamble.id, name: preamble.name, alias: preamble.alias };
}

export class P4InfoIndex {
  readonly tables: NameIndex<TableInfo>;
  readonly actions: NameIndex<ActionDefinition>;
  readonly actionProfiles: NameIndex<ActionProfileInfo>;
  readonly counters: NameIndex<CounterInfo>;
  readonly directCounters: NameIndex<DirectCounterInfo>;
  readonly meters: NameIndex<MeterInfo>;
  readonly directMeters: NameIndex<DirectMeterInfo>;
  readonly registers: NameIndex<RegisterInfo>;
  readonly digests: NameIndex<DigestInfo>;
  readonly valueSets: NameIndex<ValueSetInfo>;
  /** `packet_in` and `packet_out`, if the program has them. */
  readonly packetHeaders: NameIndex<PacketHeaderInfo>;
  readonly types: P4TypeInfo | undefined;

  /** @throws P4InfoLookupError if an id is missing, used twice, or refers to nothing */
  constructor(readonly message: P4Info) {
    this.types = message.typeInfo;
    this.actions = new NameIndex(
      'action',
      message.actions.map((action) => {
        const name = named(action.preamble, 'action');
        const params = action.params.map((param) => this.field(param));
        return { ...name, params: new NameIndex('parameter', params, `action ${name.name}`) };
      }),
    );
    this.actionProfiles = new NameIndex(
      'action profile',
      message.actionProfiles.map(({ preamble, tableIds, withSelector, size, maxGroupSize, sumOfMembers }) => ({
        ...named(preamble, 'action profile'),
        tableIds,
        withSelector,
        size: Number(size),
        maxGroupSize,
        sizeUnit: sumOfMembers ? ('members' as const) : ('weights' as const),
        maxMemberWeight: sumOfMembers?.maxMemberWeight ?? 0,
      })),
    );
    this.counters = new NameIndex(
      'counter',
      message.counters.map(({ preamble, spec, size }) => ({
        ...named(preamble, 'counter'),
        unit: spec?.unit ?? 'UNSPECIFIED',
        size: Number(size),
      })),
    );
    this.directCounters = new NameIndex(
      'direct counter',
      message.directCounters.map(({ preamble, spec, directTableId }) => ({
        ...named(preamble, 'direct counter'),
        unit: spec?.unit ?? 'UNSPECIFIED',
        tableId: directTableId,
      })),
    );
    this.meters = new NameIndex(
      'meter',
      message.meters.map(({ preamble, spec, size }) => ({
        ...named(preamble, 'meter'),
        ...meterSpec(spec),
        size: Number(size),
      })),
    );
    this.directMeters = new NameIndex(
      'direct meter',
      message.directMeters.map(({ preamble, spec, directTableId }) => ({
        ...named(preamble, 'direct meter'),
        ...meterSpec(spec),
        tableId: directTableId,
      })),
    );
    this.registers = new NameIndex(
      'register',
      message.registers.map(({ preamble, typeSpec = {}, size }) => ({
        ...named(preamble, 'register'),
        type: typeSpec,
        bitwidth: typeSpec.bitstring?.bit?.bitwidth ?? typeSpec.bitstring?.int?.bitwidth,
        signed: typeSpec.bitstring?.int !== undefined,
        size,
      })),
    );
    this.digests = new NameIndex(
      'digest',
      message.digests.map(({ preamble, typeSpec = {} }) => ({ ...named(preamble, 'digest'), type: typeSpec })),
    );
    this.valueSets = new NameIndex(
      'value set',
      message.valueSets.map(({ preamble, match, size }) => {
        const name = named(preamble, 'value set');
        return { ...name, keys: this.keys(match, `value set ${name.name}`), size };
      }),
    );
    this.packetHeaders = new NameIndex(
      'packet header',
      message.controllerPacketMetadata.map(({ preamble, metadata }) => {
        const name = named(preamble, 'packet header');
        const fields = metadata.map((field) => this.field(field));
        return { ...name, fields: new NameIndex('metadata field', fields, `header ${name.name}`) };
      }),
    );
    this.tables = new NameIndex(
      'table',
      message.tables.map((table) => this.table(table)),
    );
  }

  private table(table: Table): TableInfo {
    const name = named(table.preamble, 'table');
    const where = `table ${name.name}`;
    const keys = this.keys(table.matchFields, where);
    const actions = table.actionRefs.map(({ id, scope }) => {
      const definition = this.actions.byId(id);
      return { id, name: definition.name, alias: definition.alias, scope, definition };
    });
    return {
      ...name,
      keys,
      actions: new NameIndex('action', actions, where),
      size: Number(table.size),
      needsPriority: keys.items.some(({ kind }) => kind === 'ternary' || kind === 'range' || kind === 'optional'),
      isConst: table.isConstTable,
      hasInitialEntries: table.hasInitialEntries,
      constDefaultAction: table.constDefaultActionId === 0 ? undefined : this.actions.byId(table.constDefaultActionId),
      initialDefaultAction: table.initialDefaultAction,
      actionProfileId: table.implementationId === 0 ? undefined : table.implementationId,
      directCounter: this.directCounters.items.find(({ tableId }) => tableId === name.id),
      directMeter: this.directMeters.items.find(({ tableId }) => tableId === name.id),
      hasIdleTimeout: table.idleTimeoutBehavior === 'NOTIFY_CONTROL',
    };
  }

  private keys(fields: readonly MatchField[], where: string): NameIndex<MatchFieldInfo> {
    const keys = fields.map((field, position) => {
      const kind = MATCH_KINDS[field.matchType ?? ''];
      if (!kind) {
        const type = field.otherMatchType ?? field.matchType ?? 'nothing';
        throw new P4InfoLookupError(
          `Key ${field.name} of ${where} matches by ${type}; supported: ${Object.values(MATCH_KINDS).join(', ')}.`,
        );
      }
      return { ...this.field(field), kind, position };
    });
    return new NameIndex('key', keys, where);
  }

  private field(field: { id: number; name: string; bitwidth: number; typeName?: P4NamedType | undefined }): FieldInfo {
    const translated = field.typeName && this.types?.newTypes[field.typeName.name]?.translatedType;
    return {
      id: field.id,
      name: field.name,
      alias: field.name,
      bitwidth: field.bitwidth,
      isString: translated?.sdnString !== undefined,
      isTranslated: translated !== undefined,
    };
  }
}

function meterSpec(spec: MeterSpec | undefined): MeterSpec {
  return { unit: spec?.unit ?? 'UNSPECIFIED', type: spec?.type ?? 'TWO_RATE_THREE_COLOR' };
}
