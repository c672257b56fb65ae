/** Members and groups of action profiles (P4Runtime 1.4, section "ActionProfileMember & ActionProfileGroup"). */
import {
  Code,
  type ActionProfileGroup,
  type ActionProfileInfo,
  type ActionProfileMember,
  type Entity,
  type Init,
  type NameIndex,
  type TableActionInfo,
  type UpdateType,
} from '../../p4runtime/index.js';
import type { ActionCall, GroupMember } from '../control.js';
import { fromCall, toCall } from './action.js';
import { canonicalWatch, checkRoom, checkWeighted, sizeOf } from './group-size.js';
import { usesOneShots } from './one-shot.js';
import { FIRST_HIDDEN_ID, type ForwardingPipeline, type GroupNotes } from './pipeline.js';
import { exists, invalid, notFound, precondition, RpcError } from './rpc-error.js';
import type { Transaction } from './transaction.js';

/** All tables of a profile have the same actions. */
function actionsOf(pipeline: ForwardingPipeline, profile: ActionProfileInfo): NameIndex<TableActionInfo> {
  const [tableId] = profile.tableIds;
  if (tableId === undefined) throw precondition(`No table uses action profile ${profile.name}.`);
  return pipeline.index.tables.byId(tableId).actions;
}

function checkId(id: number, what: string): void {
  if (id === 0) throw invalid(`A ${what} id must be 1 to ${FIRST_HIDDEN_ID - 1}, not 0.`);
}

export function writeMember(
  pipeline: ForwardingPipeline,
  tx: Transaction,
  type: UpdateType,
  entry: ActionProfileMember,
): void {
  const profile = pipeline.index.actionProfiles.byId(entry.actionProfileId);
  const { memberId } = entry;
  checkId(memberId, 'member');
  if (usesOneShots(pipeline, profile)) throw invalid(`Action profile ${profile.name} is programmed by one-shots.`);
  const members = pipeline.control.members(profile.name);
  const what = `Member ${memberId} of ${profile.name}`;
  if (type === 'UNSPECIFIED') throw invalid('The update has no type.');
  if (type === 'INSERT' && members.has(memberId)) throw exists(`${what} exists already.`);
  if (type !== 'INSERT' && !members.has(memberId)) throw notFound(`${what} does not exist.`);
  if (type === 'DELETE') {
    if (pipeline.control.isReferenced(profile.name, { kind: 'member', id: memberId }))
      throw precondition(`${what} is in use.`);
    tx.deleteMember(profile.name, memberId);
    return;
  }
  if (!entry.action) throw invalid('A member needs an action.');
  const call = toCall(actionsOf(pipeline, profile), entry.action, 'DEFAULT_ONLY');
  if (type === 'MODIFY') {
    tx.modifyMember(profile.name, memberId, call);
    return;
  }
  if (profile.size > 0 && members.size >= profile.size) {
    throw new RpcError(Code.RESOURCE_EXHAUSTED, `${profile.name} is full with ${profile.size} members.`);
  }
  tx.insertMember(profile.name, memberId, call);
}

/** Of each profile that a read names, what is there now of the one with this id, or of all. */
function chosen<T>(
  pipeline: ForwardingPipeline,
  profileId: number,
  id: number,
  what: (profile: ActionProfileInfo) => ReadonlyMap<number, T>,
): { profile: ActionProfileInfo; items: [number, T][] }[] {
  const { actionProfiles } = pipeline.index;
  return (profileId === 0 ? actionProfiles.items : [actionProfiles.byId(profileId)]).map((profile) => {
    const all = what(profile);
    const one = all.get(id);
    return { profile, items: id === 0 ? [...all] : one === undefined ? [] : [[id, one]] };
  });
}

export function readMembers(pipeline: ForwardingPipeline, request: ActionProfileMember): Iterable<Init<Entity>> {
  const { actionProfileId, memberId } = request;
  if (actionProfileId === 0 && memberId !== 0) throw invalid('A member_id needs an action_profile_id.');
  return members(
    pipeline,
    chosen(pipeline, actionProfileId, memberId, ({ name }) => pipeline.control.members(name)),
  );
}

function* members(
  { index: { actions } }: ForwardingPipeline,
  found: ReturnType<typeof chosen<ActionCall>>,
): Generator<Init<Entity>> {
  for (const { profile, items } of found) {
    for (const [memberId, call] of items) {
      if (memberId >= FIRST_HIDDEN_ID) continue;
      yield { actionProfileMember: { actionProfileId: profile.id, memberId, action: fromCall(actions, call) } };
    }
  }
}

function groupKey(profile: ActionProfileInfo, group: number): string {
  return `${profile.name} ${group}`;
}

/** @throws RpcError if a member is unknown, listed twice or has no weight, or the size exceeds the profile's limit */
function toGroupMembers(
  pipeline: ForwardingPipeline,
  profile: ActionProfileInfo,
  entry: ActionProfileGroup,
): GroupMember[] {
  const known = pipeline.control.members(profile.name);
  const seen = new Set<number>();
  const members = entry.members.map((each) => {
    const { memberId, weight } = each;
    if (!known.has(memberId)) throw notFound(`Member ${memberId} of ${profile.name} does not exist.`);
    if (seen.has(memberId)) throw invalid(`Member ${memberId} is given twice; use a weight instead.`);
    checkWeighted(profile, each, `Member ${memberId}`);
    seen.add(memberId);
    return { member: memberId, weight };
  });
  const size = sizeOf(profile, members);
  const limit = entry.maxSize || profile.maxGroupSize;
  if (limit > 0 && size > limit) {
    throw new RpcError(
      Code.RESOURCE_EXHAUSTED,
      `The size of group ${entry.groupId} is ${size} ${profile.sizeUnit}, over ${limit}.`,
    );
  }
  checkRoom(pipeline, profile, entry.groupId, size);
  return members;
}

function checkMaxSize(profile: ActionProfileInfo, maxSize: number): void {
  const { maxGroupSize } = profile;
  if (maxSize < 0 || (maxGroupSize > 0 && (maxSize === 0 || maxSize > maxGroupSize))) {
    throw invalid(`max_size is ${maxSize}; valid: ${maxGroupSize > 0 ? `1 to ${maxGroupSize}` : '0 or more'}.`);
  }
}

export function writeGroup(
  pipeline: ForwardingPipeline,
  tx: Transaction,
  type: UpdateType,
  entry: ActionProfileGroup,
): void {
  const profile = pipeline.index.actionProfiles.byId(entry.actionProfileId);
  const { groupId, maxSize } = entry;
  checkId(groupId, 'group');
  if (!profile.withSelector) throw invalid(`Action profile ${profile.name} has no selector, so it has no groups.`);
  if (usesOneShots(pipeline, profile)) throw invalid(`Action profile ${profile.name} is programmed by one-shots.`);
  const present = pipeline.control.groups(profile.name).has(groupId);
  const what = `Group ${groupId} of ${profile.name}`;
  if (type === 'UNSPECIFIED') throw invalid('The update has no type.');
  if (type === 'INSERT' && present) throw exists(`${what} exists already.`);
  if (type !== 'INSERT' && !present) throw notFound(`${what} does not exist.`);
  const key = groupKey(profile, groupId);
  if (type === 'DELETE') {
    if (pipeline.control.isReferenced(profile.name, { kind: 'group', id: groupId }))
      throw precondition(`${what} is in use.`);
    tx.setGroup(profile.name, groupId, undefined);
    tx.note(pipeline.groupNotes, key, undefined);
    return;
  }
  checkMaxSize(profile, maxSize);
  const noted = pipeline.groupNotes.get(key);
  if (type === 'MODIFY' && noted && noted.maxSize !== maxSize) {
    throw invalid(`max_size of group ${groupId} is ${noted.maxSize} and cannot change to ${maxSize}.`);
  }
  tx.setGroup(profile.name, groupId, toGroupMembers(pipeline, profile, entry));
  const watch = new Map(
    entry.members
      .filter((member) => member.watch !== undefined || member.watchPort)
      .map((member) => [
        member.memberId,
        { ...(member.watch !== undefined && { watch: member.watch }), ...canonicalWatch(member) },
      ]),
  );
  tx.note(pipeline.groupNotes, key, { maxSize, watch });
}

export function readGroups(pipeline: ForwardingPipeline, request: ActionProfileGroup): Iterable<Init<Entity>> {
  const { actionProfileId, groupId } = request;
  if (actionProfileId === 0 && groupId !== 0) throw invalid('A group_id needs an action_profile_id.');
  const found = chosen(pipeline, actionProfileId, groupId, ({ name, withSelector }) =>
    withSelector ? pipeline.control.groups(name) : new Map<number, readonly GroupMember[]>(),
  );
  // Notes may change while groups are sent.
  const notes = found.map(({ profile, items }) => items.map(([id]) => pipeline.groupNotes.get(groupKey(profile, id))));
  return groups(found, notes);
}

function* groups(
  found: ReturnType<typeof chosen<readonly GroupMember[]>>,
  notes: readonly (readonly (GroupNotes | undefined)[])[],
): Generator<Init<Entity>> {
  for (const [i, { profile, items }] of found.entries()) {
    for (const [j, [groupId, members]] of items.entries()) {
      if (groupId >= FIRST_HIDDEN_ID) continue;
      const noted = notes[i]![j];
      const actionProfileGroup = {
        actionProfileId: profile.id,
        groupId,
        members: members.map(({ member, weight }) => ({ memberId: member, weight, ...noted?.watch.get(member) })),
        maxSize: noted?.maxSize ?? 0,
      };
      yield { actionProfileGroup };
    }
  }
}
