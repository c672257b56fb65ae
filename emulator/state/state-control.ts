import {
  ControlError,
  type ActionCall,
  type CloneSession,
  type Control,
  type CounterValue,
  type Digest,
  type GroupMember,
  type GroupTotals,
  type MatchKey,
  type MeterRate,
  type ProfileReference,
  type ProgramDescription,
  type ReadEntry,
  type Replica,
  type SwitchTableEntry,
  type TableView,
  type WantedDirect,
} from '../control.js';
import type { StoredEntry } from '../tables/entry.js';
import { chooseByName } from '../tables/names.js';
import type { Table } from '../tables/table.js';
import type { CounterArray } from './counters.js';
import { describeProgram } from './describe.js';
import type { MeterArray } from './meters.js';
import { MeterState } from '../externs/meter.js';
import type { ActionProfileState } from './profiles.js';
import type { ProgramState } from './program-state.js';
import type { RegisterArray } from './registers.js';
import { StateTableSnapshot } from './table-snapshot.js';
import { MAX_INSTANCE, MAX_MULTICAST_GROUP } from '../limits.js';

/** simple_switch keeps bit 15 of a session number to itself. */
const LARGEST_SESSION = 0x7fff;
const MAX_PORT_OR_INSTANCE = MAX_INSTANCE;

/** The control interface over the state of the program that is loaded at the time of each call. */
export class StateControl implements Control {
  private readonly digestListeners = new Set<(digest: Digest) => void>();

  /** @param current throws if no program is loaded. @param clock microseconds. */
  constructor(
    private readonly current: () => ProgramState,
    private readonly clock: () => number,
  ) {}

  insertEntry(table: string, entry: SwitchTableEntry): void {
    const target = this.table(table);
    this.checkReference(target, entry);
    target.insert(entry, this.clock());
  }

  modifyEntry(table: string, entry: SwitchTableEntry): void {
    const target = this.table(table);
    this.checkReference(target, entry);
    target.modify(entry, this.clock());
  }

  deleteEntry(table: string, keys: readonly MatchKey[], priority: number): void {
    this.table(table).delete(keys, priority);
  }

  entries(table: string): readonly SwitchTableEntry[] {
    return this.table(table).entries();
  }

  entry(table: string, keys: readonly MatchKey[], priority: number): SwitchTableEntry | undefined {
    const target = this.table(table);
    const stored = target.seek(keys, priority);
    return stored && target.show(stored);
  }

  snapshot(table: string): TableView {
    return new StateTableSnapshot(this.table(table));
  }

  readSnapshot(snapshot: TableView, part: number, wanted: WantedDirect): readonly ReadEntry[] {
    return (snapshot as StateTableSnapshot).read(part, wanted, this.clock());
  }

  releaseEntries(table: string, maxSize: number): void {
    this.table(table).release(maxSize);
  }

  setDefaultAction(table: string, call: ActionCall | undefined): void {
    this.table(table).setDefault(call);
  }

  defaultAction(table: string): ActionCall | undefined {
    const { defaultAction, defaultArgs } = this.table(table);
    return defaultAction === null ? undefined : { action: defaultAction.name, args: defaultArgs };
  }

  readCounter(counter: string, index: number): CounterValue {
    const array = this.counter(counter);
    const i = within(array, index, `counter ${counter}`);
    return { packets: BigInt(array.packets[i]!), bytes: BigInt(array.bytes[i]!) };
  }

  writeCounter(counter: string, index: number, value: CounterValue): void {
    const array = this.counter(counter);
    const i = within(array, index, `counter ${counter}`);
    array.packets[i] = Number(value.packets);
    array.bytes[i] = Number(value.bytes);
  }

  counterSize(counter: string): number {
    return this.counter(counter).size;
  }

  readDirectCounter(table: string, keys: readonly MatchKey[], priority: number): CounterValue {
    const { packets, bytes } = this.countedEntry(table, keys, priority);
    return { packets: BigInt(packets), bytes: BigInt(bytes) };
  }

  writeDirectCounter(table: string, keys: readonly MatchKey[], priority: number, value: CounterValue): void {
    const entry = this.table(table).own(this.countedEntry(table, keys, priority));
    entry.packets = Number(value.packets);
    entry.bytes = Number(value.bytes);
  }

  readRegister(register: string, index: number): bigint {
    const array = this.register(register);
    return array.read(within(array, index, `register ${register}`));
  }

  writeRegister(register: string, index: number, value: bigint): void {
    const array = this.register(register);
    array.write(within(array, index, `register ${register}`), value);
  }

  registerSize(register: string): number {
    return this.register(register).size;
  }

  setMulticastGroup(group: number, replicas: readonly Replica[]): void {
    if (!Number.isInteger(group) || group < 1 || group > MAX_MULTICAST_GROUP) {
      throw new ControlError(
        'INVALID_ARGUMENT',
        `a multicast group is numbered 1 to ${MAX_MULTICAST_GROUP}, not ${group}`,
      );
    }
    this.current().multicastGroups.set(group, checkReplicas(replicas));
  }

  deleteMulticastGroup(group: number): void {
    if (!this.current().multicastGroups.delete(group))
      throw new ControlError('NOT_FOUND', `there is no multicast group ${group}`);
  }

  multicastGroups(): ReadonlyMap<number, readonly Replica[]> {
    return this.current().multicastGroups;
  }

  setCloneSession(session: number, replicas: readonly Replica[], truncateBytes: number): void {
    if (!Number.isInteger(session) || session < 0 || session > LARGEST_SESSION) {
      throw new ControlError('INVALID_ARGUMENT', `a clone session is numbered 0 to ${LARGEST_SESSION}, not ${session}`);
    }
    if (!Number.isInteger(truncateBytes) || truncateBytes < 0) {
      throw new ControlError(
        'INVALID_ARGUMENT',
        `the truncated length of clones is a number of bytes, or 0 for no truncation, not ${truncateBytes}`,
      );
    }
    this.current().cloneSessions.set(session, { replicas: checkReplicas(replicas), truncateBytes });
  }

  deleteCloneSession(session: number): void {
    if (!this.current().cloneSessions.delete(session))
      throw new ControlError('NOT_FOUND', `there is no clone session ${session}`);
  }

  cloneSessions(): ReadonlyMap<number, CloneSession> {
    return this.current().cloneSessions;
  }

  setMeter(meter: string, index: number, rates: readonly MeterRate[] | undefined): void {
    const array = this.meter(meter);
    array.at(within(array, index, `meter ${meter}`)).configure(checkRates(array, rates));
  }

  readMeter(meter: string, index: number): readonly MeterRate[] | undefined {
    const array = this.meter(meter);
    return array.at(within(array, index, `meter ${meter}`)).rates;
  }

  meterSize(meter: string): number {
    return this.meter(meter).size;
  }

  setDirectMeter(
    table: string,
    keys: readonly MatchKey[],
    priority: number,
    rates: readonly MeterRate[] | undefined,
  ): void {
    const { entry: before, meter } = this.meteredEntry(table, keys, priority);
    const entry = this.table(table).own(before);
    entry.meter ??= new MeterState(this.clock());
    entry.meter.configure(checkRates(meter, rates));
  }

  readDirectMeter(table: string, keys: readonly MatchKey[], priority: number): readonly MeterRate[] | undefined {
    return this.meteredEntry(table, keys, priority).entry.meter?.rates;
  }

  insertMember(profile: string, member: number, call: ActionCall, copies?: number): void {
    this.profile(profile).insertMember(member, call, copies);
  }
  modifyMember(profile: string, member: number, call: ActionCall): void {
    this.profile(profile).modifyMember(member, call);
  }
  deleteMember(profile: string, member: number): void {
    this.profile(profile).deleteMember(member);
  }
  members(profile: string): ReadonlyMap<number, ActionCall> {
    return this.profile(profile).members();
  }
  setGroup(profile: string, group: number, members: readonly GroupMember[]): void {
    this.profile(profile).setGroup(group, members);
  }
  deleteGroup(profile: string, group: number): void {
    this.profile(profile).deleteGroup(group);
  }
  groups(profile: string): ReadonlyMap<number, readonly GroupMember[]> {
    return this.profile(profile).groups();
  }
  groupTotals(profile: string): GroupTotals {
    return this.profile(profile).groupTotals();
  }
  isReferenced(profile: string, reference: ProfileReference): boolean {
    return this.profile(profile).isReferenced(reference);
  }

  setValueSet(name: string, values: readonly bigint[]): void {
    const state = this.current();
    const set = chooseByName('parser value set', name, state.program.valueSets);
    for (const value of values) {
      if (value < 0n || value >> BigInt(set.width) !== 0n) {
        throw new ControlError(
          'INVALID_ARGUMENT',
          `${value} does not fit the ${set.width} bit(s) of value set ${name}`,
        );
      }
    }
    state.valueSets[set.index] = [...values];
  }

  valueSet(name: string): readonly bigint[] {
    const state = this.current();
    return state.valueSets[chooseByName('parser value set', name, state.program.valueSets).index]!;
  }

  onDigest(listener: (digest: Digest) => void): () => void {
    this.digestListeners.add(listener);
    return () => this.digestListeners.delete(listener);
  }

  /** Called by the switch for each sample. */
  publishDigest(digest: Digest): void {
    for (const listener of this.digestListeners) listener(digest);
  }

  idleEntries(table: string): readonly SwitchTableEntry[] {
    const target = this.table(table);
    const now = this.clock();
    const idle: SwitchTableEntry[] = [];
    for (const entry of target.stored())
      if (entry.idleTimeoutMs > 0 && now - entry.lastHit >= entry.idleTimeoutMs * 1000) idle.push(target.show(entry));
    return idle;
  }

  sinceLastHit(table: string, keys: readonly MatchKey[], priority: number): number {
    const target = this.table(table);
    if (!target.def.supportsTimeout)
      throw new ControlError('INVALID_ARGUMENT', `table ${table} has no idle timeouts, so hits are not timed`);
    return this.clock() - target.find(keys, priority).lastHit;
  }

  describe(): ProgramDescription {
    return describeProgram(this.current());
  }

  private table(name: string): Table {
    const state = this.current();
    return state.tables[chooseByName('table', name, state.program.tables).index]!;
  }

  private counter(name: string): CounterArray {
    const state = this.current();
    return state.counters[chooseByName('counter', name, state.program.counters).index]!;
  }

  private register(name: string): RegisterArray {
    const state = this.current();
    return state.registers[chooseByName('register', name, state.program.registers).index]!;
  }

  private meter(name: string): MeterArray {
    const state = this.current();
    const indirect = state.program.meters.filter((meter) => meter.directTarget === undefined);
    return state.meters[chooseByName('meter', name, indirect).index]!;
  }

  private profile(name: string): ActionProfileState {
    const state = this.current();
    return state.profiles[chooseByName('action profile', name, state.program.profiles).index]!;
  }

  private checkReference(table: Table, { reference }: SwitchTableEntry): void {
    if (reference !== undefined && table.def.profile !== undefined)
      this.profile(table.def.profile.name).check(reference);
  }

  private countedEntry(table: string, keys: readonly MatchKey[], priority: number): StoredEntry {
    const target = this.table(table);
    if (!target.def.withCounters) throw new ControlError('INVALID_ARGUMENT', `table ${table} has no direct counter`);
    return target.find(keys, priority);
  }

  private meteredEntry(
    table: string,
    keys: readonly MatchKey[],
    priority: number,
  ): { entry: StoredEntry; meter: MeterArray } {
    const target = this.table(table);
    const { directMeter } = target.def;
    if (directMeter === undefined) throw new ControlError('INVALID_ARGUMENT', `table ${table} has no direct meter`);
    return { entry: target.find(keys, priority), meter: this.current().meters[directMeter.index]! };
  }
}

function within(array: { readonly size: number }, index: number, object: string): number {
  if (Number.isInteger(index) && index >= 0 && index < array.size) return index;
  throw new ControlError('INVALID_ARGUMENT', `${object} has the indices 0 to ${array.size - 1}, not ${index}`);
}

function checkReplicas(replicas: readonly Replica[]): readonly Replica[] {
  for (const { egressPort, instance } of replicas) {
    for (const [what, value] of [
      ['port', egressPort],
      ['instance', instance],
    ] as const) {
      if (!Number.isInteger(value) || value < 0 || value > MAX_PORT_OR_INSTANCE) {
        throw new ControlError(
          'INVALID_ARGUMENT',
          `the ${what} of a replica is a number from 0 to ${MAX_PORT_OR_INSTANCE}, not ${value}`,
        );
      }
    }
  }
  return replicas.map(({ egressPort, instance }) => ({ egressPort, instance }));
}

function checkRates(meter: MeterArray, rates: readonly MeterRate[] | undefined): readonly MeterRate[] | undefined {
  if (rates === undefined) return undefined;
  const { name, rateCount } = meter.def;
  if (rates.length !== rateCount)
    throw new ControlError('INVALID_ARGUMENT', `meter ${name} has ${rateCount} rate(s), but ${rates.length} are given`);
  rates.forEach(({ perSecond }, i) => {
    if (i > 0 && rates[i - 1]!.perSecond > perSecond)
      throw new ControlError(
        'INVALID_ARGUMENT',
        `the rates of meter ${name} must not decrease: the committed rate comes first`,
      );
  });
  return rates.map((rate) => ({ ...rate }));
}
