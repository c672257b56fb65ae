/**
 * Actions of indirect tables: references to members and groups, and one-shots (P4Runtime 1.4, section "One Shot
 * Action Selector Programming"), which the switch receives as a group and members with ids that clients never see.
 */
import type { Action, ActionProfileAction, ActionProfileInfo, TableAction, TableInfo } from '../../p4runtime/index.js';
import type { GroupMember, ProfileReference } from '../control.js';
import { fromCall, toCall } from './action.js';
import { canonicalWatch, checkRoom, checkWeighted, sizeOf } from './group-size.js';
import { FIRST_HIDDEN_ID, type EntryNotes, type ForwardingPipeline } from './pipeline.js';
import { invalid, notFound } from './rpc-error.js';
import type { Transaction } from './transaction.js';

type OneShot = NonNullable<EntryNotes['oneShot']>;

/** Of one action, how many copies its one-shot keeps adjacent; further ones may follow those of other actions. */
const MAX_MEMBER_COPIES = 4_096;

function profileOf(pipeline: ForwardingPipeline, table: TableInfo): ActionProfileInfo {
  return pipeline.index.actionProfiles.byId(table.actionProfileId!);
}

/** Whether the profile serves one-shots, and so must not be programmed by members and groups. */
export function usesOneShots(pipeline: ForwardingPipeline, profile: ActionProfileInfo): boolean {
  return pipeline.oneShots.has(profile.name);
}

/** @throws RpcError NOT_FOUND if it does not exist, INVALID_ARGUMENT if the table cannot have it */
export function toReference(pipeline: ForwardingPipeline, table: TableInfo, action: TableAction): ProfileReference {
  const profile = profileOf(pipeline, table);
  const { actionProfileMemberId: member, actionProfileGroupId: group } = action;
  if (usesOneShots(pipeline, profile)) throw invalid(`Action profile ${profile.name} is programmed by one-shots.`);
  if (member !== undefined) {
    if (!pipeline.control.members(profile.name).has(member)) {
      throw notFound(`Member ${member} of ${profile.name} does not exist.`);
    }
    return { kind: 'member', id: member };
  }
  if (group === undefined) {
    throw invalid(
      `Entries of table ${table.name} must point at a member or group of ${profile.name}, not at an action.`,
    );
  }
  if (!profile.withSelector) throw invalid(`Action profile ${profile.name} has no selector, so it has no groups.`);
  if (!pipeline.control.groups(profile.name).has(group)) {
    throw notFound(`Group ${group} of ${profile.name} does not exist.`);
  }
  return { kind: 'group', id: group };
}

/** @param by how many one-shots the profile has more or fewer */
function countOneShot(pipeline: ForwardingPipeline, tx: Transaction, name: string, by: 1 | -1): void {
  const count = (pipeline.oneShots.get(name) ?? 0) + by;
  tx.note(pipeline.oneShots, name, count === 0 ? undefined : count);
}

export function createOneShot(
  pipeline: ForwardingPipeline,
  tx: Transaction,
  table: TableInfo,
  action: TableAction,
): OneShot {
  const profile = profileOf(pipeline, table);
  const { name } = profile;
  if (!profile.withSelector) throw invalid(`Action profile ${name} has no selector, so it has no one-shots.`);
  // Members are all of clients or all of one-shots.
  const [member] = pipeline.control.members(name).keys();
  if (member !== undefined && member < FIRST_HIDDEN_ID) {
    throw invalid(`Action profile ${name} is programmed by members and groups, so one-shots are refused.`);
  }
  const actions = action.actionProfileActionSet!.actionProfileActions;
  for (const each of actions) {
    if (!each.action) throw invalid('An action of a one-shot is missing.');
    checkWeighted(profile, each, 'A one-shot');
  }
  const size = sizeOf(profile, actions);
  if (profile.maxGroupSize > 0 && size > profile.maxGroupSize) {
    throw invalid(`The size of the one-shot is ${size}, over ${profile.maxGroupSize}.`);
  }
  const group = pipeline.nextHiddenId++;
  checkRoom(pipeline, profile, group, size);
  const members: GroupMember[] = [];
  // Values read back must be canonical bytestrings, which a client need not write (section "Bytestrings").
  const canonical: ActionProfileAction[] = [];
  for (const each of actions) {
    const call = toCall(table.actions, each.action!, 'DEFAULT_ONLY');
    const member = pipeline.nextHiddenId++;
    tx.insertMember(name, member, call, Math.min(each.weight, MAX_MEMBER_COPIES));
    members.push({ member, weight: each.weight });
    canonical.push({ ...each, ...canonicalWatch(each), action: fromCall(pipeline.index.actions, call) as Action });
  }
  tx.setGroup(name, group, members);
  countOneShot(pipeline, tx, name, 1);
  return {
    action: { ...action, actionProfileActionSet: { actionProfileActions: canonical } },
    group,
    members: members.map(({ member }) => member),
  };
}

/** Its entry may still point at the group, which then selects nothing. */
export function emptyOneShot(pipeline: ForwardingPipeline, tx: Transaction, table: TableInfo, oneShot: OneShot): void {
  const { name } = profileOf(pipeline, table);
  tx.setGroup(name, oneShot.group, []);
  // Last first: undoing this inserts them in their original order, which is their order within the group.
  for (const each of [...oneShot.members].reverse()) tx.deleteMember(name, each);
}

/** Once no entry points at its group. */
export function removeOneShot(pipeline: ForwardingPipeline, tx: Transaction, table: TableInfo, oneShot: OneShot): void {
  const { name } = profileOf(pipeline, table);
  tx.setGroup(name, oneShot.group, undefined);
  countOneShot(pipeline, tx, name, -1);
}
