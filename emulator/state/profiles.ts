import {
  ControlError,
  type ActionCall,
  type GroupMember,
  type GroupTotals,
  type ProfileReference,
} from '../control.js';
import type { ActionDef, ActionProfileDef } from '../json/program.js';
import { LowestFree } from '../tables/lowest-free.js';
import { bindCall } from '../tables/table.js';

interface Member {
  /**
   * Handles of its copies in BMv2, which determine the order within a group: there is one copy, and more while a group
   * gives the member a larger weight; groups share them.
   */
  readonly handles: number[];
  action: ActionDef;
  args: readonly bigint[];
  /** Its weight in each group that it is in. */
  readonly weights: Map<number, number>;
}

export interface ProfileSnapshot {
  readonly members: readonly {
    readonly id: number;
    readonly handles: readonly number[];
    readonly action: number;
    readonly args: readonly bigint[];
  }[];
  readonly groups: ReadonlyMap<number, readonly GroupMember[]>;
}

/** Of a group. A weight is a number of copies, which take memory. */
const MAX_SLOTS = 65536;

interface Group {
  /** Members in order of their handles, each as often as its weight says. */
  readonly slots: readonly Member[];
}

/** Members and groups of one action profile or selector. */
export class ActionProfileState {
  private readonly memberById = new Map<number, Member>();
  private readonly groupById = new Map<number, Group>();
  /** The same as others see it. */
  private readonly calls = new Map<number, ActionCall>();
  private readonly membersByGroup = new Map<number, readonly GroupMember[]>();
  private totals: GroupTotals = { members: 0, weights: 0 };
  private handles = new LowestFree();

  constructor(
    readonly def: ActionProfileDef,
    /** Actions of the tables that use the profile. */
    private readonly actions: readonly ActionDef[],
    private readonly isUsed: (reference: ProfileReference) => boolean,
  ) {}

  /** @param copies that it gets immediately, adjacent to each other: those of a one-shot with this weight. */
  insertMember(id: number, call: ActionCall, copies = 1): void {
    if (this.memberById.has(id))
      throw new ControlError('ALREADY_EXISTS', `action profile ${this.def.name} already has member ${id}`);
    if (this.memberById.size >= this.def.size) {
      throw new ControlError(
        'RESOURCE_EXHAUSTED',
        `action profile ${this.def.name} is full: it holds ${this.def.size} members`,
      );
    }
    const bound = bindCall(this.def.name, this.actions, call);
    const handles = Array.from({ length: copies }, () => this.handles.take());
    this.addMember(id, { handles, ...bound, weights: new Map() });
  }

  private addMember(id: number, member: Member): void {
    this.memberById.set(id, member);
    this.calls.set(id, { action: member.action.name, args: member.args });
  }

  modifyMember(id: number, call: ActionCall): void {
    const { action, args } = Object.assign(this.member(id), bindCall(this.def.name, this.actions, call));
    this.calls.set(id, { action: action.name, args });
  }

  deleteMember(id: number): void {
    const { handles, weights } = this.member(id);
    const [group] = weights.keys();
    if (group !== undefined)
      throw new ControlError(
        'FAILED_PRECONDITION',
        `member ${id} of action profile ${this.def.name} is in group ${group}`,
      );
    if (this.isUsed({ kind: 'member', id }))
      throw new ControlError(
        'FAILED_PRECONDITION',
        `member ${id} of action profile ${this.def.name} is used by a table entry`,
      );
    this.memberById.delete(id);
    this.calls.delete(id);
    for (const handle of handles) this.handles.free(handle);
  }

  /** Changes with the profile. */
  members(): ReadonlyMap<number, ActionCall> {
    return this.calls;
  }

  groupTotals(): GroupTotals {
    return this.totals;
  }

  isReferenced(reference: ProfileReference): boolean {
    const inGroup = reference.kind === 'member' && (this.memberById.get(reference.id)?.weights.size ?? 0) > 0;
    return inGroup || this.isUsed(reference);
  }

  setGroup(id: number, members: readonly GroupMember[]): void {
    if (this.def.selector === undefined)
      throw new ControlError(
        'INVALID_ARGUMENT',
        `action profile ${this.def.name} has no selector, so it has no groups`,
      );
    const total = members.reduce((sum, { weight }) => sum + weight, 0);
    if (total > MAX_SLOTS) {
      throw new ControlError(
        'RESOURCE_EXHAUSTED',
        `the weights of a group of ${this.def.name} add up to ${total}; at most ${MAX_SLOTS} are supported`,
      );
    }
    for (const { member, weight } of members) {
      if (!Number.isInteger(weight) || weight < 1)
        throw new ControlError('INVALID_ARGUMENT', `the weight of member ${member} must be at least 1`);
      this.member(member);
    }
    const before = this.membersByGroup.get(id) ?? [];
    this.count(id, before, -1);
    this.count(id, members, 1);
    this.groupById.set(id, { slots: this.slotsOf(members) });
    this.membersByGroup.set(id, [...members]);
    this.dropCopies(before);
  }

  /** Enters a group into what is known of its members and of all groups, or takes it out. */
  private count(group: number, members: readonly GroupMember[], sign: 1 | -1): void {
    for (const { member, weight } of members) {
      const { weights } = this.member(member);
      if (sign > 0) weights.set(group, weight);
      else weights.delete(group);
      this.totals = { members: this.totals.members + sign, weights: this.totals.weights + sign * weight };
    }
  }

  /** Makes copies that are missing, in the order of the members' ids, as PI does (action_prof_mgr.cpp). */
  private slotsOf(members: readonly GroupMember[]): Member[] {
    const ordered = [...members]
      .sort((a, b) => a.member - b.member)
      .map(({ member, weight }) => ({ member: this.member(member), weight }));
    const copies = ordered.flatMap(({ member, weight }) => {
      while (member.handles.length < weight) member.handles.push(this.handles.take());
      return member.handles.slice(0, weight).map((handle) => ({ handle, member }));
    });
    return copies.sort((a, b) => a.handle - b.handle).map(({ member }) => member);
  }

  /** Frees copies that no group's weight needs any more. */
  private dropCopies(members: readonly GroupMember[]): void {
    for (const { member: id } of members) {
      const { handles, weights } = this.member(id);
      if (handles.length === 1) continue;
      const most = Math.max(1, ...weights.values());
      while (handles.length > most) this.handles.free(handles.pop()!);
    }
  }

  deleteGroup(id: number): void {
    this.group(id);
    if (this.isUsed({ kind: 'group', id }))
      throw new ControlError(
        'FAILED_PRECONDITION',
        `group ${id} of action profile ${this.def.name} is used by a table entry`,
      );
    const members = this.membersByGroup.get(id)!;
    this.count(id, members, -1);
    this.groupById.delete(id);
    this.membersByGroup.delete(id);
    this.dropCopies(members);
  }

  /** Changes with the profile. */
  groups(): ReadonlyMap<number, readonly GroupMember[]> {
    return this.membersByGroup;
  }

  /** @throws ControlError NOT_FOUND if the reference points at nothing. */
  check(reference: ProfileReference): void {
    if (reference.kind === 'member') this.member(reference.id);
    else this.group(reference.id);
  }

  /** What a packet with this hash runs; undefined for an empty group. `hash` is only called for a group. */
  choose(reference: ProfileReference, hash: () => bigint): Member | undefined {
    if (reference.kind === 'member') return this.memberById.get(reference.id);
    const slots = this.groupById.get(reference.id)?.slots ?? [];
    return slots.length === 0 ? undefined : slots[Number(hash() % BigInt(slots.length))];
  }

  save(): ProfileSnapshot {
    const members = [...this.memberById].map(([id, { handles, action, args }]) => ({
      id,
      handles: [...handles],
      action: action.index,
      args,
    }));
    return { members, groups: new Map(this.membersByGroup) };
  }

  restore({ members, groups }: ProfileSnapshot): void {
    this.groupById.clear();
    this.membersByGroup.clear();
    this.memberById.clear();
    this.calls.clear();
    this.totals = { members: 0, weights: 0 };
    this.handles = LowestFree.besides(members.flatMap(({ handles }) => handles));
    for (const { id, handles, action, args } of members) {
      const def = this.actions.find(({ index }) => index === action)!;
      this.addMember(id, { handles: [...handles], action: def, args, weights: new Map() });
    }
    for (const [id, group] of groups) this.setGroup(id, group);
  }

  private member(id: number): Member {
    const member = this.memberById.get(id);
    if (member === undefined)
      throw new ControlError('NOT_FOUND', `action profile ${this.def.name} has no member ${id}`);
    return member;
  }

  private group(id: number): Group {
    const group = this.groupById.get(id);
    if (group === undefined) throw new ControlError('NOT_FOUND', `action profile ${this.def.name} has no group ${id}`);
    return group;
  }
}
