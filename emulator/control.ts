/**
 * What a control plane can do to a running switch. The P4Runtime server is one user of it, unit tests
 * are another. Names are those of the BMv2 JSON (fully qualified, without a leading dot); values are
 * non-negative bigints already cut to their width.
 */

/** One key of a table entry, in the order of the table's keys. */
export type MatchKey =
  | { readonly kind: 'exact'; readonly value: bigint }
  | { readonly kind: 'lpm'; readonly value: bigint; readonly prefixLength: number }
  | { readonly kind: 'ternary'; readonly value: bigint; readonly mask: bigint }
  | { readonly kind: 'range'; readonly low: bigint; readonly high: bigint };

export interface ActionCall {
  readonly action: string;
  readonly args: readonly bigint[];
}

/** The call of an entry that refers to an action profile instead of naming an action itself. */
export const NO_CALL: ActionCall = { action: '', args: [] };

export interface SwitchTableEntry {
  readonly keys: readonly MatchKey[];
  /** Only for tables with a ternary, optional or range key. The smaller number wins, as in BMv2 (P4Runtime inverts). */
  readonly priority: number;
  /** {@link NO_CALL} if the table is implemented by an action profile; then `reference` determines what runs. */
  readonly call: ActionCall;
  readonly reference?: ProfileReference;
  /** Milliseconds without a hit after which {@link Control.idleEntries} lists the entry; 0 or absent: never. */
  readonly idleTimeoutMs?: number;
  /** Whatever its writer keeps with it; the switch only returns it. */
  readonly attachment?: object;
}

/** The entries of one table as they were at one time. */
export interface TableView {
  readonly table: string;
  readonly parts: number;
}

/** What is read of an entry of a snapshot besides the entry. */
export interface WantedDirect {
  readonly counter?: boolean;
  readonly meter?: boolean;
  readonly sinceLastHit?: boolean;
}

export interface ReadEntry {
  readonly entry: SwitchTableEntry;
  /** These are there if they were wanted and the table has them; undefined rates: the meter is not configured. */
  readonly counter?: CounterValue;
  readonly rates?: readonly MeterRate[] | undefined;
  readonly sinceLastHit?: number;
}

/** Members and weights of all groups of a profile together. */
export interface GroupTotals {
  readonly members: number;
  readonly weights: number;
}

/** What an entry of an indirect table points at. */
export interface ProfileReference {
  readonly kind: 'member' | 'group';
  readonly id: number;
}

/** One member of a group of an action selector; a weight of w is w copies of the member. */
export interface GroupMember {
  readonly member: number;
  readonly weight: number;
}

/** One rate of a meter, in the unit of the meter (bytes or packets). */
export interface MeterRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** One sample of a digest, in the order of the struct's fields. */
export interface Digest {
  readonly name: string;
  readonly id: number;
  readonly values: readonly bigint[];
  readonly widths: readonly number[];
}

export interface CounterValue {
  packets: bigint;
  bytes: bigint;
}

/** One copy made by a multicast group or clone session. */
export interface Replica {
  readonly egressPort: number;
  readonly instance: number;
}

/** @throws ControlError, with a code of {@link ControlErrorCode}, from every method. */
export interface Control {
  /** Adds an entry; refuses one with equal keys (and priority), and any in a table with const entries. */
  insertEntry(table: string, entry: SwitchTableEntry): void;
  /** Changes the action of the entry with equal keys (and priority). */
  modifyEntry(table: string, entry: SwitchTableEntry): void;
  deleteEntry(table: string, keys: readonly MatchKey[], priority: number): void;
  entries(table: string): readonly SwitchTableEntry[];
  /** The entry with equal keys (and priority). */
  entry(table: string, keys: readonly MatchKey[], priority: number): SwitchTableEntry | undefined;
  /** Takes no longer for a large table: it is read part by part, and stays as it is while the table changes. */
  snapshot(table: string): TableView;
  /** @param part from 0. Counts and times of entries that nobody has changed since are those of now. */
  readSnapshot(snapshot: TableView, part: number, wanted: WantedDirect): readonly ReadEntry[];
  /** Makes the program's own entries of a table like all others; until then they are const. @param maxSize its new size */
  releaseEntries(table: string, maxSize: number): void;
  /** Undefined restores the program's own default. @throws PERMISSION_DENIED if the default is const. */
  setDefaultAction(table: string, call: ActionCall | undefined): void;
  defaultAction(table: string): ActionCall | undefined;

  readCounter(counter: string, index: number): CounterValue;
  writeCounter(counter: string, index: number, value: CounterValue): void;
  counterSize(counter: string): number;
  readDirectCounter(table: string, keys: readonly MatchKey[], priority: number): CounterValue;
  writeDirectCounter(table: string, keys: readonly MatchKey[], priority: number, value: CounterValue): void;

  readRegister(register: string, index: number): bigint;
  writeRegister(register: string, index: number, value: bigint): void;
  registerSize(register: string): number;

  /** Creates or replaces. */
  setMulticastGroup(group: number, replicas: readonly Replica[]): void;
  deleteMulticastGroup(group: number): void;
  multicastGroups(): ReadonlyMap<number, readonly Replica[]>;
  setCloneSession(session: number, replicas: readonly Replica[], truncateBytes: number): void;
  deleteCloneSession(session: number): void;
  cloneSessions(): ReadonlyMap<number, CloneSession>;

  /** Rates lowest first (committed, then peak); undefined: not configured, every packet is green. */
  setMeter(meter: string, index: number, rates: readonly MeterRate[] | undefined): void;
  readMeter(meter: string, index: number): readonly MeterRate[] | undefined;
  meterSize(meter: string): number;
  setDirectMeter(
    table: string,
    keys: readonly MatchKey[],
    priority: number,
    rates: readonly MeterRate[] | undefined,
  ): void;
  readDirectMeter(table: string, keys: readonly MatchKey[], priority: number): readonly MeterRate[] | undefined;

  /** @param copies adjacent in the order of a group; default 1 */
  insertMember(profile: string, member: number, call: ActionCall, copies?: number): void;
  modifyMember(profile: string, member: number, call: ActionCall): void;
  /** Refused while an entry or a group uses it. */
  deleteMember(profile: string, member: number): void;
  /** Changes when members do. */
  members(profile: string): ReadonlyMap<number, ActionCall>;
  /** Creates or replaces. */
  setGroup(profile: string, group: number, members: readonly GroupMember[]): void;
  /** Refused while an entry uses it. */
  deleteGroup(profile: string, group: number): void;
  /** Changes when groups do. */
  groups(profile: string): ReadonlyMap<number, readonly GroupMember[]>;
  groupTotals(profile: string): GroupTotals;
  /** Whether an entry or a group refers to it. */
  isReferenced(profile: string, reference: ProfileReference): boolean;

  /** Replaces the contents; a value of several fields is their concatenation without padding. */
  setValueSet(name: string, values: readonly bigint[]): void;
  valueSet(name: string): readonly bigint[];

  /** Every sample, as BMv2's learning engine sees it before it batches. @returns the function that unsubscribes. */
  onDigest(listener: (digest: Digest) => void): () => void;
  /** Entries that were not hit for their idle timeout. */
  idleEntries(table: string): readonly SwitchTableEntry[];
  /** Microseconds since an entry was hit, or else since it was written. @throws INVALID_ARGUMENT without idle timeouts. */
  sinceLastHit(table: string, keys: readonly MatchKey[], priority: number): number;

  /** Everything that can be named, for messages, listings and tab completion. */
  describe(): ProgramDescription;
}

export interface CloneSession {
  readonly replicas: readonly Replica[];
  /** 0: not truncated. */
  readonly truncateBytes: number;
}

export interface KeyDescription {
  readonly name: string;
  readonly kind: MatchKey['kind'];
  /** Bits. */
  readonly width: number;
}

export interface ActionDescription {
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly width: number }[];
}

export interface TableDescription {
  readonly name: string;
  readonly pipeline: string;
  readonly keys: readonly KeyDescription[];
  readonly actions: readonly ActionDescription[];
  readonly maxSize: number;
  readonly entryCount: number;
  /** Entries come from the program and cannot be changed. */
  readonly constEntries: boolean;
  readonly constDefault: boolean;
  readonly hasPriority: boolean;
  readonly hasDirectCounter: boolean;
  readonly directMeter: string | undefined;
  readonly actionProfile: string | undefined;
  readonly supportsIdleTimeout: boolean;
}

export interface ProgramDescription {
  readonly tables: readonly TableDescription[];
  readonly counters: readonly { readonly name: string; readonly size: number }[];
  readonly registers: readonly { readonly name: string; readonly size: number; readonly width: number }[];
  readonly meters: readonly {
    readonly name: string;
    readonly size: number;
    readonly unit: 'bytes' | 'packets';
    readonly rates: number;
  }[];
  readonly actionProfiles: readonly { readonly name: string; readonly size: number; readonly selector: boolean }[];
  readonly valueSets: readonly { readonly name: string; readonly width: number }[];
  readonly digests: readonly { readonly name: string; readonly id: number }[];
}

export type ControlErrorCode =
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'INVALID_ARGUMENT'
  | 'RESOURCE_EXHAUSTED'
  | 'PERMISSION_DENIED'
  | 'FAILED_PRECONDITION';

export class ControlError extends Error {
  override readonly name = 'ControlError';
  constructor(
    readonly code: ControlErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** A packet that leaves through a port. */
export interface Output {
  readonly port: number;
  readonly bytes: Uint8Array;
}
