import {
  ControlError,
  NO_CALL,
  type Control,
  type CounterValue,
  type MatchKey,
  type MeterRate,
  type ProfileReference,
  type TableDescription,
  type SwitchTableEntry,
} from '../control.js';
import { parseCall, type ActionArguments } from './action-values.js';
import { byName, type Aliases } from './names.js';
import { parseMatch, type MatchValue } from './values.js';

/** Keys by name; those of a kind that can match anything may be left out. */
export type Match = Readonly<Record<string, MatchValue>>;

export interface EntryOptions {
  /** Of a table with a ternary, optional or range key: the smaller number wins, as in BMv2. Default 0. */
  readonly priority?: number;
  readonly idleTimeoutMs?: number;
}

/** What an entry of a table with an action profile runs. */
export type Indirect = { readonly member: number } | { readonly group: number };

/** One table, with names and values as written by hand. @throws ControlError from every method, with the valid choices */
export class TableHandle {
  constructor(
    private readonly control: Control,
    readonly name: string,
    private readonly aliases: Aliases,
  ) {}

  get description(): TableDescription {
    return this.control.describe().tables.find(({ name }) => name === this.name)!;
  }

  insert(match: Match, action: string, args?: ActionArguments, options?: EntryOptions): EntryHandle;
  /** For a table with an action profile. */
  insert(match: Match, indirect: Indirect, options?: EntryOptions): EntryHandle;
  insert(
    match: Match,
    what: string | Indirect,
    second: ActionArguments | EntryOptions = {},
    third: EntryOptions = {},
  ): EntryHandle {
    const entry =
      typeof what === 'string'
        ? this.direct(match, what, second as ActionArguments, third)
        : this.indirect(match, what, second as EntryOptions);
    this.control.insertEntry(this.name, entry);
    return new EntryHandle(this.control, this.name, entry.keys, entry.priority);
  }

  /** Changes what the entry with these keys (and this priority) runs. */
  modify(match: Match, action: string, args?: ActionArguments, options?: EntryOptions): void;
  modify(match: Match, indirect: Indirect, options?: EntryOptions): void;
  modify(
    match: Match,
    what: string | Indirect,
    second: ActionArguments | EntryOptions = {},
    third: EntryOptions = {},
  ): void {
    this.control.modifyEntry(
      this.name,
      typeof what === 'string'
        ? this.direct(match, what, second as ActionArguments, third)
        : this.indirect(match, what, second as EntryOptions),
    );
  }

  delete(match: Match, { priority = 0 }: EntryOptions = {}): void {
    this.control.deleteEntry(this.name, this.keys(match), priority);
  }

  clear(): void {
    for (const { keys, priority } of this.entries()) this.control.deleteEntry(this.name, keys, priority);
  }

  entries(): readonly SwitchTableEntry[] {
    return this.control.entries(this.name);
  }

  /** The entry with these keys (and this priority). */
  entry(match: Match, { priority = 0 }: EntryOptions = {}): EntryHandle {
    return new EntryHandle(this.control, this.name, this.keys(match), priority);
  }

  setDefault(action: string, args: ActionArguments = {}): void {
    this.control.setDefaultAction(this.name, this.call(action, args));
  }

  /** Back to the default action of the program. */
  resetDefault(): void {
    this.control.setDefaultAction(this.name, undefined);
  }

  private direct(match: Match, action: string, args: ActionArguments, options: EntryOptions): SwitchTableEntry {
    return { keys: this.keys(match), call: this.call(action, args), ...entryOptions(options) };
  }

  private indirect(match: Match, indirect: Indirect, options: EntryOptions): SwitchTableEntry {
    const reference: ProfileReference =
      'member' in indirect ? { kind: 'member', id: indirect.member } : { kind: 'group', id: indirect.group };
    return { keys: this.keys(match), call: NO_CALL, reference, ...entryOptions(options) };
  }

  private call(action: string, args: ActionArguments) {
    return parseCall(action, args, this.description.actions, `table ${this.name}`, this.aliases);
  }

  private keys(match: Match): MatchKey[] {
    const { keys } = this.description;
    const given = new Map<string, MatchValue>();
    for (const [name, value] of Object.entries(match)) {
      const key = byName('key', name, keys, `table ${this.name}`);
      if (given.has(key.name))
        throw new ControlError('INVALID_ARGUMENT', `key ${key.name} of table ${this.name} is given twice`);
      given.set(key.name, value);
    }
    return keys.map((key) => parseMatch(given.get(key.name), key, this.name));
  }
}

function entryOptions({ priority = 0, idleTimeoutMs }: EntryOptions): { priority: number; idleTimeoutMs?: number } {
  return { priority, ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }) };
}

/** What belongs to one entry alone. */
export class EntryHandle {
  constructor(
    private readonly control: Control,
    readonly table: string,
    readonly keys: readonly MatchKey[],
    readonly priority: number,
  ) {}

  counter(): CounterValue {
    return this.control.readDirectCounter(this.table, this.keys, this.priority);
  }

  setCounter(value: CounterValue): void {
    this.control.writeDirectCounter(this.table, this.keys, this.priority, value);
  }

  /** Lowest rate first; undefined: every packet is green. */
  setMeter(rates: readonly MeterRate[] | undefined): void {
    this.control.setDirectMeter(this.table, this.keys, this.priority, rates);
  }

  delete(): void {
    this.control.deleteEntry(this.table, this.keys, this.priority);
  }
}
