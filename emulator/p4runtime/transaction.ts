/**
 * The changes that an update makes to the switch, each with the function that undoes it. An update that fails half-way
 * leaves nothing behind, and a whole batch can be undone (P4Runtime 1.4, section "Batch Atomicity").
 *
 * A batch that is done as a whole runs while no packet is processed: rolling back is all that DATAPLANE_ATOMIC needs.
 */
import type {
  ActionCall,
  Control,
  CounterValue,
  GroupMember,
  MatchKey,
  MeterRate,
  Replica,
  SwitchTableEntry,
} from '../control.js';

const MANY = 64;

export class Transaction {
  private undo: (() => void)[] = [];

  constructor(private readonly control: Control) {}

  /** A point to which {@link rollback} can return. */
  mark(): number {
    return this.undo.length;
  }

  /** Makes all changes so far final. */
  keep(): void {
    // Popped, because setting the length to 0 gives up the array's memory, which the next update needs again.
    if (this.undo.length > MANY) this.undo = [];
    while (this.undo.length > 0) this.undo.pop();
  }

  rollback(mark: number): void {
    while (this.undo.length > mark) this.undo.pop()!();
  }

  insertEntry(table: string, entry: SwitchTableEntry): void {
    this.control.insertEntry(table, entry);
    this.undo.push(() => this.control.deleteEntry(table, entry.keys, entry.priority));
  }

  modifyEntry(table: string, before: SwitchTableEntry, entry: SwitchTableEntry): void {
    this.control.modifyEntry(table, entry);
    this.undo.push(() => this.control.modifyEntry(table, before));
  }

  /** The counter and meter of an entry are deleted with it, so both are saved for the undo. */
  deleteEntry(table: string, before: SwitchTableEntry, direct: DirectResources): void {
    const { keys, priority } = before;
    const counted = direct.counter ? { ...this.control.readDirectCounter(table, keys, priority) } : undefined;
    const rates = direct.meter ? this.control.readDirectMeter(table, keys, priority) : undefined;
    this.control.deleteEntry(table, keys, priority);
    this.undo.push(() => {
      this.control.insertEntry(table, before);
      if (counted) this.control.writeDirectCounter(table, keys, priority, counted);
      if (rates) this.control.setDirectMeter(table, keys, priority, rates);
    });
  }

  setDefaultAction(table: string, call: ActionCall | undefined): void {
    const before = this.control.defaultAction(table);
    this.control.setDefaultAction(table, call);
    this.undo.push(() => this.control.setDefaultAction(table, before));
  }

  writeCounter(counter: string, index: number, value: CounterValue): void {
    const before = { ...this.control.readCounter(counter, index) };
    this.control.writeCounter(counter, index, value);
    this.undo.push(() => this.control.writeCounter(counter, index, before));
  }

  writeDirectCounter(table: string, keys: readonly MatchKey[], priority: number, value: CounterValue): void {
    const before = { ...this.control.readDirectCounter(table, keys, priority) };
    this.control.writeDirectCounter(table, keys, priority, value);
    this.undo.push(() => this.control.writeDirectCounter(table, keys, priority, before));
  }

  setMeter(meter: string, index: number, rates: readonly MeterRate[] | undefined): void {
    const before = this.control.readMeter(meter, index);
    this.control.setMeter(meter, index, rates);
    this.undo.push(() => this.control.setMeter(meter, index, before));
  }

  setDirectMeter(
    table: string,
    keys: readonly MatchKey[],
    priority: number,
    rates: readonly MeterRate[] | undefined,
  ): void {
    const before = this.control.readDirectMeter(table, keys, priority);
    this.control.setDirectMeter(table, keys, priority, rates);
    this.undo.push(() => this.control.setDirectMeter(table, keys, priority, before));
  }

  writeRegister(register: string, index: number, value: bigint): void {
    const before = this.control.readRegister(register, index);
    this.control.writeRegister(register, index, value);
    this.undo.push(() => this.control.writeRegister(register, index, before));
  }

  /** Undefined deletes. */
  setMulticastGroup(group: number, replicas: readonly Replica[] | undefined): void {
    const set = (value: readonly Replica[] | undefined): void =>
      value ? this.control.setMulticastGroup(group, value) : this.control.deleteMulticastGroup(group);
    const before = this.control.multicastGroups().get(group);
    set(replicas);
    this.undo.push(() => set(before));
  }

  /** Undefined deletes. */
  setCloneSession(session: number, value: { replicas: readonly Replica[]; truncateBytes: number } | undefined): void {
    const set = (each: { replicas: readonly Replica[]; truncateBytes: number } | undefined): void =>
      each
        ? this.control.setCloneSession(session, each.replicas, each.truncateBytes)
        : this.control.deleteCloneSession(session);
    const before = this.control.cloneSessions().get(session);
    set(value);
    this.undo.push(() => set(before));
  }

  insertMember(profile: string, member: number, call: ActionCall, copies?: number): void {
    this.control.insertMember(profile, member, call, copies);
    this.undo.push(() => this.control.deleteMember(profile, member));
  }

  modifyMember(profile: string, member: number, call: ActionCall): void {
    const before = this.control.members(profile).get(member);
    this.control.modifyMember(profile, member, call);
    this.undo.push(() => this.control.modifyMember(profile, member, before!));
  }

  deleteMember(profile: string, member: number): void {
    const before = this.control.members(profile).get(member);
    this.control.deleteMember(profile, member);
    this.undo.push(() => this.control.insertMember(profile, member, before!));
  }

  /** Undefined deletes. */
  setGroup(profile: string, group: number, members: readonly GroupMember[] | undefined): void {
    const set = (value: readonly GroupMember[] | undefined): void =>
      value ? this.control.setGroup(profile, group, value) : this.control.deleteGroup(profile, group);
    const before = this.control.groups(profile).get(group);
    set(members);
    this.undo.push(() => set(before));
  }

  setValueSet(name: string, values: readonly bigint[]): void {
    const before = this.control.valueSet(name);
    this.control.setValueSet(name, values);
    this.undo.push(() => this.control.setValueSet(name, before));
  }

  /** Sets, or with undefined removes, what the server keeps in addition to the switch's state. */
  note<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
    const set = (each: V | undefined): void => {
      if (each === undefined) map.delete(key);
      else map.set(key, each);
    };
    const before = map.get(key);
    set(value);
    this.undo.push(() => set(before));
  }
}

/** Resources that belong to every entry of a table. */
export interface DirectResources {
  readonly counter: boolean;
  readonly meter: boolean;
}
