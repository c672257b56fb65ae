/**
 * Brings a switch to the stored state: reads its contents, compares, writes the difference. Safe to
 * stop at any point and to run again: it assumes nothing about what an earlier run did.
 */
import type { P4RuntimeClient } from '../p4runtime/client.js';
import { entryCall, entryIdentity, type EntityCodec } from '../p4runtime/entity-codec.js';
import {
  insert,
  modify,
  remove,
  type Entry,
  type EntryInput,
  type Key,
  type KeyInput,
  type MulticastGroup,
  type UpdateInput,
} from '../p4runtime/entries.js';
import type { DesiredSwitch } from './desired.js';
import { Table } from './tables.js';

/** The current contents of a switch, as far as the controller owns them. */
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
 * The updates that lead from `actual` to `desired`, in stages. Within a Write an update that fails does not
 * stop the others, and a server may reorder them (P4Runtime specification, "Batching and Ordering of
 * Updates"); so each stage is a separate Write, and begins when all of the one before has succeeded.
 *
 * A crash between any two causes nothing worse than dropped packets. Members are removed first and added last,
 * so no contribution is accepted while results cannot be delivered; above all not while the path to a parent
 * switch is missing, since a switch without it multicasts the sum of its own members as the result. For the
 * same reason groups are removed before that path: a packet that was accepted earlier and finds the path gone is
 * multicast to no member.
 */
export function difference(codec: EntityCodec, desired: DesiredSwitch, actual: ActualSwitch): UpdateInput[][] {
  const present = new Map(actual.entries.map((entry) => [entryIdentity(entry), entry]));
  const wanted = new Map(desired.entries.map((input) => [entryIdentity(codec.normalise(input)), input]));
  const stale = actual.entries
    .filter((entry) => !wanted.has(entryIdentity(entry)))
    .map((entry) => ({ table: entry.table, update: remove({ entryKey: keyOf(entry) }) }));
  const missing = [...wanted].flatMap(([identity, input]) =>
    entryUpdate(codec, input, present.get(identity)).map((update) => ({ table: input.table, update })),
  );
  const groups = groupUpdates(desired.groups, actual.groups);
  const of = (updates: readonly { table: string; update: UpdateInput }[], members: boolean): UpdateInput[] =>
    updates.filter(({ table }) => (table === Table.member) === members).map(({ update }) => update);
  const stages = [
    of(stale, true),
    groups.stale,
    of(stale, false),
    [...groups.missing, ...of(missing, false)],
    of(missing, true),
  ];
  return stages.filter((stage) => stage.length > 0);
}

function entryUpdate(codec: EntityCodec, input: EntryInput, present: Entry | undefined): UpdateInput[] {
  if (present === undefined) return [insert({ entry: input })];
  return entryCall(present) === entryCall(codec.normalise(input)) ? [] : [modify({ entry: input })];
}

function groupUpdates(
  desired: readonly MulticastGroup[],
  actual: readonly MulticastGroup[],
): { stale: UpdateInput[]; missing: UpdateInput[] } {
  const present = new Map(actual.map((group) => [group.group, group]));
  const wanted = new Set(desired.map(({ group }) => group));
  return {
    stale: actual
      .filter(({ group }) => !wanted.has(group))
      .map(({ group }) => remove({ multicastGroup: { group, replicas: [] } })),
    missing: desired.flatMap((group) => {
      const old = present.get(group.group);
      if (old === undefined) return [insert({ multicastGroup: group })];
      return replicaText(old) === replicaText(group) ? [] : [modify({ multicastGroup: group })];
    }),
  };
}

/** Servers return replicas in any order. */
function replicaText({ replicas }: MulticastGroup): string {
  return replicas
    .map(({ port, instance }) => `${port}/${instance}`)
    .sort()
    .join();
}

function keyOf({ table, match, priority }: Entry): {
  table: string;
  match: Record<string, KeyInput>;
  priority: number;
} {
  return {
    table,
    match: Object.fromEntries(Object.entries(match).map(([name, key]) => [name, keyInput(key)])),
    priority,
  };
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
