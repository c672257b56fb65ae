/** The identity of an entity, and a text form in which equal entities are equal. */
import type { Entity, Init } from '../../p4runtime/index.js';

/** Any value of a message; bytes as hex without leading zeros, so that all encodings of a number give the same text. */
export function textOf(value: unknown): string {
  if (value instanceof Uint8Array)
    return `x${Buffer.from(value)
      .toString('hex')
      .replace(/^(00)+(?=..)/, '')}`;
  if (typeof value === 'bigint') return `${value}`;
  if (Array.isArray(value)) return `[${value.map(textOf).join(' ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${fields.map(([name, field]) => `${name}:${textOf(field)}`).join(' ')}}`;
  }
  return String(value);
}

type TableEntry = NonNullable<Init<Entity>['tableEntry']>;
type FieldMatch = NonNullable<TableEntry['match']>[number];

const ZERO = Uint8Array.of(0);
/** BMv2's server reads missing or empty bytes as 0. */
const numberOf = (bytes: Uint8Array | undefined): Uint8Array =>
  bytes === undefined || bytes.length === 0 ? ZERO : bytes;

function fieldKey({ fieldId, exact, lpm, ternary, range, optional }: FieldMatch): string {
  return textOf({
    fieldId,
    exact: exact && numberOf(exact.value),
    lpm: lpm && [numberOf(lpm.value), lpm.prefixLen ?? 0],
    ternary: ternary && [numberOf(ternary.value), numberOf(ternary.mask)],
    range: range && [numberOf(range.low), numberOf(range.high)],
    optional: optional && numberOf(optional.value),
  });
}

function tableKey({ tableId, match = [], priority = 0, isDefaultAction = false }: TableEntry): string {
  const fields = [...match].sort((a, b) => (a.fieldId ?? 0) - (b.fieldId ?? 0)).map(fieldKey);
  return `${tableId} ${isDefaultAction} ${priority} ${fields.join(' ')}`;
}

export function kindOf(entity: Init<Entity> | undefined): string {
  const kind = Object.entries(entity ?? {}).find(([, value]) => value !== undefined)?.[0] ?? 'nothing';
  const pre = entity?.packetReplicationEngineEntry;
  if (pre?.multicastGroupEntry) return 'multicastGroupEntry';
  if (pre?.cloneSessionEntry) return 'cloneSessionEntry';
  if (entity?.tableEntry?.isDefaultAction) return 'defaultEntry';
  return kind;
}

/** Two entities with the same key cannot exist at once. */
export function keyOf(entity: Init<Entity>): string {
  const kind = kindOf(entity);
  const id = (() => {
    if (entity.tableEntry) return tableKey(entity.tableEntry);
    if (entity.directCounterEntry) return tableKey(entity.directCounterEntry.tableEntry ?? {});
    if (entity.directMeterEntry) return tableKey(entity.directMeterEntry.tableEntry ?? {});
    if (entity.actionProfileMember)
      return `${entity.actionProfileMember.actionProfileId} ${entity.actionProfileMember.memberId}`;
    if (entity.actionProfileGroup)
      return `${entity.actionProfileGroup.actionProfileId} ${entity.actionProfileGroup.groupId}`;
    if (entity.counterEntry) return `${entity.counterEntry.counterId} ${entity.counterEntry.index?.index ?? 'all'}`;
    if (entity.meterEntry) return `${entity.meterEntry.meterId} ${entity.meterEntry.index?.index ?? 'all'}`;
    if (entity.registerEntry) return `${entity.registerEntry.registerId} ${entity.registerEntry.index?.index ?? 'all'}`;
    const pre = entity.packetReplicationEngineEntry;
    if (pre?.multicastGroupEntry) return `${pre.multicastGroupEntry.multicastGroupId}`;
    if (pre?.cloneSessionEntry) return `${pre.cloneSessionEntry.sessionId}`;
    if (entity.valueSetEntry) return `${entity.valueSetEntry.valueSetId}`;
    if (entity.digestEntry) return `${entity.digestEntry.digestId}`;
    return '';
  })();
  return `${kind} ${id}`;
}
