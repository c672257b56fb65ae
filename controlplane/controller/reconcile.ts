/**
 * Makes a switch hold what the stored state wants: reads back, compares, writes the difference. Safe to
 * stop at any point and to run again: it assumes nothing about what an earlier run did.
 */
import type { P4RuntimeClient } from '../p4runtime/client.js';
import { entryCall, entryIdentity, type EntityCodec } from '../p4runtime/entity-codec.js';
import { insert, modify, remove, type Entry, type EntryInput, type Key, type KeyInput, type MulticastGroup, type UpdateInput } from '../p4runtime/entries.js';
import type { DesiredSwitch } from './desired.js';

/** What a switch holds now, of the things that the controller owns. */
export interface ActualSwitch {
  readonly entries: readonly Entry[];
  readonly groups: readonly MulticastGroup[];
}

export async function readSwitch(client: P4RuntimeClient, tables: readonly string[]): Promise<ActualSwitch> {
  const entries: Entry[] = [];
  for (const table of tables) entries.push(...(await client.readTable(table)));
  return { entries, groups: await client.readMulticastGroups() };
}

/**
 * The updates that lead from `actual` to `desired`, in an order in which a kill between any two leaves
 * nothing worse than dropped packets: what must go goes first, so that slots and addresses are free
 * before someone else gets them; members come last, so that nobody is let in before results have a way out.
 */
export function difference(codec: EntityCodec, desired: DesiredSwitch, actual: ActualSwitch): UpdateInput[] {
  const present = new Map(actual.entries.map((entry) => [entryIdentity(entry), entry]));
  const wanted = new Map(desired.entries.map((input) => [entryIdentity(codec.normalise(input)), input]));
  // Of the tables in order, the last lets packets in: take away from there first.
  const stale = actual.entries.filter((entry) => !wanted.has(entryIdentity(entry)));
  const rank = (entry: Entry): number => desired.tables.indexOf(entry.table);
  stale.sort((a, b) => rank(b) - rank(a));
  return [
    ...stale.map((entry) => remove({ entryKey: keyOf(entry) })),
    ...groupUpdates(desired.groups, actual.groups),
    ...[...wanted].flatMap(([identity, input]) => entryUpdate(codec, input, present.get(identity))),
  ];
}

function entryUpdate(codec: EntityCodec, input: EntryInput, present: Entry | undefined): UpdateInput[] {
  if (present === undefined) return [insert({ entry: input })];
  return entryCall(present) === entryCall(codec.normalise(input)) ? [] : [modify({ entry: input })];
}

function groupUpdates(desired: readonly MulticastGroup[], actual: readonly MulticastGroup[]): UpdateInput[] {
  const present = new Map(actual.map((group) => [group.group, group]));
  const wanted = new Set(desired.map(({ group }) => group));
  return [
    ...actual.filter(({ group }) => !wanted.has(group)).map(({ group }) => remove({ multicastGroup: { group, replicas: [] } })),
    ...desired.flatMap((group) => {
      const old = present.get(group.group);
      if (old === undefined) return [insert({ multicastGroup: group })];
      return replicaText(old) === replicaText(group) ? [] : [modify({ multicastGroup: group })];
    }),
  ];
}

/** Servers return replicas in an order of their own. */
function replicaText({ replicas }: MulticastGroup): string {
  return replicas
    .map(({ port, instance }) => `${port}/${instance}`)
    .sort()
    .join();
}

function keyOf({ table, match, priority }: Entry): { table: string; match: Record<string, KeyInput>; priority: number } {
  return { table, match: Object.fromEntries(Object.entries(match).map(([name, key]) => [name, keyInput(key)])), priority };
}

function keyInput(key: Key): KeyInput {
  switch (key.kind) {
    case 'exact':
    case 'optional':
      return key.value;
    default:
      return key;
  }
}
