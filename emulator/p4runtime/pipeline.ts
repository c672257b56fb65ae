/** One forwarding pipeline: the P4Info, the program, and what P4Runtime must return but the switch does not keep. */
import {
  P4InfoIndex,
  type DigestEntry,
  type ForwardingPipelineConfig,
  type P4Info,
  type TableAction,
  type TableInfo,
} from '../../p4runtime/index.js';
import type { Control, MatchKey, ProgramDescription, TableDescription, SwitchTableEntry } from '../control.js';
import type { PreparedProgram } from './device.js';
import { invalid, notFound, toRpcError } from './rpc-error.js';

/** A digest from its INSERT to its DELETE. Undoing a DELETE restores the same one. */
export interface EnabledDigest {
  readonly config: NonNullable<DigestEntry['config']>;
  /** Equal for all configurations of one enabling, and for those of no other. */
  readonly enabling: symbol;
}

/** What identifies an entry of a table. */
export interface EntryKey {
  readonly keys: readonly MatchKey[];
  /** In the switch's order: the smaller number wins. */
  readonly priority: number;
}

/** The opaque parts of a table entry, and those that the switch keeps less exactly. */
export interface EntryNotes {
  readonly metadata: Uint8Array;
  readonly controllerMetadata: bigint;
  readonly idleTimeoutNs: bigint;
  /** The one-shot form in which the action was given, with the group and members that implement it. */
  readonly oneShot?: { readonly action: TableAction; readonly group: number; readonly members: readonly number[] };
}

/** Which port form each replica was written with, so that it is read back the same. */
export interface ReplicaNotes {
  readonly metadata: Uint8Array;
  /** In the order of the replicas: whether it came as the deprecated number. */
  readonly numericPorts: readonly boolean[];
}

export interface GroupNotes {
  readonly maxSize: number;
  readonly watch: ReadonlyMap<number, { readonly watch?: number; readonly watchPort?: Uint8Array }>;
}

/** Members and groups of one-shots are numbered from here, above the 32 bits of clients' ids. */
export const FIRST_HIDDEN_ID = 2 ** 32;

const MAX_PRIORITY = 2 ** 31 - 1;

export class ForwardingPipeline {
  readonly index: P4InfoIndex;
  readonly control: Control;
  readonly program: ProgramDescription;

  /** By table name. */
  readonly defaultNotes = new Map<string, EntryNotes>();
  readonly multicastNotes = new Map<number, ReplicaNotes>();
  readonly cloneNotes = new Map<number, ReplicaNotes>();
  /** By profile name and group. */
  readonly groupNotes = new Map<string, GroupNotes>();
  /** By profile name: how many entries have one-shots. A profile without is not in it. */
  readonly oneShots = new Map<string, number>();
  /** The next member or group of a one-shot; numbers are not used again. */
  nextHiddenId = FIRST_HIDDEN_ID;
  /** By digest id: those that are enabled. */
  readonly enabledDigests = new Map<number, EnabledDigest>();

  private readonly tables: ReadonlyMap<string, TableDescription>;
  /** By table name; the entries of the program never change. */
  private readonly constPriorities = new Map<string, number>();

  /** @throws RpcError INVALID_ARGUMENT if P4Info and program do not belong together */
  constructor(
    readonly config: ForwardingPipelineConfig & { readonly p4info: P4Info },
    readonly prepared: PreparedProgram,
  ) {
    try {
      this.index = new P4InfoIndex(config.p4info);
    } catch (error) {
      throw invalid(toRpcError(error).message);
    }
    this.control = prepared.control;
    for (const table of this.index.tables.items) if (isPreinitialized(table)) releaseEntries(this.control, table);
    this.program = prepared.control.describe();
    this.tables = new Map(this.program.tables.map((table) => [table.name, table]));
    this.check();
  }

  /** Every object of the P4Info must be in the program, and tables must have the same keys. */
  private check(): void {
    const kinds = [
      ['tables', 'tables'],
      ['counters', 'counters'],
      ['registers', 'registers'],
      ['meters', 'meters'],
      ['actionProfiles', 'actionProfiles'],
      ['valueSets', 'valueSets'],
      ['digests', 'digests'],
    ] as const;
    for (const [info, program] of kinds) {
      const names = new Set(this.program[program].map(({ name }) => name));
      for (const { name } of this.index[info].items) {
        if (!names.has(name)) {
          throw invalid(`The P4Info names ${name}, which is not among the program's ${program}: ${list(names)}.`);
        }
      }
    }
    this.checkNotEmpty();
    for (const table of this.index.tables.items) {
      this.checkKeys(table);
      this.checkActions(table);
    }
  }

  private checkKeys(table: TableInfo): void {
    const { keys } = this.tables.get(table.name)!;
    const fits =
      keys.length === table.keys.items.length &&
      table.keys.items.every((key, i) => (key.kind === 'optional' ? 'ternary' : key.kind) === keys[i]!.kind);
    if (!fits) {
      const inProgram = keys.map(({ name, kind }) => `${name} (${kind})`).join(', ');
      throw invalid(`The keys of table ${table.name} differ between the P4Info and the program: ${inProgram}.`);
    }
    for (const field of table.keys.items) {
      const { width } = keys[field.position]!;
      if (field.bitwidth !== 0 && !field.isTranslated && field.bitwidth !== width) {
        throw invalid(
          `Key ${field.name} of ${table.name} has ${field.bitwidth} bits in the P4Info and ${width} in the program.`,
        );
      }
      if (field.isString) throw invalid(`Key ${field.name} of ${table.name} is translated to a string.`);
    }
  }

  /** A P4Info that names nothing goes with a program without anything to name only. */
  private checkNotEmpty(): void {
    const { tables, actions, counters, registers, meters, actionProfiles, valueSets, digests } = this.index;
    const named = [tables, actions, counters, registers, meters, actionProfiles, valueSets, digests];
    const keyed = this.program.tables.filter(({ keys }) => keys.length > 0).map(({ name }) => name);
    if (named.some(({ items }) => items.length > 0) || keyed.length === 0) return;
    throw invalid(`The P4Info is empty, but the program has tables: ${list(new Set(keyed))}.`);
  }

  private checkActions(table: TableInfo): void {
    const inProgram = new Map(this.description(table).actions.map((action) => [action.name, action]));
    for (const { name, definition } of table.actions.items) {
      const action = inProgram.get(name);
      if (!action) {
        throw invalid(
          `The P4Info names action ${name} of ${table.name}, which is not among the program's: ${list(new Set(inProgram.keys()))}.`,
        );
      }
      const params = definition.params.items;
      const fits =
        params.length === action.params.length &&
        params.every(
          (param, i) => param.bitwidth === 0 || param.isTranslated || param.bitwidth === action.params[i]!.width,
        );
      if (fits) continue;
      const text = action.params.map(({ name: param, width }) => `${param} (${width} bits)`).join(', ');
      throw invalid(`The parameters of action ${name} differ between the P4Info and the program: ${text || 'none'}.`);
    }
  }

  description(table: TableInfo): TableDescription {
    return this.tables.get(table.name)!;
  }

  /**
   * Converts P4Runtime's priority, where the larger number wins, to the switch's, where the smaller does; and back,
   * as the function is its own inverse. Entries of the program are numbered from 1 in their order, and P4Runtime
   * requires the first of N to have priority N; clients cannot add to those tables.
   */
  invertPriority(table: TableInfo, priority: number): number {
    if (!table.needsPriority) return 0;
    if (!this.description(table).constEntries) return MAX_PRIORITY - priority;
    let largest = this.constPriorities.get(table.name);
    if (largest === undefined) {
      largest = Math.max(0, ...this.control.entries(table.name).map((entry) => entry.priority));
      this.constPriorities.set(table.name, largest);
    }
    return largest + 1 - priority;
  }

  /** The entry with exactly this key. @throws RpcError NOT_FOUND */
  entry(table: TableInfo, key: EntryKey): SwitchTableEntry {
    const found = this.control.entry(table.name, key.keys, key.priority);
    if (!found) throw notFound(`Table ${table.name} has no entry with this key.`);
    return found;
  }
}

/** Entries of the program that clients may change (P4Runtime 1.4, section "Preinitialized tables"). */
export function isPreinitialized(table: TableInfo): boolean {
  return table.hasInitialEntries && !table.isConst;
}

/**
 * The program numbers its entries from 1, the best; clients' priorities are inverted around the largest. To rank among
 * these, the first of N entries gets P4Runtime's priority N, as constant entries do.
 */
function releaseEntries(control: Control, table: TableInfo): void {
  let entries: readonly SwitchTableEntry[];
  try {
    entries = control.entries(table.name);
    control.releaseEntries(table.name, table.size);
  } catch {
    return; // The program has no such table, which is detected later, with a better message.
  }
  if (!table.needsPriority) return;
  const largest = Math.max(0, ...entries.map(({ priority }) => priority));
  for (const { keys, priority } of entries) control.deleteEntry(table.name, keys, priority);
  for (const entry of entries) {
    control.insertEntry(table.name, { ...entry, priority: MAX_PRIORITY - (largest + 1 - entry.priority) });
  }
}

/** What the server keeps with an entry; undefined if that is all defaults. */
export function notesOf(entry: SwitchTableEntry): EntryNotes | undefined {
  return entry.attachment as EntryNotes | undefined;
}

function list(names: ReadonlySet<string>): string {
  return names.size === 0 ? 'none' : [...names].join(', ');
}
