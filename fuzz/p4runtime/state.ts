/** A server's state, read with wildcards, and the differences between two of them. */
import type { Entity, Init, P4InfoIndex } from '../../p4runtime/index.js';
import { kindOf } from './entity-key.js';
import type { Found, Side } from './side.js';

export interface WildcardRead {
  /** What is read. */
  readonly name: string;
  /** Of the entities returned. */
  readonly kind: string;
  readonly entity: Init<Entity>;
}

/** Reads that are sent to both servers. */
export function wildcardReads(index: P4InfoIndex): WildcardRead[] {
  const { tables, actionProfiles, counters, meters, digests } = index;
  const reads: WildcardRead[] = [];
  const add = (name: string, entity: Init<Entity>): void => void reads.push({ name, kind: kindOf(entity), entity });
  add('all table entries', { tableEntry: {} });
  add('all members', { actionProfileMember: {} });
  add('all groups', { actionProfileGroup: {} });
  add('all multicast groups', { packetReplicationEngineEntry: { multicastGroupEntry: {} } });
  add('all clone sessions', { packetReplicationEngineEntry: { cloneSessionEntry: {} } });
  add('all counters', { counterEntry: {} });
  add('all meters', { meterEntry: {} });
  add('all digests', { digestEntry: {} });
  add('all registers', { registerEntry: {} });
  add('all value sets', { valueSetEntry: {} });
  add('all direct counters', { directCounterEntry: { tableEntry: {} } });
  add('all direct meters', { directMeterEntry: { tableEntry: {} } });
  for (const { id, directCounter, directMeter } of tables.items) {
    add('entries of a table', {
      tableEntry: { tableId: id, ...(directCounter && { counterData: {} }), ...(directMeter && { meterConfig: {} }) },
    });
    add('a default entry', { tableEntry: { tableId: id, isDefaultAction: true } });
    if (directCounter) add('direct counters of a table', { directCounterEntry: { tableEntry: { tableId: id } } });
    if (directMeter) add('direct meters of a table', { directMeterEntry: { tableEntry: { tableId: id } } });
  }
  for (const { id } of actionProfiles.items) {
    add('members of a profile', { actionProfileMember: { actionProfileId: id } });
    add('groups of a profile', { actionProfileGroup: { actionProfileId: id } });
  }
  for (const { id } of counters.items) add('cells of a counter', { counterEntry: { counterId: id } });
  for (const { id } of meters.items) add('cells of a meter', { meterEntry: { meterId: id } });
  for (const { id } of digests.items) add('a digest', { digestEntry: { digestId: id } });
  return reads;
}

export interface StateDifference {
  readonly read: string;
  readonly kind: string;
  readonly key: string;
  readonly entity: Entity | undefined;
  readonly ours: string;
  readonly theirs: string;
}

function compareFound(read: string, ours: Found, theirs: Found): StateDifference[] {
  if (ours.code !== theirs.code) {
    const said = ({ code, message, entities }: Found): string => `${code}, ${entities.size} entities ${message}`;
    return [{ read, kind: 'read', key: '', entity: undefined, ours: said(ours), theirs: said(theirs) }];
  }
  const differences: StateDifference[] = [];
  for (const key of new Set([...ours.entities.keys(), ...theirs.entities.keys()])) {
    const mine = ours.entities.get(key);
    const other = theirs.entities.get(key);
    if (mine?.text === other?.text) continue;
    const entity = (mine ?? other)!.entity;
    differences.push({
      read,
      kind: kindOf(entity),
      key,
      entity,
      ours: mine?.text ?? 'absent',
      theirs: other?.text ?? 'absent',
    });
  }
  return differences;
}

/** @param concerns which kinds of entities to compare; all if left out */
export async function compareState(
  index: P4InfoIndex,
  ours: Side,
  theirs: Side,
  concerns: (kind: string) => boolean = () => true,
): Promise<StateDifference[]> {
  const reads = wildcardReads(index).filter(({ kind }) => concerns(kind));
  const found = await Promise.all(
    reads.map(async ({ name, entity }) => {
      const [mine, other] = await Promise.all([ours.read(entity), theirs.read(entity)]);
      return compareFound(name, mine, other);
    }),
  );
  return found.flat();
}
