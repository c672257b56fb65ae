import type { Control, CounterValue, GroupMember, MeterRate } from '../control.js';
import { parseCall, type ActionArguments } from './action-values.js';
import type { Aliases } from './names.js';
import { parseValue, type Value } from './values.js';

/** One register array. */
export class RegisterHandle {
  constructor(
    private readonly control: Control,
    readonly name: string,
    readonly size: number,
    /** Bits of a cell. */
    readonly width: number,
  ) {}

  /** Cells are unsigned: a negative value reads back as its two's complement. */
  read(index: number): bigint {
    return this.control.readRegister(this.name, index);
  }

  readAll(): bigint[] {
    return Array.from({ length: this.size }, (_, index) => this.read(index));
  }

  write(index: number, value: Value): void {
    this.control.writeRegister(this.name, index, parseValue(value, this.width, `register ${this.name}`));
  }

  fill(value: Value): void {
    for (let index = 0; index < this.size; index++) this.write(index, value);
  }
}

/** One counter array; direct counters belong to the entries of their tables. */
export class CounterHandle {
  constructor(
    private readonly control: Control,
    readonly name: string,
    readonly size: number,
  ) {}

  read(index: number): CounterValue {
    return this.control.readCounter(this.name, index);
  }

  write(index: number, value: CounterValue): void {
    this.control.writeCounter(this.name, index, value);
  }
}

/** One meter array; direct meters belong to the entries of their tables. */
export class MeterHandle {
  constructor(
    private readonly control: Control,
    readonly name: string,
    readonly size: number,
    readonly unit: 'bytes' | 'packets',
  ) {}

  /** Rates in units per second, lowest first; undefined: every packet is green. */
  set(index: number, rates: readonly MeterRate[] | undefined): void {
    this.control.setMeter(this.name, index, rates);
  }

  read(index: number): readonly MeterRate[] | undefined {
    return this.control.readMeter(this.name, index);
  }
}

/** One action profile or selector. */
export class ProfileHandle {
  constructor(
    private readonly control: Control,
    readonly name: string,
    private readonly aliases: Aliases,
  ) {}

  /** Creates the member, or changes what it runs. */
  member(id: number, action: string, args: ActionArguments = {}): void {
    const actions = this.control
      .describe()
      .tables.filter(({ actionProfile }) => actionProfile === this.name)
      .flatMap((table) => table.actions);
    const call = parseCall(action, args, actions, `action profile ${this.name}`, this.aliases);
    if (this.control.members(this.name).has(id)) this.control.modifyMember(this.name, id, call);
    else this.control.insertMember(this.name, id, call);
  }

  deleteMember(id: number): void {
    this.control.deleteMember(this.name, id);
  }

  /** Creates or replaces a group of an action selector. @param members ids of members, with or without weights. */
  group(id: number, members: readonly (number | GroupMember)[]): void {
    this.control.setGroup(
      this.name,
      id,
      members.map((member) => (typeof member === 'number' ? { member, weight: 1 } : member)),
    );
  }

  deleteGroup(id: number): void {
    this.control.deleteGroup(this.name, id);
  }
}

/** One parser value set. */
export class ValueSetHandle {
  constructor(
    private readonly control: Control,
    readonly name: string,
    /** Bits of one value: its fields concatenated, without padding. */
    readonly width: number,
  ) {}

  set(values: readonly Value[]): void {
    this.control.setValueSet(
      this.name,
      values.map((value) => parseValue(value, this.width, `value set ${this.name}`)),
    );
  }

  values(): readonly bigint[] {
    return this.control.valueSet(this.name);
  }
}
