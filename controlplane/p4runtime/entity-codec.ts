/** Conversion between entities by name (entries.ts) and P4Runtime's messages, using the P4Info of one pipeline. */
import { decodeBytestring, encodeBytestring } from '../../p4runtime/bytestring.js';
import type * as p4 from '../../p4runtime/messages.js';
import type { ActionDefinition, MatchFieldInfo, P4InfoIndex, TableInfo } from '../../p4runtime/p4info.js';
import type {
  CloneSession,
  CounterValue,
  EntityInput,
  Entry,
  EntryInput,
  EntryKeyInput,
  Key,
  MeterConfig,
  MulticastGroup,
  Replica,
  Value,
} from './entries.js';
import { EntityError } from './errors.js';
import { parseKey, parseValue } from './values.js';

type EntityMessage = p4.Init<p4.Entity>;
type TableEntryMessage = p4.Init<p4.TableEntry>;
type ActionMessage = p4.Init<p4.Action>;

/** @throws P4InfoLookupError (unknown names, with the valid ones) and EntityError (values) from every method */
export class EntityCodec {
  constructor(readonly index: P4InfoIndex) {}

  entity(input: EntityInput): EntityMessage {
    if ('entry' in input) return { tableEntry: this.tableEntry(input.entry) };
    if ('entryKey' in input) return { tableEntry: this.tableEntryKey(input.entryKey) };
    if ('defaultAction' in input) {
      const { table: name, action, params = {} } = input.defaultAction;
      const table = this.index.tables.find(name);
      const call = action === undefined ? {} : { action: { action: this.action(table, action, params, 'TABLE_ONLY') } };
      return { tableEntry: { tableId: table.id, isDefaultAction: true, ...call } };
    }
    if ('multicastGroup' in input) {
      const { group, replicas } = input.multicastGroup;
      return {
        packetReplicationEngineEntry: {
          multicastGroupEntry: { multicastGroupId: group, replicas: replicas.map(replicaMessage) },
        },
      };
    }
    if ('cloneSession' in input) {
      const { session, replicas, truncateBytes = 0 } = input.cloneSession;
      const entry = { sessionId: session, replicas: replicas.map(replicaMessage), packetLengthBytes: truncateBytes };
      return { packetReplicationEngineEntry: { cloneSessionEntry: entry } };
    }
    if ('counter' in input) {
      const { name, index, value } = input.counter;
      const counter = this.index.counters.find(name);
      checkIndex('counter', counter, index);
      return {
        counterEntry: {
          counterId: counter.id,
          index: { index: BigInt(index) },
          data: { packetCount: value.packets, byteCount: value.bytes },
        },
      };
    }
    if ('meter' in input) {
      const { name, index, config } = input.meter;
      const meter = this.index.meters.find(name);
      checkIndex('meter', meter, index);
      return {
        meterEntry: {
          meterId: meter.id,
          index: { index: BigInt(index) },
          ...(config && { config: meterMessage(config) }),
        },
      };
    }
    if ('register' in input) {
      const { name, index, value } = input.register;
      const register = this.index.registers.find(name);
      checkIndex('register', register, index);
      if (register.bitwidth === undefined)
        throw new EntityError(`register ${register.name} is not of type bit<W>, the only type that can be written`);
      const field = {
        id: 0,
        name: register.name,
        alias: register.name,
        bitwidth: register.bitwidth,
        isString: false,
        isTranslated: false,
      };
      return {
        registerEntry: {
          registerId: register.id,
          index: { index: BigInt(index) },
          data: { bitstring: encodeBytestring(parseValue(value, field), register.bitwidth) },
        },
      };
    }
    const { name, maxTimeoutNs = 0n, maxListSize = 1, ackTimeoutNs = 0n } = input.digest;
    return {
      digestEntry: { digestId: this.index.digests.find(name).id, config: { maxTimeoutNs, maxListSize, ackTimeoutNs } },
    };
  }

  tableEntry(input: EntryInput): TableEntryMessage {
    const table = this.index.tables.find(input.table);
    return {
      ...this.tableEntryKey(input),
      action: { action: this.action(table, input.action, input.params ?? {}, 'DEFAULT_ONLY') },
      ...(input.metadata && { metadata: input.metadata }),
      ...(input.idleTimeoutNs !== undefined && { idleTimeoutNs: input.idleTimeoutNs }),
    };
  }

  tableEntryKey(input: EntryKeyInput): TableEntryMessage {
    const table = this.index.tables.find(input.table);
    const keys = this.keys(table, input.match ?? {});
    const match = [...keys].map(([field, key]) => keyMessage(field, key));
    const priority = input.priority ?? 0;
    if (table.needsPriority !== priority > 0) {
      throw new EntityError(
        table.needsPriority
          ? `an entry of ${table.name} needs a priority above 0, because the table has a ternary, range or optional key`
          : `an entry of ${table.name} has no priority, because the table has no ternary, range or optional key`,
      );
    }
    return { tableId: table.id, match, priority };
  }

  /** The entry in the form of {@link decodeEntry}: full names, canonical values. Two equal entries have equal {@link entryIdentity}. */
  normalise(input: EntryInput): Entry {
    const table = this.index.tables.find(input.table);
    const definition = table.actions.find(input.action).definition;
    const params = this.params(definition, input.params ?? {});
    return {
      table: table.name,
      match: Object.fromEntries([...this.keys(table, input.match ?? {})].map(([field, key]) => [field.name, key])),
      priority: input.priority ?? 0,
      action: definition.name,
      params: Object.fromEntries(params.map(([field, value]) => [field.name, value])),
      isDefault: false,
    };
  }

  decodeEntry(message: p4.TableEntry): Entry {
    const table = this.index.tables.byId(message.tableId);
    const byPosition = message.match
      .map((match): [MatchFieldInfo, Key] => {
        const field = table.keys.byId(match.fieldId);
        return [field, decodeKey(field, match)];
      })
      .sort(([a], [b]) => a.position - b.position);
    const call = message.action?.action;
    const definition = call && this.index.actions.byId(call.actionId);
    return {
      table: table.name,
      match: Object.fromEntries(byPosition.map(([field, key]) => [field.name, key])),
      priority: message.priority,
      action: definition?.name,
      params: Object.fromEntries(
        (call?.params ?? []).map(({ paramId, value }) => [
          definition!.params.byId(paramId).name,
          decodeBytestring(value),
        ]),
      ),
      isDefault: message.isDefaultAction,
      ...(message.counterData && { counter: decodeCounter(message.counterData) }),
    };
  }

  /** One-line description of an update, for error messages. */
  describe(input: EntityInput): string {
    if ('entry' in input || 'entryKey' in input) {
      const entry = 'entry' in input ? input.entry : input.entryKey;
      const match = Object.entries(entry.match ?? {}).map(([name, key]) => `${name}=${keyText(key)}`);
      return `${entry.table}{${match.join(', ')}}`;
    }
    if ('defaultAction' in input) return `default action of ${input.defaultAction.table}`;
    if ('multicastGroup' in input) return `multicast group ${input.multicastGroup.group}`;
    if ('cloneSession' in input) return `clone session ${input.cloneSession.session}`;
    if ('counter' in input) return `${input.counter.name}[${input.counter.index}]`;
    if ('meter' in input) return `${input.meter.name}[${input.meter.index}]`;
    if ('register' in input) return `${input.register.name}[${input.register.index}]`;
    return `digest ${input.digest.name}`;
  }

  /** @param notScope actions of this scope cannot be used here: a default-only action in an entry, and the reverse */
  private action(
    table: TableInfo,
    name: string,
    params: Readonly<Record<string, Value>>,
    notScope: 'DEFAULT_ONLY' | 'TABLE_ONLY',
  ): ActionMessage {
    const reference = table.actions.find(name);
    if (reference.scope === notScope) {
      const valid = table.actions.items.filter(({ scope }) => scope !== notScope).map((each) => each.name);
      const where = notScope === 'DEFAULT_ONLY' ? 'an entry' : 'the default';
      throw new EntityError(
        `action ${reference.name} cannot be ${where} of ${table.name}; valid: ${valid.join(', ') || 'none'}`,
      );
    }
    return {
      actionId: reference.id,
      params: this.params(reference.definition, params).map(([field, value]) => ({
        paramId: field.id,
        value: encodeBytestring(value, field.bitwidth),
      })),
    };
  }

  private params(
    definition: ActionDefinition,
    input: Readonly<Record<string, Value>>,
  ): [ActionDefinition['params']['items'][number], bigint][] {
    const given = new Map(Object.entries(input).map(([name, value]) => [definition.params.find(name), value]));
    return definition.params.items.map((field) => {
      const value = given.get(field);
      if (value === undefined) {
        throw new EntityError(
          `action ${definition.name} needs parameter ${field.name}; parameters: ${definition.params.names.join(', ')}`,
        );
      }
      return [field, parseValue(value, field)];
    });
  }

  /** In the order of the table's keys; keys that match anything are absent. */
  private keys(table: TableInfo, match: EntryKeyInput['match'] & {}): Map<MatchFieldInfo, Key> {
    const given = new Map(Object.entries(match).map(([name, key]) => [table.keys.find(name), key]));
    const keys = new Map<MatchFieldInfo, Key>();
    for (const field of table.keys.items) {
      const input = given.get(field);
      if (input === undefined) {
        if (field.kind === 'exact')
          throw new EntityError(
            `an entry of ${table.name} needs key ${field.name}; keys: ${table.keys.names.join(', ')}`,
          );
        continue;
      }
      const key = parseKey(input, field);
      if (key !== undefined) keys.set(field, key);
    }
    return keys;
  }
}

/** Text that is equal for entries with the same table, keys and priority, of which a switch holds at most one. */
export function entryIdentity(entry: Entry): string {
  return stringify([entry.table, entry.priority, sorted(entry.match)]);
}

/** Text that is equal for entries with the same action and parameters. */
export function entryCall(entry: Entry): string {
  return stringify([entry.action, sorted(entry.params)]);
}

function sorted(record: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

function stringify(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}` : each));
}

function keyMessage({ id, bitwidth }: MatchFieldInfo, key: Key): p4.Init<p4.FieldMatch> {
  const bytes = (value: bigint): Uint8Array => encodeBytestring(value, bitwidth);
  switch (key.kind) {
    case 'exact':
      return { fieldId: id, exact: { value: bytes(key.value) } };
    case 'optional':
      return { fieldId: id, optional: { value: bytes(key.value) } };
    case 'lpm':
      return { fieldId: id, lpm: { value: bytes(key.value), prefixLen: key.prefixLength } };
    case 'ternary':
      return { fieldId: id, ternary: { value: bytes(key.value), mask: bytes(key.mask) } };
    case 'range':
      return { fieldId: id, range: { low: bytes(key.low), high: bytes(key.high) } };
  }
}

function decodeKey(field: MatchFieldInfo, match: p4.FieldMatch): Key {
  if (match.exact) return { kind: 'exact', value: decodeBytestring(match.exact.value) };
  if (match.optional) return { kind: 'optional', value: decodeBytestring(match.optional.value) };
  if (match.lpm) return { kind: 'lpm', value: decodeBytestring(match.lpm.value), prefixLength: match.lpm.prefixLen };
  if (match.ternary)
    return {
      kind: 'ternary',
      value: decodeBytestring(match.ternary.value),
      mask: decodeBytestring(match.ternary.mask),
    };
  if (match.range)
    return { kind: 'range', low: decodeBytestring(match.range.low), high: decodeBytestring(match.range.high) };
  throw new EntityError(`the switch sent key ${field.name} without a value`);
}

/** Uses the port number instead of the newer `port` bytes: old and new servers accept it. */
function replicaMessage({ port, instance }: Replica): p4.Init<p4.Replica> {
  return { egressPort: port, instance };
}

function decodeReplica({ egressPort, port, instance }: p4.Replica): Replica {
  return { port: egressPort ?? Number(decodeBytestring(port ?? new Uint8Array(1))), instance };
}

/** The multicast group of an entity, as a list of zero or one. */
export function decodeMulticastGroup({ packetReplicationEngineEntry: entry }: p4.Entity): MulticastGroup[] {
  const group = entry?.multicastGroupEntry;
  return group === undefined ? [] : [{ group: group.multicastGroupId, replicas: group.replicas.map(decodeReplica) }];
}

/** The clone session of an entity, as a list of zero or one. */
export function decodeCloneSession({ packetReplicationEngineEntry: entry }: p4.Entity): CloneSession[] {
  const session = entry?.cloneSessionEntry;
  if (session === undefined) return [];
  return [
    {
      session: session.sessionId,
      replicas: session.replicas.map(decodeReplica),
      truncateBytes: session.packetLengthBytes,
    },
  ];
}

export function decodeCounter(data: p4.CounterData): CounterValue {
  return { packets: data.packetCount, bytes: data.byteCount };
}

function meterMessage(config: MeterConfig): p4.Init<p4.MeterConfig> {
  return { cir: config.cir, cburst: config.cburst, pir: config.pir, pburst: config.pburst };
}

export function checkIndex(what: string, { name, size }: { name: string; size: number }, index: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= size)
    throw new EntityError(`index ${index} is out of range for ${what} ${name}: 0 to ${size - 1}`);
}

function keyText(key: unknown): string {
  if (key instanceof Uint8Array) return `0x${Buffer.from(key).toString('hex')}`;
  if (typeof key !== 'object' || key === null) return String(key);
  return Object.values(key)
    .map(String)
    .join('prefixLength' in key ? '/' : 'mask' in key ? '&&&' : '..');
}
