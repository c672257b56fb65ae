import { NO_CALL, type Control, type MatchKey, type MeterRate, type SwitchTableEntry } from '../../emulator/control.js';
import type { ActionDef, KeyDef, Program, TableDef } from '../../emulator/json/program.js';
import type { Coverage } from './coverage.js';
import type { Dice } from './dice.js';
import type { Dictionary } from './dictionary.js';
import type { Wishes } from './packets.js';

export const PORTS = [0, 1, 2, 3, 510];
/** Cells of each array that the control plane writes, and that are compared during a run. */
export const WATCHED_CELLS = 32;
const KEPT_ENTRIES = 24;
const KEPT_VALUES = 48;
const PROFILE_IDS = 6;

export type Change = (control: Control) => void;

interface Inserted {
  readonly table: TableDef;
  readonly keys: readonly MatchKey[];
}

/** What a control plane might do: entries, groups, sessions, registers, meters, profiles, value sets, including invalid ones. */
export class ChangeMaker {
  private readonly inserted: Inserted[] = [];
  private readonly tables: readonly TableDef[];
  private readonly changeable: readonly TableDef[];

  /** @param pool values that keys, arguments and packets share, so that they match. */
  constructor(
    private readonly program: Program,
    private readonly dictionary: Dictionary,
    private readonly coverage: Coverage,
    private readonly dice: Dice,
    private readonly pool: bigint[],
  ) {
    this.tables = program.tables.filter((table) => table.actions.length > 0);
    this.changeable = this.tables.filter((table) => table.keys.length > 0 && table.entries === undefined);
    for (const table of this.tables) for (const { keys } of table.entries ?? []) this.inserted.push({ table, keys });
  }

  /** Field values that a packet should have to hit some of the entries. */
  wishes(): Wishes {
    const wishes = new Map<ReturnType<Dictionary['originsOf']>[number], bigint>();
    if (this.inserted.length === 0) return wishes;
    for (let n = this.dice.below(4); n > 0; n--) {
      const { table, keys } = this.dice.pick(this.inserted);
      keys.forEach((key, i) => {
        const { ref } = table.keys[i]!;
        if (!('field' in ref)) return;
        const value = this.matching(key, table.keys[i]!.width);
        for (const field of this.dictionary.originsOf(ref.field)) wishes.set(field, value);
      });
    }
    return wishes;
  }

  /** @param existing the current entries of a table. */
  next(existing: (table: string) => readonly SwitchTableEntry[]): Change | undefined {
    const { dice, program } = this;
    switch (dice.below(16)) {
      case 0: {
        const replicas = Array.from({ length: dice.below(4) }, () => ({
          egressPort: dice.pick(PORTS),
          instance: dice.below(5),
        }));
        const group = 1 + dice.below(6);
        return (control) => control.setMulticastGroup(group, replicas);
      }
      case 1: {
        const replicas = Array.from({ length: 1 + dice.below(2) }, () => ({
          egressPort: dice.pick(PORTS),
          instance: dice.below(5),
        }));
        const [session, truncate] = [dice.below(6), dice.pick([0, 0, 10, 60])];
        return dice.oneIn(8)
          ? (control) => control.deleteCloneSession(session)
          : (control) => control.setCloneSession(session, replicas, truncate);
      }
      case 2: {
        const registers = program.registers.filter(({ size }) => size > 0);
        if (registers.length === 0) return undefined;
        const { name, size, width } = dice.pick(registers);
        const [index, value] = [dice.below(Math.min(size, WATCHED_CELLS)), this.value(width)];
        return (control) => control.writeRegister(name, index, value);
      }
      case 3: {
        if (program.valueSets.length === 0) return undefined;
        const { name, width } = dice.pick(program.valueSets);
        const values = Array.from({ length: dice.below(4) }, () => this.value(width));
        return (control) => control.setValueSet(name, values);
      }
      case 4: {
        const meters = program.meters.filter((m) => m.directTarget === undefined && m.size > 0);
        if (meters.length === 0) return undefined;
        const { name, size, rateCount } = dice.pick(meters);
        const [index, rates] = [
          dice.below(Math.min(size, WATCHED_CELLS)),
          dice.oneIn(8) ? undefined : this.rates(rateCount),
        ];
        return (control) => control.setMeter(name, index, rates);
      }
      case 5: {
        const counters = program.counters.filter(({ size }) => size > 0);
        if (counters.length === 0) return undefined;
        const { name, size } = dice.pick(counters);
        const [index, value] = [
          dice.below(Math.min(size, WATCHED_CELLS)),
          { packets: BigInt(dice.word()), bytes: BigInt(dice.word()) },
        ];
        return (control) => control.writeCounter(name, index, value);
      }
      case 6:
      case 7:
        return this.changeProfile();
      default:
        return this.changeTable(existing);
    }
  }

  private changeProfile(): Change | undefined {
    const { dice, program } = this;
    if (program.profiles.length === 0) return undefined;
    const profile = dice.pick(program.profiles);
    const { name } = profile;
    const actions = program.tables.filter((table) => table.profile === profile).flatMap((table) => table.actions);
    const id = dice.below(PROFILE_IDS);
    if (profile.selector !== undefined && dice.oneIn(3)) {
      const members = Array.from({ length: dice.below(4) }, () => ({
        member: dice.below(PROFILE_IDS),
        weight: 1 + dice.below(2),
      }));
      return dice.oneIn(8)
        ? (control) => control.deleteGroup(name, id)
        : (control) => control.setGroup(name, id, members);
    }
    if (dice.oneIn(12)) return (control) => control.deleteMember(name, id);
    const call = this.call(actions);
    return dice.oneIn(4)
      ? (control) => control.modifyMember(name, id, call)
      : (control) => control.insertMember(name, id, call);
  }

  private changeTable(existing: (table: string) => readonly SwitchTableEntry[]): Change | undefined {
    const { dice } = this;
    if (this.tables.length === 0) return undefined;
    const kind = dice.below(12);
    if (kind === 0 || this.changeable.length === 0) {
      const { name, actions } = dice.pick(this.tables);
      const call = dice.oneIn(4) ? undefined : this.call(actions);
      return (control) => control.setDefaultAction(name, call);
    }
    const table = dice.pick(this.changeable);
    const { name } = table;
    const entries = kind <= 3 ? existing(name) : [];
    if (entries.length > 0) {
      const found = dice.pick(entries);
      const { keys, priority } = found;
      if (kind === 1) return (control) => control.deleteEntry(name, keys, priority);
      if (kind === 2) {
        const changed = { ...found, ...this.target(table) };
        return (control) => control.modifyEntry(name, changed);
      }
      if (table.directMeter !== undefined) {
        const rates = this.rates(table.directMeter.rateCount);
        return (control) => control.setDirectMeter(name, keys, priority, rates);
      }
      if (table.withCounters) {
        const value = { packets: BigInt(dice.word()), bytes: BigInt(dice.word()) };
        return (control) => control.writeDirectCounter(name, keys, priority, value);
      }
    }
    const keys = this.keys(table);
    if (this.inserted.length < KEPT_ENTRIES) this.inserted.push({ table, keys });
    else this.inserted[dice.below(KEPT_ENTRIES)] = { table, keys };
    const entry: SwitchTableEntry = {
      keys,
      priority: dice.below(5),
      idleTimeoutMs: table.supportsTimeout ? dice.below(3) : 0,
      ...this.target(table),
    };
    return (control) => control.insertEntry(name, entry);
  }

  private target(table: TableDef): Pick<SwitchTableEntry, 'call' | 'reference'> {
    const { dice } = this;
    if (table.profile === undefined) return { call: this.call(table.actions) };
    const kind = table.profile.selector !== undefined && dice.oneIn(2) ? 'group' : 'member';
    return { call: NO_CALL, reference: { kind, id: dice.below(PROFILE_IDS) } };
  }

  private call(actions: readonly ActionDef[]): SwitchTableEntry['call'] {
    const action = this.dice.pick(actions);
    return { action: action.name, args: action.params.map(({ width }) => this.value(width)) };
  }

  private rates(count: number): MeterRate[] {
    return Array.from({ length: count }, (_, i) => ({ perSecond: 100 * (i + 1), burst: 1 + this.dice.below(200) }));
  }

  /** A value from the pool, or a random one, which may be added to the pool. */
  private value(width: number): bigint {
    const { dice, pool } = this;
    const all = (1n << BigInt(width)) - 1n;
    if (dice.oneIn(2)) return dice.pick(pool) & all;
    const value = dice.value(width);
    if (pool.length < KEPT_VALUES) pool.push(value);
    else if (dice.oneIn(8)) pool[dice.below(KEPT_VALUES)] = value;
    return value;
  }

  /** Keys that match a packet that has been seen, or random ones. */
  private keys(table: TableDef): MatchKey[] {
    const { dice } = this;
    const seen = this.coverage.keysOf(table.name);
    const example = seen.length > 0 && dice.below(3) > 0 ? dice.pick(seen) : undefined;
    return table.keys.map((key, i) => this.key(key, example?.[i]));
  }

  private key(def: KeyDef, example: bigint | undefined): MatchKey {
    const { dice } = this;
    const { kind, width } = def;
    const all = (1n << BigInt(width)) - 1n;
    const known = 'field' in def.ref ? this.dictionary.valuesOf(def.ref.field) : [];
    const value = BigInt.asUintN(
      width,
      example ?? (known.length > 0 && dice.oneIn(2) ? dice.pick(known) : this.value(width)),
    );
    switch (kind) {
      case 'exact':
        return { kind, value };
      case 'lpm': {
        const prefixLength = dice.below(width + 1);
        const low = BigInt(width - prefixLength);
        return { kind, value: (value >> low) << low, prefixLength };
      }
      case 'ternary': {
        const mask = dice.pick([0n, all, dice.value(width), dice.value(width)]);
        return { kind, value: value & mask, mask };
      }
      case 'range': {
        const other = example !== undefined && dice.oneIn(2) ? example & all : dice.value(width);
        return value < other ? { kind, low: value, high: other } : { kind, low: other, high: value };
      }
    }
  }

  private matching(key: MatchKey, width: number): bigint {
    const { dice } = this;
    switch (key.kind) {
      case 'exact':
        return key.value;
      case 'lpm':
        return key.value | (dice.value(width) & ((1n << BigInt(width - key.prefixLength)) - 1n));
      case 'ternary':
        return key.value | (dice.value(width) & ~key.mask & ((1n << BigInt(width)) - 1n));
      case 'range':
        return dice.oneIn(2) ? key.low : key.high;
    }
  }
}
