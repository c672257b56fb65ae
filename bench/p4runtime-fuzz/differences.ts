/**
 * The differences between our P4Runtime server and BMv2's that are known. docs/compatibility.md has each class
 * with its reason; whatever fits none is a finding.
 */
import type { Init, WriteRequest } from '../../p4runtime/index.js';
import type { DraftUpdate } from './valid.js';

export interface Difference {
  readonly program: string;
  readonly what: 'update' | 'request' | 'state' | 'crash';
  /** Of the entity. */
  readonly kind: string;
  readonly type: string;
  /** How the update or request was spoilt; of a state, which read showed it. */
  readonly how: string;
  /** Codes; of a state, what was read. */
  readonly ours: string;
  readonly theirs: string;
  readonly oursMessage: string;
  readonly theirsMessage: string;
  readonly update: DraftUpdate | undefined;
  readonly request: Init<WriteRequest>;
}

export interface DifferenceClass {
  readonly name: string;
  readonly holds: (difference: Difference) => boolean;
}

const INVALID = 'INVALID_ARGUMENT';
/** Codes that say what is there or not; the specification sets no order between them and the other checks. */
const PRESENCE = new Set(['NOT_FOUND', 'ALREADY_EXISTS', 'RESOURCE_EXHAUSTED']);

/** Both refuse. */
const bothRefuse = ({ ours, theirs }: Difference): boolean => ours !== 'OK' && theirs !== 'OK';
const read = (what: string, message: string) => (d: Difference): boolean =>
  d.what === 'state' && d.kind === 'read' && d.how === what && d.theirs.includes(message);

export const CLASSES: readonly DifferenceClass[] = [
  { name: 'registers', holds: (d) => d.theirsMessage.includes('Register writes are not supported') || read('all registers', 'Register reads')(d) },
  { name: 'value sets', holds: (d) => d.theirsMessage.includes('ValueSet writes are not supported') || read('all value sets', 'ValueSet reads')(d) },
  { name: 'atomicity', holds: (d) => d.theirsMessage.includes('atomic write modes') },
  { name: 'wildcard writes', holds: (d) => d.theirsMessage.includes('Wildcard write is not supported') },
  {
    name: 'direct resources of all tables',
    holds: (d) => read('all direct counters', 'for ALL tables')(d) || read('all direct meters', 'for ALL tables')(d),
  },
  {
    name: 'reading digests',
    holds: (d) => read('all digests', 'digest_id must be set')(d) || read('a digest', 'not configured')(d),
  },
  { name: 'unknown role', holds: (d) => d.how === 'request:role' && d.ours === 'NOT_FOUND' },
  { name: 'role id', holds: (d) => d.how === 'request:role id' && d.ours === INVALID },
  { name: 'unknown device', holds: (d) => d.how === 'request:device id' && d.ours === 'NOT_FOUND' && d.theirs === 'PERMISSION_DENIED' },
  { name: 'no entity', holds: (d) => d.ours === INVALID && d.theirsMessage.includes('Incorrect entity type') },
  { name: 'is_const in a write', holds: (d) => d.oursMessage.includes('must not set is_const') },
  { name: 'constant entries', holds: (d) => d.ours === 'PERMISSION_DENIED' && /The entries of table|The default action of table/.test(d.oursMessage) },
  { name: 'empty bytestring', holds: (d) => d.ours === INVALID && d.oursMessage.includes('An empty bytestring has no value') },
  { name: 'counters per color', holds: (d) => d.ours === 'UNIMPLEMENTED' && d.oursMessage.includes('counters per color') },
  { name: 'excess burst', holds: (d) => d.ours === INVALID && d.oursMessage.includes('eburst') },
  { name: 'rates', holds: (d) => d.ours === INVALID && /is below the committed rate|Rates and bursts must not be negative/.test(d.oursMessage) },
  { name: 'negative counter', holds: (d) => d.ours === INVALID && d.oursMessage.includes('A counter must not be negative') },
  { name: 'deleting a counter', holds: (d) => d.ours === INVALID && d.theirs === 'OK' && d.oursMessage.includes('can only be modified') },
  { name: 'truncating clones', holds: (d) => d.kind === 'cloneSessionEntry' && /packetLengthBytes/.test(d.how) && d.theirs === 'UNKNOWN' },
  { name: 'selector modes', holds: (d) => d.theirsMessage.includes('mix action selector programming modes') || (d.kind === 'read' && d.theirs.includes('mix action selector programming modes')) },
  { name: 'digest configuration', holds: (d) => d.ours === INVALID && d.kind === 'digestEntry' && (d.theirs === 'NOT_FOUND' || d.oursMessage.includes('must not be negative')) },
  { name: 'id 0 of members and groups', holds: (d) => d.ours === INVALID && /A (member|group) id must be/.test(d.oursMessage) },
  { name: 'max_size', holds: (d) => d.ours === INVALID && d.oursMessage.includes('max_size') },
  { name: 'time_since_last_hit in DELETE', holds: (d) => d.type === 'DELETE' && d.theirsMessage.includes('has_time_since_last_hit') },
  { name: 'direct resource without entry', holds: (d) => d.ours === 'NOT_FOUND' && d.theirsMessage.includes('Cannot map table entry to handle') },
  { name: 'refused by the target', holds: (d) => bothRefuse(d) && d.theirs === 'UNKNOWN' && /^Error (when|in)/.test(d.theirsMessage) },
  {
    name: 'which check comes first',
    holds: (d) => d.what === 'update' && bothRefuse(d) && (PRESENCE.has(d.ours) !== PRESENCE.has(d.theirs)),
  },
];

export function classOf(difference: Difference): string | undefined {
  return CLASSES.find(({ holds }) => holds(difference))?.name;
}
