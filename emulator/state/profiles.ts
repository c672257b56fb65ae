import { ControlError, type ActionCall, type GroupMember, type ProfileReference } from '../control.js';
import type { ActionDef, ActionProfileDef } from '../json/program.js';
import { bindCall } from '../tables/table.js';

interface Member {
  /** Order of creation, which is the order in which BMv2 numbers members and so the order within a group. */
  readonly handle: number;
  action: ActionDef;
  args: readonly bigint[];
}

export interface ProfileSnapshot {
  readonly members: readonly { readonly id: number; readonly handle: number; readonly action: number; readonly args: readonly bigint[] }[];
  readonly groups: ReadonlyMap<number, readonly GroupMember[]>;
  readonly nextHandle: number;
}

/** Of a group. A weight is copies, which take memory. */
const MOST_SLOTS = 65536;

interface Group {
  readonly members: readonly GroupMember[];
  /** Members in order of their handles, each as often as its weight says. */
  readonly slots: readonly Member[];
}

/** Members and groups of one action profile or selector. */
export class ActionProfile {
  private readonly memberById = new Map<number, Member>();
  private readonly groupById = new Map<number, Group>();
  private nextHandle = 0;

  constructor(
    readonly def: ActionProfileDef,
    /** Actions of the tables that use the profile. */
    private readonly actions: readonly ActionDef[],
    private readonly isUsed: (reference: ProfileReference) => boolean,
  ) {}

  insertMember(id: number, call: ActionCall): void {
    if (this.memberById.has(id)) throw new ControlError('ALREADY_EXISTS', `action profile ${this.def.name} already has member ${id}`);
    if (this.memberById.size >= this.def.size) {
      throw new ControlError('RESOURCE_EXHAUSTED', `action profile ${this.def.name} is full: it holds ${this.def.size} members`);
    }
    this.memberById.set(id, { handle: this.nextHandle++, ...bindCall(this.def.name, this.actions, call) });
  }

  modifyMember(id: number, call: ActionCall): void {
    Object.assign(this.member(id), bindCall(this.def.name, this.actions, call));
  }

  deleteMember(id: number): void {
    this.member(id);
    const inGroup = [...this.groupById].find(([, group]) => group.members.some((m) => m.member === id));
    if (inGroup !== undefined) throw new ControlError('FAILED_PRECONDITION', `member ${id} of action profile ${this.def.name} is in group ${inGroup[0]}`);
    if (this.isUsed({ kind: 'member', id })) throw new ControlError('FAILED_PRECONDITION', `member ${id} of action profile ${this.def.name} is used by a table entry`);
    this.memberById.delete(id);
  }

  members(): ReadonlyMap<number, ActionCall> {
    return new Map([...this.memberById].map(([id, { action, args }]) => [id, { action: action.name, args }]));
  }

  setGroup(id: number, members: readonly GroupMember[]): void {
    if (this.def.selector === undefined) throw new ControlError('INVALID_ARGUMENT', `action profile ${this.def.name} has no selector, so it has no groups`);
    const total = members.reduce((sum, { weight }) => sum + weight, 0);
    if (total > MOST_SLOTS) {
      throw new ControlError('RESOURCE_EXHAUSTED', `the weights of a group of ${this.def.name} add up to ${total}; at most ${MOST_SLOTS} are kept`);
    }
    const slots = members.flatMap(({ member, weight }) => {
      if (!Number.isInteger(weight) || weight < 1) throw new ControlError('INVALID_ARGUMENT', `the weight of member ${member} must be at least 1`);
      return Array.from({ length: weight }, () => this.member(member));
    });
    slots.sort((a, b) => a.handle - b.handle);
    this.groupById.set(id, { members: [...members], slots });
  }

  deleteGroup(id: number): void {
    this.group(id);
    if (this.isUsed({ kind: 'group', id })) throw new ControlError('FAILED_PRECONDITION', `group ${id} of action profile ${this.def.name} is used by a table entry`);
    this.groupById.delete(id);
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
    const members = [...this.memberById].map(([id, { handle, action, args }]) => ({ id, handle, action: action.index, args }));
    return { members, groups: this.groups(), nextHandle: this.nextHandle };
  }

  restore({ members, groups, nextHandle }: ProfileSnapshot): void {
    this.groupById.clear();
    this.memberById.clear();
    for (const { id, handle, action, args } of members) {
      this.memberById.set(id, { handle, action: this.actions.find(({ index }) => index === action)!, args });
    }
    for (const [id, group] of groups) this.setGroup(id, group);
    this.nextHandle = nextHandle;
  }

  private member(id: number): Member {
    const member = this.memberById.get(id);
    if (member === undefined) throw new ControlError('NOT_FOUND', `action profile ${this.def.name} has no member ${id}`);
    return member;
  }

  private group(id: number): Group {
    const group = this.groupById.get(id);
    if (group === undefined) throw new ControlError('NOT_FOUND', `action profile ${this.def.name} has no group ${id}`);
    return group;
  }
}
