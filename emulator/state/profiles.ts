import { ControlError, type ActionCall, type GroupMember, type ProfileReference } from '../control.js';
import type { ActionDef, ActionProfileDef } from '../json/program.js';
import { bindCall } from '../tables/table.js';

interface Member {
  /**
   * Handles of its copies in BMv2, which determine the order within a group: there is one copy, and more while a group
   * gives the member a larger weight; groups share them.
   */
  readonly handles: number[];
  action: ActionDef;
  args: readonly bigint[];
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
  readonly members: readonly GroupMember[];
  /** Members in order of their handles, each as often as its weight says. */
  readonly slots: readonly Member[];
}

/** Numbers in use; the lowest free one is taken, as in BMv2 (handle_mgr.h). */
class Handles {
  private readonly used: boolean[] = [];
  /** No lower one is free. */
  private lowest = 0;

  take(): number {
    while (this.used[this.lowest]) this.lowest++;
    this.used[this.lowest] = true;
    return this.lowest++;
  }

  mark(handle: number): void {
    this.used[handle] = true;
  }

  free(handle: number): void {
    this.used[handle] = false;
    this.lowest = Math.min(this.lowest, handle);
  }
}

/** Members and groups of one action profile or selector. */
export class ActionProfileState {
  private readonly memberById = new Map<number, Member>();
  private readonly groupById = new Map<number, Group>();
  private handles = new Handles();

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
    this.memberById.set(id, { handles: Array.from({ length: copies }, () => this.handles.take()), ...bound });
  }

  modifyMember(id: number, call: ActionCall): void {
    Object.assign(this.member(id), bindCall(this.def.name, this.actions, call));
  }

  deleteMember(id: number): void {
    const { handles } = this.member(id);
    const inGroup = [...this.groupById].find(([, group]) => group.members.some((m) => m.member === id));
    if (inGroup !== undefined)
      throw new ControlError(
        'FAILED_PRECONDITION',
        `member ${id} of action profile ${this.def.name} is in group ${inGroup[0]}`,
      );
    if (this.isUsed({ kind: 'member', id }))
      throw new ControlError(
        'FAILED_PRECONDITION',
        `member ${id} of action profile ${this.def.name} is used by a table entry`,
      );
    this.memberById.delete(id);
    for (const handle of handles) this.handles.free(handle);
  }

  members(): ReadonlyMap<number, ActionCall> {
    return new Map([...this.memberById].map(([id, { action, args }]) => [id, { action: action.name, args }]));
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
    const before = this.groupById.get(id)?.members ?? [];
    this.groupById.set(id, { members: [...members], slots: this.slotsOf(members) });
    this.dropCopies(before);
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
      const { handles } = this.member(id);
      if (handles.length === 1) continue;
      let most = 1;
      for (const group of this.groupById.values())
        for (const { member, weight } of group.members) if (member === id) most = Math.max(most, weight);
      while (handles.length > most) this.handles.free(handles.pop()!);
    }
  }

  deleteGroup(id: number): void {
    const { members } = this.group(id);
    if (this.isUsed({ kind: 'group', id }))
      throw new ControlError(
        'FAILED_PRECONDITION',
        `group ${id} of action profile ${this.def.name} is used by a table entry`,
      );
    this.groupById.delete(id);
    this.dropCopies(members);
  }

  groups(): ReadonlyMap<number, readonly GroupMember[]> {
    return new Map([...this.groupById].map(([id, { members }]) => [id, members]));
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
    return { members, groups: this.groups() };
  }

  restore({ members, groups }: ProfileSnapshot): void {
    this.groupById.clear();
    this.memberById.clear();
    this.handles = new Handles();
    for (const { id, handles, action, args } of members) {
      for (const handle of handles) this.handles.mark(handle);
      this.memberById.set(id, {
        handles: [...handles],
        action: this.actions.find(({ index }) => index === action)!,
        args,
      });
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
