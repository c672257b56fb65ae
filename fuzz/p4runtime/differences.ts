/**
 * The known differences between our P4Runtime server and BMv2's. docs/compatibility.md has each class with its
 * reason; a difference that fits no class is a finding.
 */
import type { Init, WriteRequest } from '../../p4runtime/index.js';
import { keyOf } from './entity-key.js';
import type { DraftUpdate } from './valid.js';

export interface Difference {
  readonly program: string;
  readonly what: 'update' | 'request' | 'state' | 'crash';
  /** Of the entity. */
  readonly kind: string;
  readonly type: string;
  /** How the update or request was corrupted; of a state, which read showed it. */
  readonly how: string;
  /** Codes; of a state, what was read. */
  readonly ours: string;
  readonly theirs: string;
  readonly oursMessage: string;
  readonly theirsMessage: string;
  readonly update: DraftUpdate | undefined;
  readonly request: {
    readonly message: Init<WriteRequest>;
    /** How the request itself was corrupted. */ readonly how: string;
  };
  /** Earlier updates of the batch that one server accepted and the other refused. */
  readonly apart: readonly DraftUpdate[];
  /** Earlier updates of the batch that BMv2's server refused. */
  readonly refused: readonly DraftUpdate[];
  /** Whether the update is of an entry of a table with an action profile. */
  readonly isIndirect: boolean;
}

export interface DifferenceClass {
  readonly name: string;
  readonly holds: (difference: Difference) => boolean;
}

const INVALID = 'INVALID_ARGUMENT';
/** Codes about the existence of an entity; the specification does not order them relative to checks of the update's contents. */
const PRESENCE = new Set(['NOT_FOUND', 'ALREADY_EXISTS', 'RESOURCE_EXHAUSTED']);
const VALIDITY = new Set([INVALID, 'UNIMPLEMENTED', 'OUT_OF_RANGE', 'PERMISSION_DENIED']);

/** Both refuse. */
const bothRefuse = ({ ours, theirs }: Difference): boolean => ours !== 'OK' && theirs !== 'OK';
const read =
  (what: string, message: string) =>
  (d: Difference): boolean =>
    d.what === 'state' && d.kind === 'read' && d.how === what && d.theirs.includes(message);

const request =
  (how: string, ours: string) =>
  (d: Difference): boolean =>
    d.request.how === how && d.ours === ours && d.what !== 'state';
/** A state that is the same when `what` is removed from both texts. */
const sameWithout =
  (kinds: readonly string[], what: RegExp) =>
  (d: Difference): boolean =>
    d.what === 'state' && kinds.includes(d.kind) && d.ours.replace(what, '') === d.theirs.replace(what, '');

/** Whether the texts differ only in numbers, and by at most one. */
function differByOne({ what, ours, theirs }: Difference): boolean {
  const numbers = /\d+/g;
  const [mine, others] = [ours.match(numbers) ?? [], theirs.match(numbers) ?? []];
  return (
    what === 'state' &&
    ours.replace(numbers, '') === theirs.replace(numbers, '') &&
    mine.every((each, i) => Math.abs(Number(each) - Number(others[i])) <= 1)
  );
}

/** Updates that BMv2's server begins to apply before it finds a reason to refuse them, and does not undo. */
export function leavesTraces({ type, entity }: DraftUpdate): boolean {
  if (type !== 'INSERT' && type !== 'MODIFY') return false;
  const { tableEntry, actionProfileGroup, packetReplicationEngineEntry } = entity;
  return !!(
    actionProfileGroup ??
    packetReplicationEngineEntry ??
    tableEntry?.action?.actionProfileActionSet ??
    tableEntry?.meterConfig
  );
}

/** A MODIFY of a counter, indexed or direct, that gives no value. */
export function isWithoutData({ type, entity: { counterEntry, directCounterEntry } }: DraftUpdate): boolean {
  const entry = counterEntry ?? directCounterEntry;
  return type === 'MODIFY' && entry !== undefined && !entry.data;
}

/** The table or counter that the update or state belongs to. */
const ownerOf = ({ counterEntry, directCounterEntry, tableEntry }: DraftUpdate['entity']): number | undefined =>
  counterEntry?.counterId ?? (directCounterEntry?.tableEntry ?? tableEntry)?.tableId;

/** Repointing an entry to another member or group: BMv2 decrements the old one's count before it refuses the new one. */
const isRefusedRepointing = ({ type, entity }: DraftUpdate): boolean =>
  type === 'MODIFY' &&
  (entity.tableEntry?.action?.actionProfileGroupId ?? entity.tableEntry?.action?.actionProfileMemberId) !== undefined;

const PROFILED = new Set(['actionProfileMember', 'actionProfileGroup']);
const kindsOf = (entity: DraftUpdate['entity']): string =>
  Object.keys(entity).find((name) => entity[name as keyof typeof entity] !== undefined) ?? '';

/** Whether the result of one update can affect that of the other: the same entity, the entry of a direct resource, members and those that use them. */
function bearsOn(earlier: DraftUpdate, { entity }: DraftUpdate, isIndirect: boolean): boolean {
  if (keyOf(earlier.entity) === keyOf(entity)) return true;
  const entry = entity.directCounterEntry?.tableEntry ?? entity.directMeterEntry?.tableEntry;
  if (entry && earlier.entity.tableEntry) return keyOf({ tableEntry: entry }) === keyOf(earlier.entity);
  const usesProfile = (each: DraftUpdate['entity']): boolean =>
    PROFILED.has(kindsOf(each)) || (each.tableEntry !== undefined && each.tableEntry.action?.action === undefined);
  return (isIndirect || PROFILED.has(kindsOf(entity))) && usesProfile(earlier.entity);
}

const ENTRIES = ['tableEntry', 'defaultEntry'];
const METERED = ['tableEntry', 'directMeterEntry'];
const COUNTED = ['tableEntry', 'directCounterEntry', 'counterEntry'];
const FIRST_INVERTED_PRIORITY = 2 ** 30;

export const CLASSES: readonly DifferenceClass[] = [
  // BMv2's server does not implement it.
  {
    name: 'registers',
    holds: (d) =>
      d.theirsMessage.includes('Register writes are not supported') || read('all registers', 'Register reads')(d),
  },
  {
    name: 'value sets',
    holds: (d) =>
      d.theirsMessage.includes('ValueSet writes are not supported') || read('all value sets', 'ValueSet reads')(d),
  },
  { name: 'atomicity', holds: (d) => d.theirsMessage.includes('atomic write modes') },
  { name: 'wildcard writes', holds: (d) => d.theirsMessage.includes('Wildcard write is not supported') },
  {
    name: 'direct resources of all tables',
    holds: (d) => read('all direct counters', 'for ALL tables')(d) || read('all direct meters', 'for ALL tables')(d),
  },
  {
    name: 'reading digests',
    holds: (d) =>
      read('all digests', 'digest_id must be set')(d) ||
      (read('a digest', 'not configured')(d) && d.ours.startsWith('OK, 0 entities')),
  },
  {
    name: 'truncating clones',
    holds: (d) => d.kind === 'cloneSessionEntry' && d.how.includes('packetLengthBytes') && d.theirs === 'UNKNOWN',
  },
  { name: 'large bursts', holds: (d) => /burst too large/i.test(d.theirsMessage) },
  {
    name: 'empty groups',
    holds: (d) =>
      d.ours === 'OK' &&
      ((/^Error when (adding|modifying) match entry/.test(d.theirsMessage) && d.isIndirect) ||
        d.theirsMessage.includes('No support for empty action profile groups')),
  },
  { name: 'metadata of multicast groups', holds: sameWithout(['multicastGroupEntry'], /metadata:x[0-9a-f]*/) },
  { name: 'is_const in a read', holds: sameWithout(ENTRIES, /isConst:(true|false)/) },
  {
    name: 'default entry of indirect tables',
    holds: (d) =>
      d.what === 'state' &&
      d.kind === 'defaultEntry' &&
      d.ours.includes('isConst:true') &&
      !d.theirs.includes('action:'),
  },
  {
    name: 'priorities of constant entries',
    holds: (d) =>
      d.what === 'state' &&
      d.kind === 'tableEntry' &&
      (d.ours.includes('isConst:true') || Number(/priority:(\d+)/.exec(d.theirs)?.[1] ?? 0) > FIRST_INVERTED_PRIORITY),
  },
  {
    name: 'units of counters',
    holds: (d) =>
      /Count:0 /.test(d.theirs) &&
      (sameWithout(COUNTED, /byteCount:\d+/)(d) || sameWithout(COUNTED, /packetCount:\d+/)(d)),
  },
  {
    name: 'counts above 2^53',
    holds: (d) => COUNTED.includes(d.kind) && /Count:\d{16,}/.test(d.ours) && /Count:\d{16,}/.test(d.theirs),
  },
  {
    name: 'rates above 2^53',
    holds: (d) => [...METERED, 'meterEntry'].includes(d.kind) && /[cp]ir:\d{16,}/.test(d.ours),
  },
  { name: 'rounding of rates', holds: (d) => ['meterEntry', ...METERED].includes(d.kind) && differByOne(d) },
  {
    name: 'meters after MODIFY',
    holds: (d) => !d.ours.includes('onfig:{') && sameWithout(METERED, /(meterC|c)onfig:\{[^}]*\} /)(d),
  },
  {
    name: 'counters without data',
    holds: (d) =>
      d.what === 'state' &&
      COUNTED.includes(d.kind) &&
      d.theirs.includes('{byteCount:0 packetCount:0}') &&
      (d.request.message.updates ?? []).some(
        (each) => isWithoutData(each as DraftUpdate) && ownerOf(each.entity!) === ownerOf(d.update!.entity),
      ),
  },
  // BMv2's server accepts what the specification forbids.
  { name: 'unknown role', holds: request('request:role', 'NOT_FOUND') },
  { name: 'role id', holds: request('request:role id', INVALID) },
  { name: 'unknown device', holds: request('request:device id', 'NOT_FOUND') },
  { name: 'is_const in a write', holds: (d) => d.oursMessage.includes('must not set is_const') },
  {
    name: 'empty bytestring',
    holds: (d) => d.ours === INVALID && d.oursMessage.includes('An empty bytestring has no value'),
  },
  { name: 'colors of meters', holds: (d) => d.oursMessage.includes('per color') },
  { name: 'excess burst', holds: (d) => d.ours === INVALID && d.oursMessage.includes('eburst') },
  {
    name: 'rates',
    holds: (d) =>
      d.ours === INVALID && /is below the committed rate|Rates and bursts must not be negative/.test(d.oursMessage),
  },
  {
    name: 'negative counter',
    holds: (d) => d.ours === INVALID && d.oursMessage.includes('A counter must not be negative'),
  },
  { name: 'negative priority', holds: (d) => d.ours === INVALID && /priorit.* not -\d/.test(d.oursMessage) },
  {
    name: 'deleting a counter',
    holds: (d) => d.ours === INVALID && d.theirs === 'OK' && d.oursMessage.includes('can only be modified'),
  },
  {
    name: 'negative digest configuration',
    holds: (d) => d.ours === INVALID && d.kind === 'digestEntry' && d.oursMessage.includes('must not be negative'),
  },
  {
    name: 'enabling a digest twice',
    holds: (d) => d.kind === 'digestEntry' && d.ours === 'ALREADY_EXISTS' && d.theirs === 'OK',
  },
  {
    name: 'idle timeout of default entries',
    holds: (d) => d.ours === INVALID && d.oursMessage.includes('idle timeouts for default entries'),
  },
  {
    name: 'id 0 of members and groups',
    holds: (d) => d.ours === INVALID && /A (member|group) id must be/.test(d.oursMessage),
  },
  { name: 'max_size', holds: (d) => d.ours === INVALID && d.oursMessage.includes('max_size') },
  {
    name: 'size of action profiles',
    holds: (d) =>
      d.ours === 'RESOURCE_EXHAUSTED' &&
      /is full with|is full: it holds|The (groups|size) of|The weights/.test(d.oursMessage),
  },
  { name: 'parameter twice', holds: (d) => d.ours === INVALID && /^Parameter .* is given twice/.test(d.oursMessage) },
  { name: 'full ranges', holds: (d) => d.ours === INVALID && d.oursMessage.includes('has the full range') },
  {
    name: 'ports that do not exist',
    holds: (d) => d.ours === INVALID && /is not one of this switch|watches port/.test(d.oursMessage),
  },
  { name: 'large instances', holds: (d) => d.ours === INVALID && /^Instance \d+ is more than/.test(d.oursMessage) },
  {
    name: 'direct resources of default entries',
    holds: (d) => d.ours === 'UNIMPLEMENTED' && d.oursMessage.includes('A default entry has no'),
  },
  // BMv2's server refuses what the specification allows.
  {
    name: 'MODIFY without action',
    holds: (d) => d.ours === 'OK' && d.theirsMessage.includes("'action' field must be set for non-default"),
  },
  {
    name: 'time_since_last_hit in DELETE',
    holds: (d) => d.type === 'DELETE' && d.theirsMessage.includes('has_time_since_last_hit'),
  },
  { name: 'port 0', holds: (d) => d.ours === 'OK' && d.theirsMessage.includes('Port must be non-negative') },
  { name: 'ports in more than four bytes', holds: (d) => d.theirsMessage.includes('only 4 bytes are supported') },
  { name: 'multicast groups from 0x8000', holds: (d) => d.theirsMessage.includes('Group id value is too high') },
  {
    name: 'watch ports',
    holds: (d) =>
      (d.theirs === 'INTERNAL' && d.theirsMessage.includes('WatchPortEnforcer')) ||
      sameWithout(['actionProfileGroup'], /watchPort:x[0-9a-f]* /g)(d),
  },
  {
    name: 'selector modes',
    holds: (d) =>
      /mix action selector programming modes/.test(d.theirsMessage) ||
      (d.kind === 'read' && /mix action selector programming modes/.test(d.theirs)) ||
      /programmed by (one-shots|members and groups)/.test(d.oursMessage),
  },
  { name: 'crashes', holds: (d) => d.what === 'crash' && /egressPort:|instance:|replicas.port:/.test(d.how) },
  // Other codes.
  { name: 'exceptions', holds: (d) => d.theirsMessage.includes('Unexpected error in RPC handling') },
  { name: 'no entity', holds: (d) => d.ours === INVALID && d.theirsMessage.includes('Incorrect entity type') },
  {
    name: 'constant entries',
    holds: (d) =>
      d.ours === 'PERMISSION_DENIED' && /The entries of table|The default action of table/.test(d.oursMessage),
  },
  { name: 'unknown digest', holds: (d) => d.ours === INVALID && d.kind === 'digestEntry' && d.theirs === 'NOT_FOUND' },
  {
    name: 'direct resource without entry',
    holds: (d) => d.ours === 'NOT_FOUND' && d.theirsMessage.includes('Cannot map table entry to handle'),
  },
  {
    name: 'unknown member or group',
    holds: (d) =>
      d.ours === 'NOT_FOUND' && d.kind === 'tableEntry' && d.theirsMessage.includes('Invalid member / group id'),
  },
  {
    name: 'refused by the target',
    holds: (d) => bothRefuse(d) && d.theirs === 'UNKNOWN' && /^Error (when|in)/.test(d.theirsMessage),
  },
  {
    name: 'remains of a refused update',
    holds: (d) =>
      (/^Duplicate group id|^Error when adding match entry/.test(d.theirsMessage) ||
        (d.kind === 'actionProfileGroup' && d.ours === 'NOT_FOUND' && d.theirs === 'OK')) &&
      d.refused.some((each) => leavesTraces(each) && keyOf(each.entity) === keyOf(d.update!.entity)),
  },
  {
    name: 'uses of members',
    holds: (d) =>
      d.type === 'DELETE' &&
      PROFILED.has(d.kind) &&
      d.refused.some(isRefusedRepointing) &&
      (d.ours === 'OK'
        ? /^Error when deleting (member|group) on target/.test(d.theirsMessage)
        : d.theirs === 'OK' && d.oursMessage.includes('is in use')),
  },
  {
    name: 'which check comes first',
    holds: (d) =>
      d.what === 'update' &&
      ((PRESENCE.has(d.ours) && VALIDITY.has(d.theirs)) || (VALIDITY.has(d.ours) && PRESENCE.has(d.theirs))),
  },
  {
    name: 'follows from an earlier update of the batch',
    holds: (d) => d.what === 'update' && d.apart.some((each) => bearsOn(each, d.update!, d.isIndirect)),
  },
];

export function classOf(difference: Difference): string | undefined {
  return CLASSES.find(({ holds }) => holds(difference))?.name;
}
