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

export interface TableEntry {
  readonly keys: readonly MatchKey[];
  /** Only for tables with a ternary, optional or range key. The smaller number wins, as in BMv2 (P4Runtime inverts). */
  readonly priority: number;
  readonly call: ActionCall;
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
  /** Adds an entry; refuses one with equal keys (and priority). */
  insertEntry(table: string, entry: TableEntry): void;
  /** Changes the action of the entry with equal keys (and priority). */
  modifyEntry(table: string, entry: TableEntry): void;
  deleteEntry(table: string, keys: readonly MatchKey[], priority: number): void;
  entries(table: string): readonly TableEntry[];
  /** Undefined restores the program's own default. */
  setDefaultAction(table: string, call: ActionCall | undefined): void;
  defaultAction(table: string): ActionCall | undefined;

  readCounter(counter: string, index: number): CounterValue;
  writeCounter(counter: string, index: number, value: CounterValue): void;
  counterSize(counter: string): number;
  readDirectCounter(table: string, keys: readonly MatchKey[], priority: number): CounterValue;

  readRegister(register: string, index: number): bigint;
  writeRegister(register: string, index: number, value: bigint): void;
  registerSize(register: string): number;

  /** Creates or replaces. */
  setMulticastGroup(group: number, replicas: readonly Replica[]): void;
  deleteMulticastGroup(group: number): void;
  multicastGroups(): ReadonlyMap<number, readonly Replica[]>;
  setCloneSession(session: number, replicas: readonly Replica[], truncateBytes: number): void;
  deleteCloneSession(session: number): void;
}

export type ControlErrorCode = 'NOT_FOUND' | 'ALREADY_EXISTS' | 'INVALID_ARGUMENT' | 'RESOURCE_EXHAUSTED' | 'PERMISSION_DENIED';

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
